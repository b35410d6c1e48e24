/*
 * commands.c: the table of commands, and how the simple ones ask and show.
 */
#include "ctl/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"

/* ---- asking ---- */

static int fill_address(const struct ctl *ctl, struct json_object *parameters)
{
    return ctl->argument_count > 0 ? js_set_text(parameters, "address", ctl->arguments[0]) : 0;
}

static int fill_history(const struct ctl *ctl, struct json_object *parameters)
{
    int r = fill_address(ctl, parameters);

    return r == 0 && (ctl->options & OPTION_LIMIT) ? js_set_int(parameters, "limit", ctl->limit) : r;
}

static int fill_drift(const struct ctl *ctl, struct json_object *parameters)
{
    return ctl->options & OPTION_ALL ? js_set_bool(parameters, "all", true) : 0;
}

static int fill_output(const struct ctl *ctl, struct json_object *parameters)
{
    int r = 0;

    if (ctl->argument_count > 0)
        r = js_set_text(parameters, "name", ctl->arguments[0]);
    return r == 0 && (ctl->options & OPTION_REVEAL) ? js_set_bool(parameters, "reveal", true) : r;
}

static int fill_apply(const struct ctl *ctl, struct json_object *parameters)
{
    return ctl->options & OPTION_YES ? js_set_bool(parameters, "rebuild", true) : 0;
}

static int fill_pause(const struct ctl *ctl, struct json_object *parameters)
{
    return ctl->why ? js_set_text(parameters, "why", ctl->why) : 0;
}

/* ---- showing ---- */

/* As JSON when that was asked for, else as text by @function. */
static int show_with(const struct ctl *ctl, struct json_object *reply,
                     void (*function)(const struct view *view, struct json_object *reply))
{
    struct buf out CLEANUP_BUF = BUF_INIT(VIEW_MAX_BYTES);
    struct view view = ctl_view(ctl, &out);

    if (ctl->json)
        return ctl_print_json(ctl, reply);
    function(&view, reply);
    return ctl_print(&out);
}

static int show_status(const struct ctl *ctl, struct json_object *reply)
{
    return show_with(ctl, reply, view_status);
}

static int show_drift(const struct ctl *ctl, struct json_object *reply)
{
    return show_with(ctl, reply, view_drift);
}

static int show_history(const struct ctl *ctl, struct json_object *reply)
{
    return show_with(ctl, reply, view_history);
}

static int show_resource(const struct ctl *ctl, struct json_object *reply)
{
    return show_with(ctl, reply, view_resource);
}

static void resources_short(const struct view *view, struct json_object *reply)
{
    view_resources(view, reply, false);
}

static void resources_long(const struct view *view, struct json_object *reply)
{
    view_resources(view, reply, true);
}

static int show_resources(const struct ctl *ctl, struct json_object *reply)
{
    return show_with(ctl, reply, ctl->options & OPTION_LONG ? resources_long : resources_short);
}

static int show_check(const struct ctl *ctl, struct json_object *reply)
{
    return show_with(ctl, reply, resources_long);
}

static int show_plan(const struct ctl *ctl, struct json_object *reply)
{
    char *doubt CLEANUP_FREE = NULL;
    int status = show_with(ctl, reply, view_plan);

    if (status != EXIT_DONE)
        return status;
    doubt = view_plan_doubt(reply);
    if (doubt) {
        char *escaped CLEANUP_FREE = view_escape(doubt);

        return ctl_fail("the plan is not complete: %s", escaped ? escaped : "");
    }
    return (ctl->options & OPTION_DETAILED) && view_plan_has_changes(reply) ? EXIT_CHANGES : EXIT_DONE;
}

/* ---- outputs ---- */

/* The value itself: text without quotes with -raw, else as Terraform shows it, or JSON. */
static int show_one_output(const struct ctl *ctl, struct json_object *output)
{
    struct buf out CLEANUP(buf_wipe) = BUF_INIT(VIEW_MAX_BYTES);
    struct view view = ctl_view(ctl, &out);
    const char *json = js_text(output, "value");
    struct json_object *value CLEANUP_JS = NULL;
    char *text CLEANUP_FREE = NULL;

    if (!json && js_bool(output, "sensitive", false))
        return ctl_fail("the output %s is sensitive: add --reveal to see it", ctl->arguments[0]);
    if (!json)
        return ctl_fail("the output %s has no value yet", ctl->arguments[0]);
    if (ctl->options & OPTION_RAW) {
        if (js_parse_text(json, &value, NULL) < 0 || !(text = js_scalar_text(value)))
            return ctl_fail("the output %s is no single value: use --json", ctl->arguments[0]);
        (void)buf_add_text(&out, text);
        return ctl_print(&out);
    }
    if (ctl->json)
        (void)buf_add_text(&out, json);
    else
        view_value(&view, json);
    (void)buf_add_char(&out, '\n');
    return ctl_print(&out);
}

static int show_output(const struct ctl *ctl, struct json_object *reply)
{
    struct json_object *outputs = js_get(reply, "outputs"), *document CLEANUP_JS = NULL;

    if (ctl->argument_count > 0) {
        if (js_count(outputs, NULL) != 1)
            return ctl_fail("mlopsd answered with %zu outputs instead of one", js_count(outputs, NULL));
        return show_one_output(ctl, js_at(outputs, 0));
    }
    if (ctl->options & OPTION_RAW)
        return ctl_usage("output -raw needs a NAME");
    if (!ctl->json)
        return show_with(ctl, reply, view_outputs);
    document = view_outputs_json(reply);
    return document ? ctl_print_json(ctl, document) : ctl_fail("no memory");
}

/* ---- what was done ---- */

struct done {
    const char *list, *word, *none;
};

