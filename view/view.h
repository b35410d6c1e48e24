/*
 * view.h: the control protocol's documents as text for a person at a terminal.
 *
 * Every function appends to view->out; a buffer that failed stays failed, so one look at the end is enough.
 * Documents are replies as io.mlopsd.varlink describes them; members that are missing are shown as nothing.
 * Whatever comes from outside is escaped: it can not move the cursor or pretend to be ours. No I/O, no clock.
 */
#ifndef MLOPSD_VIEW_VIEW_H
#define MLOPSD_VIEW_VIEW_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"

#define VIEW_MAX_BYTES (64u << 20)

struct view {
    struct buf *out;
    bool color;     /* the caller looked at the terminal and at NO_COLOR */
    unsigned width; /* columns; 0 = do not cut or wrap */
    int64_t now_ms; /* Unix time: for "3m12s ago" */
};

/* ---- text (text.c) ---- */

enum view_style { STYLE_PLAIN, STYLE_GOOD, STYLE_CHANGE, STYLE_BAD, STYLE_SPECIAL, STYLE_STRONG, STYLE_DIM };
void view_style(const struct view *view, enum view_style style); /* until the next one; PLAIN ends it */
/** Text from outside, escaped. NULL is nothing. */
void view_text(const struct view *view, const char *text);
/** Copy with control characters, changes of direction and broken UTF-8 made visible; NULL without memory. */
char *view_escape(const char *text);
/** Columns that escaped text takes. */
size_t view_columns(const char *text);
/** "0s", "48s", "3m12s", "2h05m", "4d3h"; @size >= 24. */
void view_duration(int64_t duration_ms, char *text, size_t size);
/** RFC 3339 → "Nov 22 17:31:05" in local time, "2024-11-22 17:31" in another year. */
void view_time(const struct view *view, const char *rfc3339, char *text, size_t size);
#define VIEW_TIME_SIZE 40

/* ---- tables (table.c) ---- */

struct table;
/** @headings: NULL-terminated, borrowed; the last column wraps, or stands below the others. */
struct table *table_new(const char *const *headings);
/** Cells go row by row; @text is escaped here; NULL is "-". A failure shows in table_print(). */
void table_add(struct table *table, enum view_style style, const char *text);
/** Print, and free. */
void table_print(const struct view *view, struct table *take_table);

/* ---- values (value.c) ---- */

/**
 * JSON text (an embedded JSON document is opened) as lines in Terraform's look; the first has no indentation.
 * NULL = null. 0 or -ENOMEM.
 */
int value_lines(const char *json, struct strv *ret);
/** On one line when it is short enough or has no parts. */
void view_value(const struct view *view, const char *json);

/* ---- one difference (change.c) ---- */

/**
 * "wanted true, found false", "not declared, found ...", "missing; wanted ..."; for documents the leaves that differ:
 * "Statement.0.Condition...: wanted A, found B". One line, cut to a readable length, not escaped.
 * @what  "changed", "missing" or "extra"; values are JSON text. Owned; NULL without memory.
 */
char *change_words(const char *what, const char *desired, const char *observed);

/* ---- whole answers ---- */

/** Reply of Plan: actions, what could not be looked at, the summary line. */
void view_plan(const struct view *view, struct json_object *reply);
bool view_plan_has_changes(struct json_object *reply);
/** What keeps a plan from being complete ("3 resources could not be looked at"); owned, NULL when nothing. */
char *view_plan_doubt(struct json_object *reply);

void view_status(const struct view *view, struct json_object *reply);
void view_drift(const struct view *view, struct json_object *reply);
void view_history(const struct view *view, struct json_object *reply);
/** Reply of StateList or Check: addresses alone, or with status, age and id. */
void view_resources(const struct view *view, struct json_object *reply, bool is_long);
void view_resource(const struct view *view, struct json_object *reply); /* StateShow */
void view_outputs(const struct view *view, struct json_object *reply);
/** Reply of Output as "terraform output -json" has it; owned; NULL without memory. */
struct json_object *view_outputs_json(struct json_object *reply);
/** The plan of Destroy: what goes, in its order, what stays, what is lost. */
void view_destroy_plan(const struct view *view, struct json_object *plan);
/** The result of Destroy: what is left, and why. */
void view_destroyed(const struct view *view, struct json_object *result);
/** One line for an event of Watch or Apply. */
void view_event(const struct view *view, struct json_object *event);
/** The last reply of Apply. */
void view_results(const struct view *view, struct json_object *reply);

/* ---- live progress (progress.c) ---- */

/** What runs now, and what was done, by the events seen. Embed, zero, release with progress_done(). */
struct progress {
    struct progress_action {
        char *platform, *address, *what, *waiting; /* waiting: NULL, or the text of the last "waiting" */
        int64_t since_ms;
    } * running;
    size_t count;
    size_t added, changed, destroyed, adopted, failed;
};
/** Take an event in; false without memory. */
bool progress_take(struct progress *progress, struct json_object *event, int64_t now_ms);
/** One line per running action, at most @max_lines; returns how many lines were added. */
size_t progress_view(const struct progress *progress, const struct view *view, size_t max_lines);
/** "3 added, 1 changed, 0 destroyed" */
void progress_summary(const struct progress *progress, const struct view *view);
void progress_done(struct progress *progress);

/* ---- documentation of kinds (explain.c) ---- */

/** {"kinds":[{"type","provider","doc"}]} */
void view_kinds(const struct view *view, struct json_object *document);
/** {"type","doc","fields":[KindField],"attributes":[{"name","type","sensitive","doc"}]} */
void view_kind(const struct view *view, struct json_object *document);

#endif
