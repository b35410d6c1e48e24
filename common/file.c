/*
 * file.c: a whole file into memory, with a ceiling.
 *
 * Regular files only: a FIFO would hold up the loop for ever. What is read may
 * be a key, so no copy of it stays behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/str.h"
#include "common/yml.h"

#define CHUNK_BYTES 16384

static enum err_class class_of(int code)
{
    switch (-code) {
    case ENOENT:
    case ENOTDIR:
        return ERR_ABSENT;
    case EACCES:
    case EPERM:
        return ERR_DENIED;
    case EFBIG:
        return ERR_LIMIT;
    case EIO:
    case EINTR:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
        return ERR_RETRY;
    default:
        return ERR_INVALID;
    }
}

/* Read to the end: the size that stat() tells is 0 in /proc and old in a file that grows. */
static int read_all(int fd, char *chunk, struct buf *content)
{
    while (true) {
        ssize_t n = read(fd, chunk, CHUNK_BYTES);
        int r;

        if (n == 0)
            return 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        r = buf_add(content, chunk, (size_t)n);
        if (r < 0)
            return r == -EMSGSIZE ? -EFBIG : r;
    }
}

static int read_regular(int fd, struct buf *content)
{
    struct stat info;
    char *chunk;
    int r;

    if (fstat(fd, &info) < 0)
        return -errno;
    if (S_ISDIR(info.st_mode))
        return -EISDIR;
    if (!S_ISREG(info.st_mode))
        return -EINVAL;
    chunk = malloc(CHUNK_BYTES);
    if (!chunk)
        return -ENOMEM;
    r = read_all(fd, chunk, content);
    sodium_memzero(chunk, CHUNK_BYTES);
    free(chunk);
    return r;
}

static int refuse(const char *path, size_t max_bytes, int code, struct err *err)
{
    if (code == -EFBIG)
        return err_set(err, code, ERR_LIMIT, "cannot read %s: more than %zu bytes", path, max_bytes);
    if (code == -EINVAL)
        return err_set(err, code, ERR_INVALID, "cannot read %s: not a regular file", path);
    return err_set(err, code, class_of(code), "cannot read %s: %s", path, strerrordesc_np(-code));
}

int file_read(const char *path, size_t max_bytes, char **ret, size_t *ret_size_bytes, struct err *err)
{
    struct buf content = BUF_INIT(max_bytes);
    size_t size;
    char *data;
    int fd, r;

    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return refuse(path, max_bytes, -errno, err);
    r = read_regular(fd, &content);
    (void)close(fd); /* nothing was written: nothing can be lost */
    size = content.size;
    data = r == 0 ? buf_take(&content) : NULL;
    buf_wipe(&content);
    if (!data)
        return refuse(path, max_bytes, r < 0 ? r : -ENOMEM, err);
    *ret = data;
    if (ret_size_bytes)
        *ret_size_bytes = size;
    return 0;
}