static int show_done(const struct ctl *ctl, struct json_object *reply, const struct done *done)
{
    struct buf out CLEANUP_BUF = BUF_INIT(VIEW_MAX_BYTES);
    struct view view = ctl_view(ctl, &out);
    struct json_object *list = js_get(reply, done->list);
    size_t count = js_count(list, NULL);

    if (ctl->json)
        return ctl_print_json(ctl, reply);
    for (size_t i = 0; i < count; i++) {
        view_text(&view, json_object_get_string(js_at(list, i)));
        (void)buf_addf(&out, ": %s\n", done->word);
    }
    if (count == 0)
        (void)buf_addf(&out, "%s\n", done->none);
    return ctl_print(&out);
}

static int show_approved(const struct ctl *ctl, struct json_object *reply)
{
    return show_done(ctl, reply, &(struct done){"approved", "approved", "Nothing waits for that approval."});
}

static int show_paused(const struct ctl *ctl, struct json_object *reply)
{
    return show_done(ctl, reply, &(struct done){"paused", "paused", "Nothing to pause."});
}

static int show_resumed(const struct ctl *ctl, struct json_object *reply)
{
    return show_done(ctl, reply, &(struct done){"resumed", "resumed", "Nothing was paused."});
}

static int show_reload(const struct ctl *ctl, struct json_object *reply)
{
    struct json_object *refused = js_get(reply, "refused");
    int status = show_done(ctl, reply, &(struct done){"accepted", "accepted", "No file was accepted."});

    if (status != EXIT_DONE || js_count(refused, NULL) == 0)
        return status;
    for (size_t i = 0; i < js_count(refused, NULL); i++) {
        char *escaped CLEANUP_FREE = view_escape(json_object_get_string(js_at(refused, i)));

        (void)ctl_fail("refused: %s", escaped ? escaped : "");
    }
    return EXIT_FAILED;
}

static int show_version(const struct ctl *ctl);

#define ANY ((size_t)-1)

const struct command commands[] = {
    {"status", "", "show whether each platform is as its file says, and what is in the way", 0, 0,
     OPTION_PLATFORM, "Status", NULL, show_status, NULL},
    {"plan", "", "look now, and show what would be done", 0, 0, OPTION_PLATFORM | OPTION_DETAILED, "Plan",
     NULL, show_plan, NULL},
    {"apply", "", "look now, do what is needed, and wait for the end", 0, 0, OPTION_PLATFORM | OPTION_YES,
     "Apply", fill_apply, NULL, ctl_apply},
    {"import", "ADDRESS ID", "take over what exists and belongs to nobody (or: --tfstate FILE [PLATFORM])", 0,
     2, OPTION_PLATFORM | OPTION_YES | OPTION_TFSTATE, "Import", NULL, NULL, ctl_import},
    {"destroy", "[PLATFORM]", "delete a platform, after showing what goes and what stays", 0, 1, OPTION_YES,
     "Destroy", NULL, NULL, ctl_destroy},
    {"drift", "", "list what is not as declared", 0, 0, OPTION_PLATFORM | OPTION_ALL, "Drift", fill_drift,
     show_drift, NULL},
    {"output", "[NAME]", "show outputs, or the value of one", 0, 1,
     OPTION_PLATFORM | OPTION_REVEAL | OPTION_RAW, "Output", fill_output, show_output, NULL},
    {"state list", "", "list the resources", 0, 0, OPTION_PLATFORM | OPTION_LONG, "StateList", NULL,
     show_resources, NULL},
    {"state show", "ADDRESS", "show one resource in full", 1, 1, OPTION_PLATFORM, "StateShow", fill_address,
     show_resource, NULL},
    {"history", "[ADDRESS]", "show what happened, the newest first", 0, 1, OPTION_PLATFORM | OPTION_LIMIT,
     "History", fill_history, show_history, NULL},
    {"watch", "", "show what happens, as it happens", 0, 0, OPTION_PLATFORM, "Watch", NULL, NULL, ctl_watch},
    {"approve", "ADDRESS", "let an action that waits for a person go on", 1, 1, OPTION_PLATFORM, "Approve",
     fill_address, show_approved, NULL},
    {"pause", "", "stop changing things, keep looking", 0, 0, OPTION_PLATFORM | OPTION_WHY, "Pause",
     fill_pause, show_paused, NULL},
    {"resume", "", "change things again", 0, 0, OPTION_PLATFORM, "Resume", NULL, show_resumed, NULL},
    {"check", "[ADDRESS]", "look now at one resource or at all", 0, 1, OPTION_PLATFORM, "Check", fill_address,
     show_check, NULL},
    {"reload", "", "read the files again", 0, 0, 0, "Reload", NULL, show_reload, NULL},
    {"validate", "FILE...", "check files without a daemon", 1, ANY, 0, NULL, NULL, NULL, ctl_validate},
    {"explain", "[TYPE[.FIELD]]", "describe the resource types and their fields", 0, 1, 0, NULL, NULL, NULL,
     ctl_explain},
    {"version", "", "show the version of mlopsctl", 0, 0, 0, NULL, NULL, NULL, show_version},
    {"help", "[COMMAND]", "show this, or more about a command", 0, 2, 0, NULL, NULL, NULL, ctl_help},
    {0},
};

static int show_version(const struct ctl *ctl)
{
    struct json_object *document CLEANUP_JS = json_object_new_object();
    struct buf out CLEANUP_BUF = BUF_INIT(4096);

    if (ctl->json) {
        if (!document || js_set_text(document, "version", ctl_version()) < 0)
            return ctl_fail("no memory");
        return ctl_print_json(ctl, document);
    }
    (void)buf_addf(&out, "mlopsctl %s\n", ctl_version());
    return ctl_print(&out);
}
