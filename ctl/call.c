/*
 * call.c: a command of one call: connect, ask, show.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/js.h"
#include "ctl/ctl.h"
#include "ctl/varlink_client.h"

struct varlink_client *ctl_connect(const struct ctl *ctl)
{
    struct buf path CLEANUP_BUF = BUF_INIT(4096);
    struct varlink_client *client = NULL;
    struct err err CLEANUP_ERR = {0};
    const char *socket = ctl_socket(ctl, &path);

    if (varlink_client_open(socket, &client, &err) < 0)
        (void)ctl_fail("%s", err_text(&err));
    return client;
}

struct json_object *ctl_parameters(const struct ctl *ctl)
{
    struct json_object *parameters = json_object_new_object();
    int r = parameters ? 0 : -ENOMEM;

    if (r == 0 && ctl->platform)
        r = js_set_text(parameters, "platform", ctl->platform);
    if (r == 0 && ctl->command->fill)
        r = ctl->command->fill(ctl, parameters);
    if (r == 0)
        return parameters;
    json_object_put(parameters);
    (void)ctl_fail("no memory");
    return NULL;
}

int ctl_call(const struct ctl *ctl)
{
    struct varlink_client *client CLEANUP_CLIENT = ctl_connect(ctl);
    char *method CLEANUP_FREE = str_format("io.mlopsd.%s", ctl->command->method);
    struct json_object *reply CLEANUP_JS = NULL, *parameters;
    struct err err CLEANUP_ERR = {0};

    if (!client)
        return EXIT_FAILED;
    parameters = ctl_parameters(ctl);
    if (!parameters)
        return EXIT_FAILED;
    if (!method) {
        json_object_put(parameters);
        return ctl_fail("no memory");
    }
    if (varlink_call(client, method, parameters, &reply, &err) < 0)
        return ctl_fail("%s", err_text(&err));
    return ctl->command->show(ctl, reply);
}
