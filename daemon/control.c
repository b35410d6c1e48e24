/*
 * control.c: the control socket: who may do what, and the service that varlink.c serves.
 */
#include "config.h"

#include "daemon/control.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/log.h"
#include "daemon/daemon.h"
#include "daemon/io_mlopsd_varlink.h"
#include "daemon/methods.h"
#include "daemon/varlink.h"

#define GROUPS_MAX 256

struct control {
    struct varlink *varlink;
    struct varlink_service service;
};

/** Is the user a member of the group, first or supplementary? */
static bool in_group(const struct varlink_peer *peer, const char *group_name)
{
    const struct group *group = getgrnam(group_name); /* local files; one call per change somebody asks for */
    gid_t wanted, groups[GROUPS_MAX];
    int count = GROUPS_MAX;
    const struct passwd *user;

    if (!group)
        return false;
    wanted = group->gr_gid;
    if (peer->gid == wanted)
        return true;
    user = getpwuid(peer->uid);
    if (!user || getgrouplist(user->pw_name, peer->gid, groups, &count) < 0)
        return false;
    for (int i = 0; i < count; i++)
        if (groups[i] == wanted)
            return true;
    return false;
}

/** Root, the daemon's own user, and the access group may change things; others may read. */
bool control_peer_may_change(struct daemon *daemon, const struct varlink_peer *peer)
{
    return peer->uid == 0 || peer->uid == geteuid() || in_group(peer, daemon->config->access_group);
}

static bool allowed(void *data, const struct varlink_peer *peer)
{
    struct daemon *daemon = data;
    bool may = control_peer_may_change(daemon, peer);

    if (!may)
        log_notice("uid %u (pid %d) asked for a change and may not", (unsigned)peer->uid, (int)peer->pid);
    return may;
}

/** The socket that the service manager passed, or -1. */
static int passed_socket(void)
{
    return sd_listen_fds(1) == 1 ? SD_LISTEN_FDS_START : -1;
}

int control_open(struct daemon *daemon, const char *path, struct control **ret, struct err *err)
{
    struct control *control = calloc(1, sizeof(*control));
    int r;

    if (!control)
        return err_no_memory(err);
    control->service = (struct varlink_service){
        .interface = "io.mlopsd",
        .description = io_mlopsd_varlink,
        .vendor = "mlopsd",
        .product = "mlopsd",
        .version = PACKAGE_VERSION,
        .url = "",
        .denied_error = "io.mlopsd.NotAllowed",
        .methods = control_methods,
        .allowed = allowed,
        .data = daemon,
    };
    *ret = control; /* closed and freed by the caller, also after a failure */
    r = varlink_open(&daemon->loop, path, passed_socket(), &control->service, &control->varlink, err);
    return r;
}

void control_close(struct control *control)
{
    if (control->varlink)
        varlink_close(control->varlink);
}

struct control *control_free(struct control *control)
{
    if (!control)
        return NULL;
    varlink_free(control->varlink);
    free(control);
    return NULL;
}
