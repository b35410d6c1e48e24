/*
 * key.c: the key that seals secrets in the file, and the proof that it fits.
 *
 * From the systemd credential "mlopsd-state-key", else from DIR/state.key. The first start seals a known text
 * in the file (the canary); a key that can not open it is refused: going on would lose every sealed value.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/str.h"
#include "state/store-internal.h"

#define CREDENTIAL   "mlopsd-state-key"
#define CANARY       "mlopsd"
#define KEY_TEXT_MAX (2 * SEAL_KEY_SIZE + 1)

static int hex_digit(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* 32 raw bytes, or 64 hex digits with or without a newline. */
static int key_parse(const unsigned char *text, size_t size_bytes, unsigned char key[SEAL_KEY_SIZE])
{
    int high, low;

    if (size_bytes == SEAL_KEY_SIZE) {
        memcpy(key, text, SEAL_KEY_SIZE);
        return 0;
    }
    if (size_bytes == KEY_TEXT_MAX && text[size_bytes - 1] == '\n')
        size_bytes--;
    if (size_bytes != 2 * SEAL_KEY_SIZE)
        return -EINVAL;
    for (size_t i = 0; i < SEAL_KEY_SIZE; i++) {
        high = hex_digit(text[2 * i]);
        low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return -EINVAL;
        key[i] = (unsigned char)(high << 4 | low);
    }
    return 0;
}

