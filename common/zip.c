/*
 * zip.c: see zip.h. The only user of libzip.
 *
 * What makes zips of the same files differ is pinned: order by name, the time 1980-01-01 (the first
 * that a zip can hold), Unix modes 644 or 755, deflate at its best.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zip.h>

#include "common/crypto.h"
#include "common/str.h"
#include "common/yml.h"
#include "common/zip.h"

#define DEPTH_MAX     16
#define DOS_DATE_1980 0x21 /* 1980-01-01 */
#define MODE_FILE     ((zip_uint32_t)0100644 << 16)
#define MODE_PROGRAM  ((zip_uint32_t)0100755 << 16)
#define DEFLATE_BEST  9

struct reading {
    struct package *package;
    size_t bytes;
    struct err *err;
};

void package_done(struct package *package)
{
    for (size_t i = 0; i < package->count; i++) {
        free(package->files[i].name);
        free(package->files[i].data);
    }
    free(package->files);
    *package = (struct package){0};
}

/* ---- reading ---- */

static bool is_left_out(const char *name)
{
    return name[0] == '.' || str_equal(name, "__pycache__") || str_ends(name, ".pyc");
}

static int add_file(struct reading *reading, const char *path, const char *name, bool executable)
{
    struct package *package = reading->package;
    struct package_file *files, *file;
    int r;

    if (package->count >= PACKAGE_FILES_MAX)
        return err_set(reading->err, -E2BIG, ERR_INVALID, "%s: more than %d files", path, PACKAGE_FILES_MAX);
    files = reallocarray(package->files, package->count + 1, sizeof(*files));
    if (!files)
        return err_no_memory(reading->err);
    package->files = files;
    file = &files[package->count];
    *file = (struct package_file){.executable = executable};
    r = file_read(path, PACKAGE_BYTES_MAX - reading->bytes, &file->data, &file->size, reading->err);
    if (r < 0) {
        if (reading->err)
            reading->err->class = ERR_INVALID;
        return r;
    }
    file->name = strdup(name);
    if (!file->name) {
        free(file->data);
        return err_no_memory(reading->err);
    }
    package->count++;
    reading->bytes += file->size;
    return 0;
}

static int add_path(struct reading *reading, const char *path, const char *name, unsigned depth);

/* The entries of one folder; their order does not matter here. */
static int add_folder(struct reading *reading, const char *path, const char *name, unsigned depth)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    int r = 0;

    if (!folder)
        return err_set(reading->err, -errno, ERR_INVALID, "%s: %s", path, strerror(errno));
    while (r == 0 && (entry = readdir(folder))) {
        char *below CLEANUP_FREE = NULL;
        char *below_name CLEANUP_FREE = NULL;

        if (is_left_out(entry->d_name))
            continue;
        below = str_format("%s/%s", path, entry->d_name);
        below_name = *name ? str_format("%s/%s", name, entry->d_name) : strdup(entry->d_name);
        r = below && below_name ? add_path(reading, below, below_name, depth + 1)
                                : err_no_memory(reading->err);
    }
    closedir(folder);
    return r;
}

static int add_path(struct reading *reading, const char *path, const char *name, unsigned depth)
{
    struct stat info;

    if (depth > DEPTH_MAX)
        return err_set(reading->err, -ELOOP, ERR_INVALID, "%s: folders more than %d deep", path, DEPTH_MAX);
    if (lstat(path, &info) < 0)
        return err_set(reading->err, -errno, ERR_INVALID, "%s: %s", path, strerror(errno));
    if (S_ISDIR(info.st_mode))
        return add_folder(reading, path, name, depth);
    if (!S_ISREG(info.st_mode))
        return err_set(reading->err, -EINVAL, ERR_INVALID, "%s is neither a file nor a folder", path);
    return add_file(reading, path, name, (info.st_mode & 0111) != 0);
}

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const struct package_file *)a)->name, ((const struct package_file *)b)->name);
}

int package_read(const char *path, struct package *ret, struct err *err)
{
    struct package package CLEANUP_PACKAGE = {0};
    struct reading reading = {.package = &package, .err = err};
    const char *slash = strrchr(path, '/');
    struct stat info;
    bool one = lstat(path, &info) == 0 && S_ISREG(info.st_mode);
    int r = add_path(&reading, path, !one ? "" : slash ? slash + 1 : path, 0);

    if (r < 0)
        return r;
    if (package.count == 0)
        return err_set(err, -ENOENT, ERR_INVALID, "%s holds no file", path);
    qsort(package.files, package.count, sizeof(*package.files), compare_files);
    *ret = package;
    package = (struct package){0};
    return 0;
}

