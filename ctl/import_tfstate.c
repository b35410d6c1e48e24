/*
 * import_tfstate.c: coming from Terraform: everything that its state and the platform's file both know, taken over at
 * one word.
 *
 * What has no name of its own and is not there would be made anew, so the platform is paused first (durably, also one that
 * is not loaded yet), and resumed only when nothing is left that would be made twice. The state is read and
 * matched here; ids travel to mlopsd, and passwords, which are sealed there at once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "common/str.h"
#include "common/yml.h"
#include "ctl/import_tfstate-internal.h"
#include "ctl/varlink_client.h"

#define STATE_MAX_BYTES (64u << 20)
#define WHY             "import of a Terraform state (mlopsctl import --tfstate)"

struct import {
    const struct ctl *ctl;
    struct varlink_client *client;
    const char *name; /* of the platform */
    struct tf_state *state;
    struct json_object *shown; /* StateShow of each: what the declared ones borrow from */
    struct tf_declared *declared;
    size_t count;
    struct json_object *report;
    bool paused_by_us;
};

/* ---- asking ---- */

/** One call; NULL (told) when it failed. @take_parameters: NULL = no memory. */
static struct json_object *ask(const struct import *import, const char *method,
                               struct json_object *take_parameters)
{
    char *name CLEANUP_FREE = str_format("io.mlopsd.%s", method);
    struct json_object *reply = NULL;
    struct err err CLEANUP_ERR = {0};

    if (!name || !take_parameters) {
        json_object_put(take_parameters);
        (void)ctl_fail("no memory");
        return NULL;
    }
    if (varlink_call(import->client, name, take_parameters, &reply, &err) < 0)
        (void)ctl_fail("%s", err_text(&err));
    return reply;
}

/** {"platform": NAME}, and one more text; NULL without memory. */
static struct json_object *about(const struct import *import, const char *key, const char *text)
{
    struct json_object *parameters = json_object_new_object();

    if (parameters && js_set_text(parameters, "platform", import->name) == 0 &&
        (!key || js_set_text(parameters, key, text) == 0))
        return parameters;
    json_object_put(parameters);
    return NULL;
}

/* ---- paused first ---- */

static struct json_object *platform_of(struct json_object *status, const char *name)
{
    struct json_object *platforms = js_get(status, "platforms");

    for (size_t i = 0; i < js_count(platforms, NULL); i++)
        if (str_equal(js_text(js_at(platforms, i), "name"), name))
            return js_at(platforms, i);
    return NULL;
}

static int pause_it(struct import *import, bool ahead)
{
    struct json_object *parameters = about(import, "why", WHY), *reply CLEANUP_JS = NULL;

    if (parameters && ahead && js_set_bool(parameters, "ahead", true) < 0) {
        json_object_put(parameters);
        parameters = NULL;
    }
    reply = ask(import, "Pause", parameters);
    import->paused_by_us = reply != NULL;
    return reply ? EXIT_DONE : EXIT_FAILED;
}

/** Its file is there, but not loaded: paused ahead, it can be loaded without making anything. */
static int load_it(struct import *import)
{
    struct json_object *reply CLEANUP_JS = NULL, *refused;
    int status = pause_it(import, true);

    if (status != EXIT_DONE)
        return status;
    reply = ask(import, "Reload", json_object_new_object());
    refused = js_get(reply, "refused");
    for (size_t i = 0; i < js_count(refused, NULL); i++) {
        char *words CLEANUP_FREE = view_escape(json_object_get_string(js_at(refused, i)));

        (void)ctl_fail("refused: %s", words ? words : "");
    }
    return reply ? EXIT_DONE : EXIT_FAILED;
}

static int choose_platform(struct import *import, struct json_object *status)
{
    struct json_object *platforms = js_get(status, "platforms");

    if (!import->name && js_count(platforms, NULL) == 1)
        import->name = js_text(js_at(platforms, 0), "name");
    return import->name
               ? EXIT_DONE
               : ctl_usage("import --tfstate %s PLATFORM: which platform is it to be?", import->ctl->tfstate);
}

/** Paused, loaded, and looked at. */
static int get_ready(struct import *import, struct json_object **ret_status)
{
    struct json_object *status = ask(import, "Status", json_object_new_object());
    struct json_object *platform, *plan CLEANUP_JS = NULL;
    const char *problem;
    int r;

    *ret_status = status; /* the name may be borrowed from it */
    r = status ? choose_platform(import, status) : EXIT_FAILED;
    if (r != EXIT_DONE)
        return r;
    platform = platform_of(status, import->name);
    if (!platform)
        r = load_it(import);
    else if (!js_bool(platform, "paused", false))
        r = pause_it(import, false);
    else
        import->paused_by_us = str_equal(js_text(platform, "paused_why"),
                                         WHY); /* an import that was refused before */
    if (r != EXIT_DONE)
        return r;
    plan = ask(import, "Plan", about(import, NULL, NULL));
    problem = js_text(plan, "platforms.0.problem");
    if (plan && problem)
        return ctl_fail("%s can not be looked at: %s", import->name, problem);
    return plan ? EXIT_DONE : EXIT_FAILED;
}

