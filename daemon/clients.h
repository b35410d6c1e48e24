/*
 * clients.h: the clouds' clients of one platform, made from its graph, and the
 * one gate that every write passes.
 */
#ifndef MLOPSD_DAEMON_CLIENTS_H
#define MLOPSD_DAEMON_CLIENTS_H

#include "daemon/platform.h"

/**
 * Make the client if the graph wants one and there is none yet; AWS and Kubernetes come together. 0, also when none is
 * wanted; may read credential files.
 */
int clients_ready_aws(struct platform *platform, struct err *err);
int clients_ready_github(struct platform *platform, struct err *err);
/** Drop all of them: no call may be in flight. */
void clients_drop(struct platform *platform);
/**
 * May this platform write now? The one place that knows: check mode, a stop, a reload, a wrong account, and
 * later the lease of another host. 0, or -EPERM / -ECANCELED with @err.
 */
int clients_gate(struct platform *platform, const char *operation, struct err *err);
/** Read a secret from where the file says it is. -ENOENT with what to do. */
int credential_read(const struct credential_source *source, struct secret **ret, struct err *err);

#endif
