/*
 * fuzz_main.h: a main() for fuzz targets built without libFuzzer (-DFUZZ_MAIN).
 *
 * usage: fuzz_X FILE-OR-DIRECTORY...
 * Every file goes through the target once; a finding aborts. Exit 0 when at
 * least one file was read.
 */
#ifndef MLOPSD_TESTS_FUZZ_MAIN_H
#define MLOPSD_TESTS_FUZZ_MAIN_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifdef FUZZ_MAIN

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/str.h"
#include "common/yml.h"

static int fuzz_file(const char *path)
{
    struct err err CLEANUP_ERR = {0};
    char *text CLEANUP_FREE = NULL;
    uint8_t *exact;
    size_t size;

    if (file_read(path, 16 << 20, &text, &size, &err) < 0) {
        fprintf(stderr, "%s\n", err_text(&err));
        return -1;
    }
    /* No byte more than there is, so that a sanitizer sees every step too far. */
    exact = malloc(size ? size : 1);
    if (!exact)
        return -1;
    memcpy(exact, text, size);
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 0;
}

static int fuzz_directory(const char *path, size_t *count)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    int r = 0;

    if (!directory)
        return -1;
    while (r == 0 && (entry = readdir(directory))) {
        char *name CLEANUP_FREE = str_format("%s/%s", path, entry->d_name);

        if (entry->d_name[0] == '.')
            continue;
        r = name ? fuzz_file(name) : -1;
        (*count)++;
    }
    closedir(directory);
    return r;
}

int main(int argc, char **argv)
{
    size_t count = 0;

    for (int i = 1; i < argc; i++) {
        struct stat info;
        int r;

        if (stat(argv[i], &info) == 0 && S_ISDIR(info.st_mode)) {
            r = fuzz_directory(argv[i], &count);
        } else {
            r = fuzz_file(argv[i]);
            count++;
        }
        if (r < 0)
            return EXIT_FAILURE;
    }
    printf("%zu inputs\n", count);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif

/* Like assert(), but in every build: it is what the fuzzer looks for. */
#define FUZZ_CHECK(condition)                                                                                \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            __builtin_trap();                                                                                \
    } while (0)

#endif