/* ---- what is declared ---- */

static int take_declared(struct import *import, struct json_object *resource)
{
    struct tf_declared *declared = &import->declared[import->count];
    const char *address = js_text(resource, "address"), *type = js_text(resource, "type");
    const struct kind *kind = type ? kind_find(type) : NULL;
    struct json_object *details;

    if (!address || !kind)
        return EXIT_DONE; /* a newer mlopsd than this mlopsctl: not ours to match */
    details = ask(import, "StateShow", about(import, "address", address));
    if (!details)
        return EXIT_FAILED;
    if (json_object_array_add(import->shown, details) < 0) {
        json_object_put(details);
        return ctl_fail("no memory");
    }
    if (!js_text(details, "desired"))
        return EXIT_DONE; /* no longer declared, or its values are not known at all */
    *declared = (struct tf_declared){.address = js_text(details, "resource.address"),
                                     .kind = kind,
                                     .document = js_read(js_text(details, "desired")),
                                     .recorded = js_text(details, "resource.id") != NULL,
                                     .match = TF_NONE};
    import->count++;
    return EXIT_DONE;
}

static int learn_declared(struct import *import)
{
    struct json_object *reply CLEANUP_JS = ask(import, "StateList", about(import, NULL, NULL));
    struct json_object *resources = js_get(reply, "resources");
    size_t count = js_count(resources, NULL);
    int status = reply ? EXIT_DONE : EXIT_FAILED;

    import->shown = json_object_new_array();
    import->declared = calloc(count + 1, sizeof(*import->declared));
    if (!import->shown || !import->declared)
        return ctl_fail("no memory");
    for (size_t i = 0; i < count && status == EXIT_DONE; i++)
        status = take_declared(import, js_at(resources, i));
    return status;
}

/* ---- the plan ---- */

static struct json_object *import_all(const struct import *import, bool confirm)
{
    struct json_object *parameters = about(import, NULL, NULL), *things = json_object_new_array();
    struct json_object *list = js_get(import->report, "things");
    int r = parameters && things ? 0 : -ENOMEM;

    for (size_t i = 0; i < js_count(list, NULL) && r == 0; i++) {
        struct json_object *thing = json_object_new_object();

        r = thing ? json_object_array_add(things, thing) : -ENOMEM;
        if (r == 0)
            r = js_set_text(thing, "address", js_text(js_at(list, i), "address"));
        if (r == 0)
            r = js_set_text(thing, "id", js_text(js_at(list, i), "id"));
    }
    if (r == 0)
        r = js_put_key(parameters, "things", TAKE(things));
    if (r == 0 && confirm)
        r = js_set_bool(parameters, "confirm", true);
    if (r == 0)
        return ask(import, "ImportAll", parameters);
    json_object_put(things);
    json_object_put(parameters);
    (void)ctl_fail("no memory");
    return NULL;
}

static void refused_lines(const struct view *view, struct json_object *refused)
{
    if (js_count(refused, NULL) == 0)
        return;
    (void)buf_add_text(view->out, "\nRefused:\n");
    for (size_t i = 0; i < js_count(refused, NULL); i++) {
        (void)buf_add_text(view->out, "  ");
        view_text(view, js_text(js_at(refused, i), "address"));
        (void)buf_add_text(view->out, ": ");
        view_text(view, js_text(js_at(refused, i), "why"));
        (void)buf_add_char(view->out, '\n');
    }
}

static int show_trial(const struct import *import, struct json_object *trial)
{
    struct buf out CLEANUP_BUF = BUF_INIT(VIEW_MAX_BYTES);
    struct view view = ctl_view(import->ctl, &out);

    if (import->ctl->json)
        return EXIT_DONE; /* one document, at the end */
    view_plan(&view, trial);
    refused_lines(&view, js_get(trial, "refused"));
    tf_report_view(&view, import->report, import->name);
    return ctl_print(&out);
}

/* ---- doing it ---- */

static int hand_over(const struct import *import, const struct tf_declared *declared)
{
    struct json_object *value = tf_password(&import->state->things[declared->match]);
    struct json_object *parameters = about(import, "address", declared->address), *reply CLEANUP_JS = NULL;

    if (parameters && js_put_key(parameters, "value", json_object_get(value)) < 0) {
        json_object_put(parameters);
        parameters = NULL;
    }
    reply = ask(import, "ImportSecret", parameters);
    return reply ? EXIT_DONE : EXIT_FAILED;
}

