/*
 * words.c: small things the readers of files share: the closest spelling, paths,
 * what a word or a duration may look like.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "desired/desired-internal.h"

void nearest_offer(struct nearest *nearest, const char *candidate)
{
    size_t length = strlen(nearest->text), other = strlen(candidate);
    size_t limit = length / 3 > 2 ? length / 3 : 2;
    unsigned distance;

    if (limit >= length)
        limit = length > 1 ? length - 1 : 0;
    /* Lengths that differ too much can not be near: spares the table for most candidates. */
    if ((length > other ? length - other : other - length) > limit)
        return;
    distance = str_distance(nearest->text, candidate);
    if (distance > limit || (nearest->best && distance >= nearest->distance))
        return;
    nearest->best = candidate;
    nearest->distance = distance;
}

char *nearest_hint(const struct nearest *nearest)
{
    if (!nearest->best)
        return strdup("");
    return str_format("; did you mean \"%s\"?", nearest->best);
}

char *path_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *here CLEANUP_FREE = NULL;

    if (path[0] == '/')
        return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
    here = getcwd(NULL, 0);
    if (!here)
        return NULL;
    if (!slash)
        return TAKE(here);
    return str_format("%s/%.*s", here, (int)(slash - path), path);
}

char *path_join(const char *directory, const char *path)
{
    if (path[0] == '/')
        return strdup(path);
    return str_format("%s/%s", str_equal(directory, "/") ? "" : directory, path);
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool word_accepted(const char *text, size_t max, const char *more)
{
    size_t length = strlen(text);

    if (length == 0 || length > max)
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (!plain && !strchr(more, c))
            return false;
    }
    return true;
}

bool poll_interval_accepted(const char *text)
{
    unsigned long long ms;

    return str_to_duration(text, &ms) == 0 && ms >= 1000 && ms <= 86400000;
}

bool write_interval_accepted(const char *text)
{
    unsigned long long ms;

    return str_to_duration(text, &ms) == 0 && ms <= 60000;
}

uint64_t duration_ms(const char *text, uint64_t otherwise)
{
    unsigned long long ms;

    return text && str_to_duration(text, &ms) == 0 ? ms : otherwise;
}
