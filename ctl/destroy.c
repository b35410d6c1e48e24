/*
 * destroy.c: the end of a platform: show what goes and what stays, let a person type its name, follow the daemon
 * until it is over. What is being destroyed goes on without this command: it only watches.
 */
#include <stdlib.h>

#include "common/js.h"
#include "ctl/ctl.h"
#include "ctl/varlink_client.h"

#define METHOD "io.mlopsd.Destroy"

static struct json_object *parameters_of(const char *platform, const char *confirm)
{
    struct json_object *parameters = json_object_new_object();

    if (parameters && (!platform || js_set_text(parameters, "platform", platform) == 0) &&
        (!confirm || js_set_text(parameters, "confirm", confirm) == 0))
        return parameters;
    json_object_put(parameters);
    (void)ctl_fail("no memory");
    return NULL;
}

/* What would go; told when it can not be asked. */
static struct json_object *ask_plan(const struct ctl *ctl)
{
    struct varlink_client *client CLEANUP_CLIENT = ctl_connect(ctl);
    const char *platform = ctl->argument_count > 0 ? ctl->arguments[0] : NULL;
    struct json_object *parameters = client ? parameters_of(platform, NULL) : NULL, *reply CLEANUP_JS = NULL;
    struct err err CLEANUP_ERR = {0};

    if (!parameters)
        return NULL;
    if (varlink_call(client, METHOD, parameters, &reply, &err) < 0) {
        (void)ctl_fail("%s", err_text(&err));
        return NULL;
    }
    if (!js_text(reply, "plan.platform")) {
        (void)ctl_fail("mlopsd answered without a plan");
        return NULL;
    }
    return json_object_get(js_get(reply, "plan"));
}

static int show_plan(const struct ctl *ctl, struct json_object *plan)
{
    struct buf out CLEANUP_BUF = BUF_INIT(VIEW_MAX_BYTES);
    struct view view = ctl_view(ctl, &out);
    struct json_object *document CLEANUP_JS = NULL;

    if (ctl->json) {
        document = json_object_new_object();
        if (!document || js_put_key(document, "plan", json_object_get(plan)) < 0)
            return ctl_fail("no memory");
        return ctl_print_json(ctl, document);
    }
    view_destroy_plan(&view, plan);
    return ctl_print(&out);
}

static int confirm(const struct ctl *ctl, const char *platform)
{
    char *question CLEANUP_FREE = NULL;

    if (ctl->options & OPTION_YES)
        return EXIT_DONE;
    question = str_format("\nThis can not be undone. It goes on in mlopsd when this command is interrupted.\n"
                          "Type the name of the platform (%s) to destroy it: ",
                          platform);
    if (!question)
        return ctl_fail("no memory");
    return ctl_confirm(question, platform) ? EXIT_DONE : ctl_fail("not confirmed: nothing is deleted");
}

/* Of what is deleted, some stays for a while: it belongs to the end of the story too. */
static int show_remains(const struct ctl *ctl, struct json_object *deletes)
{
    struct buf out CLEANUP_BUF = BUF_INIT(VIEW_MAX_BYTES);
    struct view view = ctl_view(ctl, &out);

    for (size_t i = 0; i < js_count(deletes, NULL); i++) {
        struct json_object *entry = js_at(deletes, i);

        if (!str_equal(js_text(entry, "farewell"), "leaves"))
            continue;
        view_text(&view, js_text(entry, "address"));
        (void)buf_add_text(&out, ": ");
        view_text(&view, js_text(entry, "why"));
        (void)buf_add_char(&out, '\n');
    }
    return ctl->json ? EXIT_DONE : ctl_print(&out);
}

int ctl_destroy(const struct ctl *ctl)
{
    struct json_object *plan CLEANUP_JS = NULL, *parameters;
    const char *platform;
    int status;

    if (!ctl_may_ask(ctl, "destroy"))
        return EXIT_FAILED;
    plan = ask_plan(ctl);
    if (!plan)
        return EXIT_FAILED;
    platform = js_text(plan, "platform");
    status = show_plan(ctl, plan);
    if (status == EXIT_DONE)
        status = confirm(ctl, platform);
    if (status != EXIT_DONE)
        return status;
    parameters = parameters_of(platform, platform);
    status = parameters ? ctl_follow(ctl, METHOD, parameters) : EXIT_FAILED;
    return status == EXIT_DONE ? show_remains(ctl, js_get(plan, "deletes")) : status;
}
