/*
 * tfreport.c: what a Terraform state came to, as one document: for --json, for the text, for what is sent.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/js.h"
#include "common/str.h"
#include "ctl/import_tfstate-internal.h"

bool tf_comes_alone(const struct kind *kind)
{
    return (kind->flags & KIND_OBSERVED) ||
           ((kind->flags & KIND_ADOPT_ALWAYS) && !(kind->flags & KIND_LOCAL));
}

struct json_object *tf_password(const struct tf_thing *thing)
{
    struct json_object *value = str_equal(thing->kind->type, "random_password")
                                    ? js_get(thing->attributes, "result")
                                    : NULL;

    return json_object_is_type(value, json_type_string) && json_object_get_string_len(value) > 0 ? value
                                                                                                 : NULL;
}

/* ---- building ---- */

static int add_pair(struct json_object *list, const char *first_name, const char *first,
                    const char *second_name, const char *second, const char *from)
{
    struct json_object *entry = json_object_new_object();

    if (entry && (!first_name || js_set_text(entry, first_name, first) == 0) &&
        (!second_name || js_set_text(entry, second_name, second) == 0) &&
        (!from || js_set_text(entry, "from", from) == 0) && json_object_array_add(list, entry) == 0)
        return 0;
    json_object_put(entry);
    return -ENOMEM;
}

/* Lists of the report, made once. */
enum list { THINGS, PASSWORDS, RECORDED, ALONE, AMBIGUOUS, MISSING, UNDECLARED, PARTS, LEFT, LIST_MAX };
static const char *const list_names[LIST_MAX] = {"things",  "passwords",  "recorded", "alone", "ambiguous",
                                                 "missing", "undeclared", "parts",    "left"};

struct report {
    const struct tf_state *state;
    const struct tf_declared *declared;
    size_t count;
    struct json_object *lists[LIST_MAX];
};

static int add_ambiguous(struct report *report, size_t index, struct json_object *take_candidates)
{
    struct json_object *entry = json_object_new_object();

    if (entry && js_put_key(entry, "candidates", take_candidates) == 0 &&
        js_set_text(entry, "address", report->declared[index].address) == 0 &&
        json_object_array_add(report->lists[AMBIGUOUS], entry) == 0)
        return 0;
    json_object_put(entry);
    return -ENOMEM;
}

/* Nothing was found for it: because there is nothing, or too much? */
static int add_unmatched(struct report *report, size_t index)
{
    const struct tf_state *state = report->state;
    struct json_object *candidates = json_object_new_array();
    int r = candidates ? 0 : -ENOMEM;

    for (size_t i = 0; i < state->count && r == 0; i++)
        if (state->things[i].id && tf_possible(state, report->declared, report->count, index, i))
            r = add_pair(candidates, "id", state->things[i].id, NULL, NULL, state->things[i].address);
    if (r == 0 && js_count(candidates, NULL) > 0)
        return add_ambiguous(report, index, candidates);
    json_object_put(candidates);
    return r < 0 ? r : js_add_text(report->lists[MISSING], report->declared[index].address);
}

static int add_matched(struct report *report, size_t index)
{
    const struct tf_declared *declared = &report->declared[index];
    const struct tf_thing *thing = &report->state->things[declared->match];
    enum list list = THINGS;

    if (declared->recorded)
        list = RECORDED;
    else if (tf_comes_alone(declared->kind))
        list = ALONE;
    else if (declared->kind->flags & KIND_LOCAL)
        list = tf_password(thing) ? PASSWORDS : MISSING;
    else if (str_empty(thing->id))
        list = MISSING;
    if (list == MISSING)
        return js_add_text(report->lists[MISSING], declared->address);
    return add_pair(report->lists[list], "address", declared->address, list == THINGS ? "id" : NULL,
                    thing->id, thing->address);
}

static int add_declared(struct report *report, size_t index)
{
    const struct tf_declared *declared = &report->declared[index];

    if (declared->match != TF_NONE)
        return add_matched(report, index);
    if (declared->recorded || tf_comes_alone(declared->kind))
        return 0;
    return add_unmatched(report, index);
}

static int add_rest(struct report *report)
{
    const struct tf_state *state = report->state;
    int r = 0;

    for (size_t i = 0; i < state->count && r == 0; i++)
        if (state->things[i].match == TF_NONE)
            r = add_pair(report->lists[UNDECLARED], NULL, NULL,
                         state->things[i].kind->flags & KIND_LOCAL ? NULL : "id", state->things[i].id,
                         state->things[i].address);
    for (size_t i = 0; i < state->parts_count && r == 0; i++) {
        r = add_pair(report->lists[PARTS], "type", state->parts[i].type, "whole", state->parts[i].whole,
                     NULL);
        if (r == 0)
            r = js_set_int(js_at(report->lists[PARTS], i), "count", (int64_t)state->parts[i].count);
    }
    for (size_t i = 0; i < state->left.count && r == 0; i++)
        r = js_add_text(report->lists[LEFT], state->left.items[i]);
    return r;
}

