/*
 * words.c: see words.h.
 */
#include "daemon/words.h"

#include "common/str.h"

#define NAMED_MAX      4
#define LINE_MAX_BYTES 1200

const char *words_past(enum action action)
{
    switch (action) {
    case ACTION_CREATE:
        return "created";
    case ACTION_UPDATE:
        return "changed";
    case ACTION_REPLACE:
        return "replaced";
    case ACTION_DELETE:
        return "deleted";
    case ACTION_ADOPT:
        return "adopted";
    default:
        return "forgotten";
    }
}

char *words_of_hold(const struct resource *resource)
{
    const struct decision *decision = &resource->decision;
    const char *hold = hold_text(decision->hold);

    if (resource->useless)
        return str_format("%s: %s", resource->useless, hold);
    return str_format("%s (%s): %s", action_name(decision->action), reason_text(decision->reason), hold);
}

char *words_of_diff(const struct diff *diff)
{
    struct buf out CLEANUP_BUF = BUF_INIT(LINE_MAX_BYTES);

    for (size_t i = 0; i < diff->count && i < NAMED_MAX; i++)
        (void)buf_addf(&out, "%s%s", i ? ", " : "", diff->entries[i].path); /* failures show at buf_take */
    if (diff->count > NAMED_MAX)
        (void)buf_addf(&out, " and %zu more", diff->count - NAMED_MAX);
    return buf_take(&out);
}
