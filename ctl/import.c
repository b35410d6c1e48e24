/*
 * import.c: take over what exists: show what would be changed, let a person say yes, follow the daemon.
 */
#include <stdlib.h>

#include "common/js.h"
#include "ctl/ctl.h"
#include "ctl/varlink_client.h"

#define METHOD "io.mlopsd.Import"

static struct json_object *parameters_of(const struct ctl *ctl, bool confirm)
{
    struct json_object *parameters = json_object_new_object();

    if (parameters && (!ctl->platform || js_set_text(parameters, "platform", ctl->platform) == 0) &&
        js_set_text(parameters, "address", ctl->arguments[0]) == 0 &&
        js_set_text(parameters, "id", ctl->arguments[1]) == 0 &&
        (!confirm || js_set_bool(parameters, "confirm", true) == 0))
        return parameters;
    json_object_put(parameters);
    (void)ctl_fail("no memory");
    return NULL;
}

static struct json_object *ask(const struct ctl *ctl, bool confirm)
{
    struct varlink_client *client CLEANUP_CLIENT = ctl_connect(ctl);
    struct json_object *parameters = client ? parameters_of(ctl, confirm) : NULL, *reply = NULL;
    struct err err CLEANUP_ERR = {0};

    if (parameters && varlink_call(client, METHOD, parameters, &reply, &err) < 0)
        (void)ctl_fail("%s", err_text(&err));
    return reply;
}

static int show(const struct ctl *ctl, struct json_object *reply)
{
    struct buf out CLEANUP_BUF = BUF_INIT(VIEW_MAX_BYTES);
    struct view view = ctl_view(ctl, &out);

    if (ctl->json)
        return ctl_print_json(ctl, reply);
    view_plan(&view, reply);
    return ctl_print(&out);
}

static int fail_refused(const struct ctl *ctl, struct json_object *reply)
{
    char *why CLEANUP_FREE = view_escape(js_text(reply, "refused"));

    return ctl_fail("%s can not be imported: %s", ctl->arguments[0], why ? why : "");
}

static int confirmed(const struct ctl *ctl)
{
    if ((ctl->options & OPTION_YES) ||
        ctl_confirm(
            "\nIt is recorded as this platform's, tagged, and changed as shown. Type yes to import it: ",
            "yes"))
        return EXIT_DONE;
    return ctl_fail("not confirmed: nothing is imported");
}

static int show_imported(const struct ctl *ctl, struct json_object *reply)
{
    struct buf out CLEANUP_BUF = BUF_INIT(VIEW_MAX_BYTES);
    struct view view = ctl_view(ctl, &out);

    if (ctl->json)
        return ctl_print_json(ctl, reply);
    view_text(&view, js_text(reply, "resource.address"));
    (void)buf_add_text(&out, ": imported as ");
    view_text(&view, js_text(reply, "resource.id"));
    (void)buf_addf(&out, "; now %s\n",
                   str_equal(js_text(reply, "resource.status"), "ready")
                       ? "in order"
                       : "not in order yet: see mlopsctl status");
    return ctl_print(&out);
}

int ctl_import(const struct ctl *ctl)
{
    struct json_object *trial CLEANUP_JS = NULL, *done CLEANUP_JS = NULL;
    int status;

    if (ctl->tfstate && ctl->argument_count > 1)
        return ctl_usage("import --tfstate takes a PLATFORM at most: its addresses are found in the file");
    if (ctl->tfstate)
        return ctl_import_tfstate(ctl);
    if (ctl->argument_count != 2)
        return ctl_usage("import needs ADDRESS ID, or --tfstate FILE");
    if (!ctl_may_ask(ctl, "import"))
        return EXIT_FAILED;
    trial = ask(ctl, false);
    if (!trial)
        return EXIT_FAILED;
    status = show(ctl, trial);
    if (status == EXIT_DONE && js_text(trial, "refused"))
        status = fail_refused(ctl, trial);
    if (status == EXIT_DONE)
        status = confirmed(ctl);
    if (status != EXIT_DONE)
        return status;
    done = ask(ctl, true);
    if (!done)
        return EXIT_FAILED;
    return js_text(done, "refused") ? fail_refused(ctl, done) : show_imported(ctl, done);
}
