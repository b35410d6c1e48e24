/*
 * farewell.c: words for what removing a resource loses, leaves or stumbles over.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

#include "common/str.h"
#include "kinds/kind.h"

#define WORDS_MAX 1000

const char *farewell_name(enum farewell_sort sort)
{
    static const char *const names[FAREWELL_MAX] = {"nothing", "loses", "leaves", "blocks"};

    assert(sort < FAREWELL_MAX);
    return names[sort];
}

void farewell_say(struct farewell *farewell, enum farewell_sort sort, const char *format, ...)
{
    struct buf words CLEANUP_BUF = BUF_INIT(WORDS_MAX);
    va_list arguments;

    va_start(arguments, format);
    (void)buf_vaddf(&words, format, arguments); /* a failure shows at buf_take */
    va_end(arguments);
    farewell_done(farewell);
    farewell->sort = sort;
    farewell->words = buf_take(&words);
}

void farewell_done(struct farewell *farewell)
{
    free(farewell->words);
    *farewell = (struct farewell){0};
}