static int hand_over_passwords(const struct import *import)
{
    struct json_object *passwords = js_get(import->report, "passwords");
    int status = EXIT_DONE;

    for (size_t i = 0; i < js_count(passwords, NULL) && status == EXIT_DONE; i++)
        for (size_t k = 0; k < import->count && status == EXIT_DONE; k++)
            if (str_equal(import->declared[k].address, js_text(js_at(passwords, i), "address")))
                status = hand_over(import, &import->declared[k]);
    return status;
}

/** The platform goes on when nothing is left that it would make a second time. */
static int finish(const struct import *import, struct json_object *done, bool *ret_paused)
{
    size_t refused = js_count(done, "refused"), unclear = js_count(import->report, "ambiguous");
    struct json_object *reply CLEANUP_JS = NULL;

    *ret_paused = true;
    if (refused + unclear > 0 || !import->paused_by_us)
        return refused + unclear > 0 ? EXIT_FAILED : EXIT_DONE;
    reply = ask(import, "Resume", about(import, NULL, NULL));
    *ret_paused = reply == NULL;
    return reply ? EXIT_DONE : EXIT_FAILED;
}

static int show_done(const struct import *import, struct json_object *done, bool paused)
{
    struct buf out CLEANUP_BUF = BUF_INIT(VIEW_MAX_BYTES);
    struct view view = ctl_view(import->ctl, &out);

    if (import->ctl->json) {
        if (js_put_key(import->report, "imported", json_object_get(js_get(done, "resources"))) < 0 ||
            js_put_key(import->report, "refused", json_object_get(js_get(done, "refused"))) < 0 ||
            js_set_bool(import->report, "paused", paused) < 0)
            return ctl_fail("no memory");
        return ctl_print_json(import->ctl, import->report);
    }
    (void)buf_addf(&out, "\n%zu imported, %zu refused, %zu not clear.\n", js_count(done, "resources"),
                   js_count(done, "refused"), js_count(import->report, "ambiguous"));
    refused_lines(&view, js_get(done, "refused"));
    return ctl_print(&out);
}

static int say_paused(const struct import *import)
{
    return ctl_fail("%s stays paused: it would make what is missing anew. When all that exists is imported: "
                    "mlopsctl plan, then mlopsctl resume --platform %s",
                    import->name, import->name);
}

static int confirmed(const struct import *import)
{
    if ((import->ctl->options & OPTION_YES) ||
        ctl_confirm(
            "\nThey are recorded as this platform's, tagged, and changed as shown. Type yes to import them: ",
            "yes"))
        return EXIT_DONE;
    return ctl_fail("not confirmed: nothing is imported");
}

static int talk(struct import *import)
{
    struct json_object *trial CLEANUP_JS = NULL, *done CLEANUP_JS = NULL;
    bool paused = true;
    int status = learn_declared(import), shown;

    if (status != EXIT_DONE)
        return status;
    tf_match(import->state, import->declared, import->count);
    import->report = tf_report(import->state, import->declared, import->count);
    if (!import->report)
        return ctl_fail("no memory");
    trial = import_all(import, false);
    status = trial ? show_trial(import, trial) : EXIT_FAILED;
    if (status == EXIT_DONE)
        status = confirmed(import);
    if (status == EXIT_DONE)
        status = hand_over_passwords(import);
    if (status != EXIT_DONE)
        return status;
    done = import_all(import, true);
    if (!done)
        return EXIT_FAILED;
    status = finish(import, done, &paused);
    shown = show_done(import, done, paused);
    return status == EXIT_DONE ? shown : status;
}

static struct tf_state *read_state(const char *path)
{
    struct tf_state *state;
    struct err err CLEANUP_ERR = {0};
    char *text = NULL;
    size_t size = 0;

    if (file_read(path, STATE_MAX_BYTES, &text, &size, &err) < 0) {
        (void)ctl_fail("%s", err_text(&err));
        return NULL;
    }
    state = tf_state_new(text, size, &err);
    if (!state)
        (void)ctl_fail("%s: %s", path, err_text(&err));
    return state;
}

static void import_done(struct import *import)
{
    for (size_t i = 0; i < import->count; i++)
        json_object_put(import->declared[i].document);
    free(import->declared);
    json_object_put(import->shown);
    json_object_put(import->report);
    tf_state_free(import->state);
    varlink_client_free(import->client);
}

int ctl_import_tfstate(const struct ctl *ctl)
{
    struct import import CLEANUP(import_done) = {.ctl = ctl, .name = ctl->platform};
    struct json_object *status_reply CLEANUP_JS = NULL;
    int status;

    if (ctl->argument_count > 0)
        import.name = ctl->arguments[0];
    if (!ctl_may_ask(ctl, "import"))
        return EXIT_FAILED;
    import.state = read_state(ctl->tfstate);
    import.client = import.state ? ctl_connect(ctl) : NULL;
    if (!import.client)
        return EXIT_FAILED;
    status = get_ready(&import, &status_reply);
    if (status == EXIT_DONE)
        status = talk(&import);
    if (status != EXIT_DONE && import.paused_by_us)
        (void)say_paused(&import);
    return status;
}
