/*
 * plan.c: a plan as people know it from Terraform: what will happen to each resource, by field, and why.
 *
 *     # aws_iam_role.deploy will be changed in place: drift
 *     # platforms.d/abalone.yaml:12:3
 *     ~ aws_iam_role.deploy
 *         ~ max_session_duration = 7200 -> 3600
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "view/view-internal.h"

#define NAME_COLUMNS_MAX 32 /* longer names do not push the others to the right */
#define CHANGE_INDENT    6
#define LINES_INDENT     8

static const struct action_look {
    const char *name, *symbol, *will, *would;
    enum view_style style;
} looks[] = {
    {"create", "+", "will be created", "would be created", STYLE_GOOD},
    {"update", "~", "will be changed in place", "would be changed in place", STYLE_CHANGE},
    {"replace", "-/+", "will be replaced", "would be replaced", STYLE_BAD},
    {"delete", "-", "will be destroyed", "would be destroyed", STYLE_BAD},
    {"adopt", "=", "exists and will be adopted", "exists and would be adopted", STYLE_SPECIAL},
    {"none", " ", "needs attention", "is left alone", STYLE_PLAIN},
};

static const struct action_look *look_of(struct json_object *action)
{
    const char *name = js_text(action, "action");

    for (size_t i = 0; i < ARRAY_SIZE(looks); i++) {
        if (str_equal(name, looks[i].name))
            return &looks[i];
    }
    return &looks[ARRAY_SIZE(looks) - 1];
}

/* ---- fields ---- */

enum side { SIDE_DESIRED, SIDE_OBSERVED };

/* What to show instead of a value; NULL when the value itself is shown. */
static const char *stand_in(struct json_object *change, enum side side)
{
    if (js_bool(change, "sensitive", false))
        return "(sensitive value)";
    if (side == SIDE_DESIRED && js_bool(change, "known_after_apply", false))
        return "(known after apply)";
    return NULL;
}

static int side_lines(struct json_object *change, enum side side, struct strv *ret)
{
    const char *word = stand_in(change, side);

    if (word)
        return strv_add(ret, word);
    return value_lines(js_text(change, side == SIDE_DESIRED ? "desired" : "observed"), ret);
}

static void print_name(const struct view *view, char symbol, const char *path, size_t columns)
{
    static const enum view_style styles[] = {['+'] = STYLE_GOOD, ['-'] = STYLE_BAD, ['~'] = STYLE_CHANGE};
    char *name CLEANUP_FREE = view_escape(path);
    size_t used = name ? view_columns(name) : 0;

    view_addf(view, "%*s", CHANGE_INDENT, "");
    view_style(view, styles[(unsigned char)symbol]);
    (void)buf_add_char(view->out, symbol);
    view_style(view, STYLE_PLAIN);
    view_addf(view, " %s%*s", name ? name : "", (int)(used < columns ? columns - used : 0), "");
}

/* The first line stands behind the name, the others below it. */
static void print_block(const struct view *view, const struct strv *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        if (i > 0)
            view_addf(view, "\n%*s", LINES_INDENT, "");
        (void)buf_add_text(view->out, lines->items[i]);
    }
}

/* Without ":line:column". */
static size_t file_length(const char *place)
{
    size_t length = strlen(place);

    for (int colons = 0; length > 0 && colons < 2; length--)
        colons += place[length - 1] == ':';
    return length;
}

/* "  # line 14", or "  # overrides.yaml:14": where the wanted value stands, when the action stands elsewhere. */
static void print_origin(const struct view *view, struct json_object *change, const char *action_place)
{
    const char *place = js_text(change, "place");
    size_t length = place ? file_length(place) : 0, from = length;
    char *shown CLEANUP_FREE = NULL;

    if (length == 0 || str_equal(place, action_place))
        return;
    if (!action_place || file_length(action_place) != length || strncmp(place, action_place, length) != 0)
        from = 0;
    shown = strndup(place + (from ? from + 1 : 0),
                    strcspn(place + length + 1, ":") + (from ? 0 : length + 1));
    view_style(view, STYLE_DIM);
    (void)buf_add_text(view->out, from ? "  # line " : "  # ");
    view_text(view, shown);
    view_style(view, STYLE_PLAIN);
}

static void print_changed(const struct view *view, const struct strv *before, const struct strv *after,
                          struct json_object *change, size_t columns, const char *action_place)
{
    bool is_short = before->count == 1 && after->count == 1;