/* ---- digest ---- */

char *package_digest(const struct package *package)
{
    struct buf text CLEANUP_BUF = BUF_INIT(PACKAGE_FILES_MAX * 8192u);
    unsigned char digest[DIGEST_SIZE];

    for (size_t i = 0; i < package->count; i++) {
        const struct package_file *file = &package->files[i];

        digest_sha256(file->data, file->size, digest);
        for (size_t b = 0; b < sizeof(digest); b++)
            (void)buf_addf(&text, "%02x", digest[b]); /* a failed buffer stays failed */
        /* The length keeps names with line ends from passing for two. */
        (void)buf_addf(&text, " %c %zu %s\n", file->executable ? 'x' : '-', strlen(file->name), file->name);
    }
    return text.failed ? NULL : digest_text(buf_text(&text));
}

/* ---- zip ---- */

static int refuse(struct err *err, const char *what)
{
    return err_set(err, -EIO, ERR_BUG, "making a zip: %s", what);
}

/* @file outlives the archive, which reads from it when it is closed. */
static int add_entry(zip_t *archive, const struct package_file *file, struct err *err)
{
    zip_source_t *source = zip_source_buffer(archive, file->data, file->size, 0);
    zip_int64_t index;

    if (!source)
        return refuse(err, zip_strerror(archive));
    index = zip_file_add(archive, file->name, source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
        zip_source_free(source);
        return refuse(err, zip_strerror(archive));
    }
    if (zip_set_file_compression(archive, (zip_uint64_t)index, ZIP_CM_DEFLATE, DEFLATE_BEST) < 0 ||
        zip_file_set_dostime(archive, (zip_uint64_t)index, 0, DOS_DATE_1980, 0) < 0 ||
        zip_file_set_external_attributes(archive, (zip_uint64_t)index, 0, ZIP_OPSYS_UNIX,
                                         file->executable ? MODE_PROGRAM : MODE_FILE) < 0)
        return refuse(err, zip_strerror(archive));
    return 0;
}

/* All files into @into, which keeps the bytes. */
static int fill(zip_source_t *into, const struct package *package, struct err *err)
{
    zip_error_t error;
    zip_t *archive;
    int r = 0;

    zip_error_init(&error);
    archive = zip_open_from_source(into, ZIP_TRUNCATE, &error);
    if (!archive) {
        r = refuse(err, zip_error_strerror(&error));
        zip_error_fini(&error);
        return r;
    }
    zip_error_fini(&error);
    zip_source_keep(into); /* closing drops one reference */
    for (size_t i = 0; i < package->count && r == 0; i++)
        r = add_entry(archive, &package->files[i], err);
    if (r == 0 && zip_close(archive) < 0)
        r = refuse(err, zip_strerror(archive));
    else if (r == 0)
        return 0;
    zip_discard(archive);
    return r;
}

static int take_bytes(zip_source_t *from, unsigned char **ret, size_t *ret_size_bytes, struct err *err)
{
    unsigned char *bytes;
    zip_int64_t size;
    zip_stat_t info;
    int r = 0;

    if (zip_source_stat(from, &info) < 0 || !(info.valid & ZIP_STAT_SIZE))
        return refuse(err, "its size can not be told");
    if (info.size > PACKAGE_ZIP_MAX)
        return err_set(err, -EMSGSIZE, ERR_LIMIT, "the package has %llu bytes; at most %u fit into a request",
                       (unsigned long long)info.size, PACKAGE_ZIP_MAX);
    bytes = malloc(info.size);
    if (!bytes)
        return err_no_memory(err);
    if (zip_source_open(from) < 0) {
        free(bytes);
        return refuse(err, "it can not be read back");
    }
    size = zip_source_read(from, bytes, info.size);
    if (size < 0 || (zip_uint64_t)size != info.size) {
        free(bytes);
        r = refuse(err, "it can not be read back");
    } else {
        *ret = bytes;
        *ret_size_bytes = (size_t)size;
    }
    zip_source_close(from);
    return r;
}

int package_zip(const struct package *package, unsigned char **ret, size_t *ret_size_bytes, struct err *err)
{
    zip_source_t *memory;
    zip_error_t error;
    int r;

    zip_error_init(&error);
    memory = zip_source_buffer_create(NULL, 0, 0, &error);
    zip_error_fini(&error);
    if (!memory)
        return err_no_memory(err);
    r = fill(memory, package, err);
    if (r == 0)
        r = take_bytes(memory, ret, ret_size_bytes, err);
    zip_source_free(memory);
    return r;
}
