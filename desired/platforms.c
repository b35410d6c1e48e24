/*
 * platforms.c: which platform files there are.
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "desired/desired-internal.h"

#define PLATFORMS_MAX 10000

static bool is_platform_file(const char *name)
{
    /* Hidden files are editors' and package managers' business. */
    return name[0] != '.' && (str_ends(name, ".yaml") || str_ends(name, ".yml"));
}

static int collect(DIR *open, const char *directory, struct strv *files)
{
    const struct dirent *entry;

    for (errno = 0; (entry = readdir(open)); errno = 0) {
        char *path CLEANUP_FREE = NULL;

        if (!is_platform_file(entry->d_name))
            continue;
        if (files->count == PLATFORMS_MAX)
            return -EFBIG;
        path = path_join(directory, entry->d_name);
        if (!path || strv_add(files, path) < 0)
            return -ENOMEM;
    }
    return -errno;
}

int platform_files(const char *directory, struct strv *ret, struct problems *problems)
{
    struct strv files CLEANUP_STRV = {0};
    DIR *open = opendir(directory);
    int r = open ? collect(open, directory, &files) : -errno;

    if (open)
        closedir(open);
    if (r < 0) {
        problems_add(problems, directory, (struct yml_mark){0, 0}, NULL,
                     "cannot read the directory of platforms: %s", strerror(-r));
        return r;
    }
    strv_sort(&files);
    *ret = files;
    files = (struct strv){0};
    return 0;
}