    print_name(view, '~', js_text(change, "path"), is_short ? columns : 0);
    (void)buf_add_text(view->out, is_short ? " = " : ":");
    if (is_short && !js_bool(change, "sensitive", false)) {
        view_addf(view, "%s ", before->items[0]);
        view_style(view, STYLE_CHANGE);
        (void)buf_add_text(view->out, "->");
        view_style(view, STYLE_PLAIN);
        (void)buf_add_char(view->out, ' ');
    }
    if (is_short)
        (void)buf_add_text(view->out, after->items[0]);
    print_origin(view, change, action_place);
    (void)buf_add_char(view->out, '\n');
    if (!is_short)
        view_line_diff(view, before, after, LINES_INDENT);
}

static void print_change(const struct view *view, struct json_object *change, const struct action_look *look,
                         size_t columns, const char *action_place)
{
    const char *what = js_text(change, "what"), *path = js_text(change, "path");
    bool is_created = str_equal(look->name, "create");
    struct strv before CLEANUP_STRV = {0}, after CLEANUP_STRV = {0};

    if (side_lines(change, SIDE_OBSERVED, &before) < 0 || side_lines(change, SIDE_DESIRED, &after) < 0) {
        view->out->failed = -ENOMEM;
        return;
    }
    if (is_created || str_equal(what, "missing")) {
        print_name(view, '+', path, columns);
        (void)buf_add_text(view->out, " = ");
        print_block(view, &after);
    } else if (str_equal(what, "extra")) {
        print_name(view, '-', path, columns);
        (void)buf_add_text(view->out, " = ");
        print_block(view, &before);
    } else {
        print_changed(view, &before, &after, change, columns, action_place);
        return;
    }
    if (!is_created && (str_equal(what, "extra") ? before : after).count == 1)
        print_origin(view, change, action_place);
    (void)buf_add_char(view->out, '\n');
}

static size_t name_columns(struct json_object *changes)
{
    size_t widest = 0, columns, count = js_count(changes, NULL);

    for (size_t i = 0; i < count; i++) {
        const char *path = js_text(js_at(changes, i), "path");

        columns = path ? view_columns(path) : 0;
        if (columns > widest && columns <= NAME_COLUMNS_MAX)
            widest = columns;
    }
    return widest;
}

/* ---- actions ---- */

static void print_comment(const struct view *view, const char *before, const char *text)
{
    if (!text)
        return;
    view_style(view, STYLE_DIM);
    view_addf(view, "  # %s", before);
    view_text(view, text);
    view_style(view, STYLE_PLAIN);
    (void)buf_add_char(view->out, '\n');
}

static void print_action(const struct view *view, struct json_object *action)
{
    const struct action_look *look = look_of(action);
    const char *address = js_text(action, "address"), *reason = js_text(action, "reason");
    const char *held = js_text(action, "held"), *place = js_text(action, "place");
    struct json_object *changes = js_get(action, "changes");
    size_t columns = name_columns(changes), count = js_count(changes, NULL);

    (void)buf_add_text(view->out, "\n  # ");
    view_style(view, STYLE_STRONG);
    view_text(view, address);
    view_style(view, STYLE_PLAIN);
    view_addf(view, " %s", held ? look->would : look->will);
    if (reason) {
        (void)buf_add_text(view->out, ": ");
        view_text(view, reason);
    }
    (void)buf_add_char(view->out, '\n');
    if (held) {
        view_style(view, STYLE_CHANGE);
        (void)buf_add_text(view->out, "  # held: ");
        view_text(view, held);
        view_style(view, STYLE_PLAIN);
        (void)buf_add_char(view->out, '\n');
    }
    print_comment(view, "", place);
    view_addf(view, "%*s", (int)(3 - strlen(look->symbol)), "");
    view_style(view, look->style);
    (void)buf_add_text(view->out, look->symbol);
    view_style(view, STYLE_PLAIN);
    (void)buf_add_char(view->out, ' ');
    view_text(view, address);
    (void)buf_add_char(view->out, '\n');
    for (size_t i = 0; i < count; i++)
        print_change(view, js_at(changes, i), look, columns, place);
}

/* ---- the whole ---- */

struct counts {
    size_t add, change, destroy, adopt, held, unknown;
};

static void count_action(struct json_object *action, struct counts *counts)
{
    const char *name = js_text(action, "action");

    if (str_equal(name, "create") || str_equal(name, "replace"))
        counts->add++;
    if (str_equal(name, "delete") || str_equal(name, "replace"))
        counts->destroy++;
    if (str_equal(name, "update"))
        counts->change++;
    if (str_equal(name, "adopt"))
        counts->adopt++;
    if (js_text(action, "held"))
        counts->held++;
}

