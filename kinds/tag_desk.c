/*
 * tag_desk.c: the tags that one look asks of the tagging service, for all its kinds in one call.
 *
 * Kinds look at the same time and do not know of one another. So the first that asks in a look at
 * everything asks for whatever the last such look wanted as well; those that come while it waits stand
 * in line, and find theirs answered. What one of them still misses is asked once more, with what all
 * others in the line miss. An ARN is asked for once a look: where nothing came, because the service
 * lags, knows none, or refuses, each kind asks its own service.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/fiber.h"
#include "common/js.h"
#include "kinds/registry-internal.h"

struct tag_desk {
    struct fiber_slots line;     /* one asks at a time */
    struct json_object *known;   /* {ARN: true}: wanted by the last look at everything */
    struct json_object *wanted;  /* {ARN: true}: wanted in this look so far */
    struct json_object *answers; /* {ARN: {KEY: VALUE}}, or false where nothing came: asked in this look */
    bool everything;
};

struct tag_desk *tag_desk_new(void)
{
    return calloc(1, sizeof(struct tag_desk));
}

struct tag_desk *tag_desk_free(struct tag_desk *desk)
{
    if (!desk)
        return NULL;
    assert(desk->line.taken == 0);
    json_object_put(desk->known);
    json_object_put(desk->wanted);
    json_object_put(desk->answers);
    free(desk);
    return NULL;
}

void tag_desk_begin(struct tag_desk *desk, bool everything)
{
    assert(desk->line.taken == 0); /* the last look is over */
    if (desk->everything) {
        json_object_put(desk->known);
        desk->known = TAKE(desk->wanted);
    }
    json_object_put(desk->wanted);
    json_object_put(desk->answers);
    desk->wanted = json_object_new_object(); /* without memory nothing is asked together */
    desk->answers = json_object_new_object();
    desk->everything = everything;
}

static int mark(struct json_object *set, const char *arn, bool value)
{
    struct json_object *truth = json_object_new_boolean(value);

    return truth ? js_put_key(set, arn, truth) : -ENOMEM;
}

static int want(struct tag_desk *desk, struct json_object *arns)
{
    for (size_t i = 0, count = js_count(arns, NULL); i < count; i++) {
        if (mark(desk->wanted, json_object_get_string(js_at(arns, i)), true) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int add_unasked(const struct tag_desk *desk, struct json_object *set, struct json_object *arns)
{
    if (!set)
        return 0;
    js_each (set, arn, value) {
        (void)value;
        if (!json_object_object_get_ex(desk->answers, arn, NULL) && !js_has_text(arns, arn) &&
            js_add_text(arns, arn) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* What nobody asked for in this look; owned; NULL without memory. */
static struct json_object *unasked(const struct tag_desk *desk)
{
    struct json_object *arns = json_object_new_array();

    if (arns && add_unasked(desk, desk->wanted, arns) == 0 &&
        (!desk->everything || add_unasked(desk, desk->known, arns) == 0))
        return arns;
    json_object_put(arns);
    return NULL;
}

/* May wait. First in line: ask for what all miss. */
static void ask(struct tag_desk *desk, struct kind_batch *batch)
{
    struct json_object *arns CLEANUP_JS = unasked(desk);

    if (js_count(arns, NULL) < 2)
        return; /* one alone: its own service tells as cheaply, and at once */
    tagging_ask(batch, arns, desk->answers);
    if (fiber_canceled())
        return; /* nothing is known of it: the next in line may ask */
    for (size_t i = 0, count = js_count(arns, NULL); i < count; i++) {
        const char *arn = json_object_get_string(js_at(arns, i));

        if (!json_object_object_get_ex(desk->answers, arn, NULL))
            (void)mark(desk->answers, arn, false); /* without memory it may be asked for again */
    }
}

/* Without memory some are left out, as if the service did not know them. */
static void lend(const struct tag_desk *desk, struct json_object *arns, struct json_object *tags)
{
    for (size_t i = 0, count = js_count(arns, NULL); i < count; i++) {
        const char *arn = json_object_get_string(js_at(arns, i));
        struct json_object *found = NULL;

        if (json_object_object_get_ex(desk->answers, arn, &found) &&
            json_object_is_type(found, json_type_object))
            (void)js_put_key(tags, arn, json_object_get(found));
    }
}

static bool is_answered(const struct tag_desk *desk, struct json_object *arns)
{
    for (size_t i = 0, count = js_count(arns, NULL); i < count; i++) {
        if (!json_object_object_get_ex(desk->answers, json_object_get_string(js_at(arns, i)), NULL))
            return false;
    }
    return true;
}

void tag_desk_find(struct tag_desk *desk, struct kind_batch *batch, struct json_object *arns,
                   struct json_object *tags)
{
    if (!desk->wanted || !desk->answers || js_count(arns, NULL) == 0 || want(desk, arns) < 0)
        return;
    if (fiber_slots_take(&desk->line, 1) < 0)
        return;
    if (!is_answered(desk, arns))
        ask(desk, batch);
    lend(desk, arns, tags);
    fiber_slots_give(&desk->line);
}
