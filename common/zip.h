/*
 * zip.h: the source of a function as a package: files read from a folder (or one file), a digest of their names
 * and contents, and a zip whose bytes depend on nothing else.
 *
 * "Has it changed?" is a question for the digest: another version of the compressor may make other
 * bytes of the same files. Reads the disk: a package is small (PACKAGE_BYTES_MAX).
 */
#ifndef MLOPSD_COMMON_ZIP_H
#define MLOPSD_COMMON_ZIP_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/macro.h"

#define PACKAGE_FILES_MAX 1000
#define PACKAGE_BYTES_MAX (16u << 20)   /* of all files together */
#define PACKAGE_ZIP_MAX   (2800u << 10) /* of the zip: it travels in one request, as text */

struct package_file {
    char *name; /* relative to the folder, with '/' */
    char *data;
    size_t size;
    bool executable;
};

/** Files sorted by name. Zeroed before use; released with package_done(). */
struct package {
    struct package_file *files;
    size_t count;
};

/**
 * Read a folder with all below it, or one file. What begins with a dot, __pycache__ and compiled Python are
 * left out. Refused with class ERR_INVALID: what is not there, links, sockets, an empty folder, and what is
 * over the bounds above.
 */
int package_read(const char *path, struct package *ret, struct err *err);
void package_done(struct package *package);
#define CLEANUP_PACKAGE CLEANUP(package_done)

/** Hex SHA-256 of names, modes and contents; owned; NULL without memory. */
char *package_digest(const struct package *package);
/** The zip; *@ret owned. Equal packages make equal bytes with one version of the libraries. */
int package_zip(const struct package *package, unsigned char **ret, size_t *ret_size_bytes, struct err *err);

#endif