struct json_object *tf_report(const struct tf_state *state, const struct tf_declared *declared, size_t count)
{
    struct report report = {.state = state, .declared = declared, .count = count};
    struct json_object *document = json_object_new_object();
    int r = document ? 0 : -ENOMEM;

    for (size_t i = 0; i < LIST_MAX && r == 0; i++) {
        report.lists[i] = json_object_new_array();
        r = report.lists[i] ? js_put_key(document, list_names[i], report.lists[i]) : -ENOMEM;
    }
    for (size_t i = 0; i < count && r == 0; i++)
        r = add_declared(&report, i);
    if (r == 0)
        r = add_rest(&report);
    if (r == 0)
        return document;
    json_object_put(document);
    return NULL;
}

/* ---- as text ---- */

static void heading(const struct view *view, const char *text)
{
    (void)buf_add_char(view->out, '\n');
    view_style(view, STYLE_STRONG);
    (void)buf_add_text(view->out, text);
    view_style(view, STYLE_PLAIN);
    (void)buf_add_char(view->out, '\n');
}

/** "  aws_vpc.main  (from module.net.aws_vpc.this, vpc-0a1b)" */
static void entry_line(const struct view *view, struct json_object *entry)
{
    const char *address = json_object_is_type(entry, json_type_string) ? json_object_get_string(entry)
                                                                       : js_text(entry, "address");
    const char *from = js_text(entry, "from"), *id = js_text(entry, "id");

    (void)buf_add_text(view->out, "  ");
    view_text(view, address ? address : from);
    if (address && from && !str_equal(address, from)) {
        (void)buf_add_text(view->out, "  <-  ");
        view_text(view, from);
    }
    if (id) {
        (void)buf_add_text(view->out, "  ");
        view_text(view, id);
    }
    (void)buf_add_char(view->out, '\n');
}

static void section(const struct view *view, struct json_object *report, const char *list, const char *title)
{
    struct json_object *entries = js_get(report, list);
    size_t count = js_count(entries, NULL);

    if (count == 0)
        return;
    heading(view, title);
    for (size_t i = 0; i < count; i++)
        entry_line(view, js_at(entries, i));
}

static void parts_section(const struct view *view, struct json_object *report)
{
    struct json_object *parts = js_get(report, "parts");
    size_t count = js_count(parts, NULL);

    if (count == 0)
        return;
    heading(view, "Part of what is imported (Terraform splits them off, mlopsd has them as fields):");
    for (size_t i = 0; i < count; i++) {
        struct json_object *part = js_at(parts, i);

        (void)buf_addf(view->out, "  %s (%lld): part of %s\n", js_text(part, "type"),
                       (long long)js_int(part, "count", 0), js_text(part, "whole"));
    }
}

static void ambiguous_section(const struct view *view, struct json_object *report, const char *platform)
{
    struct json_object *entries = js_get(report, "ambiguous");

    if (js_count(entries, NULL) == 0)
        return;
    heading(view, "Not clear which one is meant; import these by their ids (before mlopsctl resume):");
    for (size_t i = 0; i < js_count(entries, NULL); i++) {
        struct json_object *entry = js_at(entries, i), *candidates = js_get(entry, "candidates");

        for (size_t k = 0; k < js_count(candidates, NULL); k++) {
            (void)buf_add_text(view->out, "  mlopsctl import '");
            view_text(view, js_text(entry, "address"));
            (void)buf_add_text(view->out, "' ");
            view_text(view, js_text(js_at(candidates, k), "id"));
            (void)buf_add_text(view->out, " --platform ");
            view_text(view, platform);
            (void)buf_add_text(view->out, k ? "    # or " : "    # ");
            view_text(view, js_text(js_at(candidates, k), "from"));
            (void)buf_add_char(view->out, '\n');
        }
    }
}

void tf_report_view(const struct view *view, struct json_object *report, const char *platform)
{
    section(view, report, "passwords", "Passwords taken over, sealed, never shown:");
    section(view, report, "recorded", "mlopsd's already:");
    section(view, report, "alone", "Taken over without an import:");
    parts_section(view, report);
    section(view, report, "left", "Left to Terraform (mlopsd has no such type):");
    section(view, report, "undeclared", "Left to Terraform (the platform's file does not declare them):");
    section(view, report, "missing", "Not in the state; made by mlopsd when the platform is resumed:");
    ambiguous_section(view, report, platform);
}