static ssize_t read_up_to(int fd, unsigned char *data, size_t size_bytes)
{
    size_t done = 0;
    ssize_t n;

    while (done < size_bytes) {
        n = read(fd, data + done, size_bytes - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

static int key_read(struct store *store, int fd, const char *path, struct err *err)
{
    unsigned char text[KEY_TEXT_MAX + 1], key[SEAL_KEY_SIZE];
    ssize_t size = read_up_to(fd, text, sizeof(text));
    int r = 0;

    if (size < 0)
        r = err_set(err, (int)size, ERR_RETRY, "can not read %s: %s", path, strerror((int)-size));
    else if (key_parse(text, (size_t)size, key) < 0)
        r = err_set(err, -EINVAL, ERR_INVALID,
                    "%s does not hold a key: 32 bytes or 64 hex digits are expected", path);
    else
        store->key = seal_key_new(key);
    explicit_bzero(text, sizeof(text));
    explicit_bzero(key, sizeof(key));
    if (r == 0 && !store->key)
        r = err_no_memory(err);
    return r;
}

static int key_from_credential(struct store *store, const char *directory, struct err *err)
{
    char *path CLEANUP_FREE = str_format("%s/%s", directory, CREDENTIAL);
    int fd, r;

    if (!path)
        return err_no_memory(err);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return -ENOENT;
    if (fd < 0) {
        r = -errno;
        return err_set(err, r, ERR_INVALID, "can not open the credential %s: %m", path);
    }
    r = key_read(store, fd, path, err);
    close(fd);
    return r;
}

/* A key that others can read is no key: say so instead of going on with it. */
static int key_file_check(int fd, const char *path, struct err *err)
{
    struct stat info;

    if (fstat(fd, &info) < 0) {
        int code = -errno;

        return err_set(err, code, ERR_RETRY, "can not look at %s: %m", path);
    }
    if (!S_ISREG(info.st_mode))
        return err_set(err, -EINVAL, ERR_INVALID, "%s is not a file", path);
    if (info.st_uid != geteuid())
        return err_set(err, -EPERM, ERR_INVALID, "%s belongs to uid %u, not to us (uid %u): chown it", path,
                       (unsigned)info.st_uid, (unsigned)geteuid());
    if (info.st_mode & 0077)
        return err_set(err, -EPERM, ERR_INVALID,
                       "%s can be read or changed by others (mode %04o): chmod 0600 it", path,
                       (unsigned)info.st_mode & 07777);
    return 0;
}

static int key_from_file(struct store *store, const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    int r;

    if (fd < 0 && errno == ENOENT)
        return -ENOENT;
    if (fd < 0) {
        r = -errno;
        return err_set(err, r, ERR_INVALID, "can not open %s: %m", path);
    }
    r = key_file_check(fd, path, err);
    if (r == 0)
        r = key_read(store, fd, path, err);
    close(fd);
    return r;
}

static int key_write(int fd, const char *path, const unsigned char key[SEAL_KEY_SIZE], struct err *err)
{
    ssize_t n = write(fd, key, SEAL_KEY_SIZE);
    int code;

    if (n == SEAL_KEY_SIZE && fsync(fd) == 0)
        return 0;
    code = n >= 0 && n < SEAL_KEY_SIZE ? -ENOSPC : -errno;
    return err_set(err, code, ERR_RETRY, "can not write %s: %s", path, strerror(-code));
}

/*
 * Written whole under another name first: a crash must not leave half a key, which no start would accept.
 * We hold the lock, so what lies under that name is from such a crash.
 */
static int key_make(struct store *store, const char *path, struct err *err)
{
    char *draft CLEANUP_FREE = str_format("%s.new", path);
    unsigned char key[SEAL_KEY_SIZE];
    int fd, r;

    if (!draft)
        return err_no_memory(err);
    (void)unlink(draft); /* most often there is none; what else could fail shows in the next line */
    fd = private_file_create(draft, err);
    if (fd < 0)
        return fd == -EEXIST ? err_set(err, -EEXIST, ERR_INVALID, "can not replace %s", draft) : fd;
    random_fill(key, sizeof(key));
    r = key_write(fd, draft, key, err);
    close(fd);
    if (r == 0 && rename(draft, path) < 0) {
        r = -errno;
        err_set(err, r, ERR_RETRY, "can not rename %s to %s: %m", draft, path);
    }
    if (r == 0)
        r = directory_sync(store->directory, err);
    if (r == 0) {
        store->key = seal_key_new(key);
        r = store->key ? 0 : err_no_memory(err);
    }
    explicit_bzero(key, sizeof(key));
    return r;
}

static int key_make_passing(struct store *store, struct err *err)
{
    unsigned char key[SEAL_KEY_SIZE];

    random_fill(key, sizeof(key));
    store->key = seal_key_new(key);
    explicit_bzero(key, sizeof(key));
    return store->key ? 0 : err_no_memory(err);
}

/* 1 with the canary's key id and bytes (borrowed from @row), 0 when there is none yet. */
static int canary_read(struct store *store, struct row *row, struct err *err)
{
    int r = store_query(store, "SELECT key_id, sealed FROM seal_check", (struct values){0}, row, err);

    return r < 0 ? r : store_next(store, row, err);
}

static int canary_put(struct store *store, const char *place, struct err *err)
{
    unsigned char *sealed CLEANUP_FREE = NULL;
    size_t size;
    int r;

    if (store->read_only)
        return 0;
    r = seal(store->key, place, CANARY, strlen(CANARY), &sealed, &size);
    if (r < 0)
        return err_no_memory(err);
    return store_write_one(store, "INSERT INTO seal_check (id, key_id, sealed) VALUES (1, ?, ?)",
                           VALUES(TEXT(seal_key_id(store->key)), BLOB(sealed, size)), err);
}

static int key_misfit(struct store *store, const char *key_id, struct err *err)
{
    return err_set(err, -EKEYREJECTED, ERR_INVALID,
                   "the sealing key %s does not fit the secrets in %s, which were sealed with key %s: put "
                   "that key back, "
                   "or move the file away (generated passwords are lost with it)",
                   seal_key_id(store->key), store->path, key_id ? key_id : "?");
}

static int canary_check(struct store *store, struct err *err)
{
    char *place CLEANUP_FREE = sealed_place("seal_check", "", "canary");
    char *key_id CLEANUP_FREE = NULL;
    struct secret *opened CLEANUP_SECRET = NULL;
    const void *sealed;
    struct row row;
    size_t size;
    int r;

    if (!place)
        return err_no_memory(err);
    r = canary_read(store, &row, err);
    if (r <= 0)
        return r < 0 ? r : canary_put(store, place, err);
    key_id = row_text(&row);
    sealed = row_blob(&row, &size);
    if (!sealed || unseal(store->key, place, sealed, size, &opened, NULL) < 0)
        r = key_misfit(store, key_id, err);
    store_done(&row);
    return r < 0 ? r : 0;
}

static int key_first(struct store *store, const char *path, struct err *err)
{
    struct row row;
    int r;

    r = canary_read(store, &row, err);
    if (r < 0)
        return r;
    if (r > 0) {
        store_done(&row);
        return err_set(
            err, -EKEYREJECTED, ERR_INVALID,
            "%s is missing, and %s holds secrets sealed with it: put it back, or move %s away (generated "
            "passwords are lost with it)",
            path, store->path, store->path);
    }
    return store->read_only ? key_make_passing(store, err) : key_make(store, path, err);
}

int key_load(struct store *store, struct err *err)
{
    char *path CLEANUP_FREE = str_format("%s/state.key", store->directory);
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    int r = -ENOENT;

    if (!path)
        return err_no_memory(err);
    if (credentials)
        r = key_from_credential(store, credentials, err);
    if (r == -ENOENT)
        r = key_from_file(store, path, err);
    if (r == -ENOENT)
        r = key_first(store, path, err);
    return r < 0 ? r : canary_check(store, err);
}