static void count_platform(struct json_object *platform, struct counts *counts)
{
    struct json_object *actions = js_get(platform, "actions");
    size_t count = js_count(actions, NULL);

    for (size_t i = 0; i < count; i++)
        count_action(js_at(actions, i), counts);
    counts->unknown += js_count(platform, "unknown");
}

static struct counts count_all(struct json_object *reply)
{
    struct json_object *platforms = js_get(reply, "platforms");
    size_t count = js_count(platforms, NULL);
    struct counts counts = {0};

    for (size_t i = 0; i < count; i++)
        count_platform(js_at(platforms, i), &counts);
    return counts;
}

bool view_plan_has_changes(struct json_object *reply)
{
    struct counts counts = count_all(reply);

    return counts.add + counts.change + counts.destroy + counts.adopt > 0;
}

char *view_plan_doubt(struct json_object *reply)
{
    struct json_object *platforms = js_get(reply, "platforms");
    struct counts counts = count_all(reply);

    for (size_t i = 0; i < js_count(platforms, NULL); i++) {
        const char *problem = js_text(js_at(platforms, i), "problem");

        if (problem)
            return str_format("%s: %s", js_text(js_at(platforms, i), "name"), problem);
    }
    if (counts.unknown == 0)
        return NULL;
    return str_format("%zu %s could not be looked at", counts.unknown,
                      counts.unknown == 1 ? "resource" : "resources");
}

static void print_unknown(const struct view *view, struct json_object *list)
{
    size_t count = js_count(list, NULL);

    if (count == 0)
        return;
    view_style(view, STYLE_BAD);
    (void)buf_add_text(view->out, "\nCould not be looked at, so nothing is planned for:\n");
    view_style(view, STYLE_PLAIN);
    for (size_t i = 0; i < count; i++) {
        (void)buf_add_text(view->out, "  ");
        view_text(view, js_text(js_at(list, i), "address"));
        (void)buf_add_text(view->out, ": ");
        view_text(view, js_text(js_at(list, i), "why"));
        (void)buf_add_char(view->out, '\n');
    }
}

static void print_platform(const struct view *view, struct json_object *platform)
{
    struct json_object *actions = js_get(platform, "actions");
    const char *problem = js_text(platform, "problem");
    size_t count = js_count(actions, NULL);

    (void)buf_add_text(view->out, "Platform ");
    view_text(view, js_text(platform, "name"));
    view_addf(view, ", generation %lld", (long long)js_int(platform, "generation", 0));
    (void)buf_add_char(view->out, '\n');
    if (problem) {
        view_style(view, STYLE_BAD);
        (void)buf_add_text(view->out, "Nothing moves here: ");
        view_text(view, problem);
        view_style(view, STYLE_PLAIN);
        (void)buf_add_char(view->out, '\n');
    }
    for (size_t i = 0; i < count; i++)
        print_action(view, js_at(actions, i));
    print_unknown(view, js_get(platform, "unknown"));
    (void)buf_add_char(view->out, '\n');
}

static void print_summary(const struct view *view, const struct counts *counts)
{
    view_style(view, STYLE_STRONG);
    if (counts->add + counts->change + counts->destroy + counts->adopt == 0) {
        (void)buf_add_text(view->out, counts->unknown > 0 ? "No changes are known." : "No changes.");
        view_style(view, STYLE_PLAIN);
        if (counts->unknown == 0)
            (void)buf_add_text(view->out, " What is there is what the files say.");
        (void)buf_add_char(view->out, '\n');
        return;
    }
    (void)buf_add_text(view->out, "Plan:");
    view_style(view, STYLE_PLAIN);
    if (counts->adopt > 0)
        view_addf(view, " %zu to adopt,", counts->adopt);
    view_addf(view, " %zu to add, %zu to change, %zu to destroy.", counts->add, counts->change,
              counts->destroy);
    if (counts->held > 0)
        view_addf(view, " %zu held.", counts->held);
    (void)buf_add_char(view->out, '\n');
}

void view_plan(const struct view *view, struct json_object *reply)
{
    struct json_object *platforms = js_get(reply, "platforms");
    struct counts counts = count_all(reply);
    size_t count = js_count(platforms, NULL);

    for (size_t i = 0; i < count; i++)
        print_platform(view, js_at(platforms, i));
    print_summary(view, &counts);
}
