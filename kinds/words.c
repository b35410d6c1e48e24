/*
 * words.c: what several rows accept.
 */
#include <ctype.h>
#include <string.h>

#include "kinds/registry-internal.h"

bool has_reference(const char *text)
{
    return strstr(text, "${") != NULL;
}

bool is_word(const char *text, const char *more, size_t max)
{
    for (const char *c = text; *c; c++) {
        if (!isalnum((unsigned char)*c) && !strchr(more, *c))
            return false;
    }
    return *text && strlen(text) <= max;
}

bool is_small_word(const char *text, const char *more, size_t max)
{
    for (const char *c = text; *c; c++) {
        if (isupper((unsigned char)*c))
            return false;
    }
    return is_word(text, more, max);
}
