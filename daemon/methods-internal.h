/*
 * methods-internal.h: what the method files share.
 */
#ifndef MLOPSD_DAEMON_METHODS_INTERNAL_H
#define MLOPSD_DAEMON_METHODS_INTERNAL_H

#include "daemon/daemon.h"
#include "daemon/varlink.h"

/** {"why": text} under "io.mlopsd.NAME". */
void method_fail(struct varlink_call *call, const char *error, const char *key, const char *text);
/**
 * The platforms that a call means: the one that "platform" names, or all. Returns false (and has answered) when
 * the name is unknown, or when @single and there are several.
 */
bool method_platforms(struct daemon *daemon, struct varlink_call *call, struct json_object *parameters,
                      bool single, struct platform ***ret, size_t *ret_count);
struct resource *method_resource(struct platform *platform, struct varlink_call *call, const char *address);

/* methods_pass.c: those that wait for a pass, and Watch */
void method_plan(void *data, struct varlink_call *call, struct json_object *parameters);
void method_apply(void *data, struct varlink_call *call, struct json_object *parameters);
void method_import(void *data, struct varlink_call *call, struct json_object *parameters);
void method_destroy(void *data, struct varlink_call *call, struct json_object *parameters);
void method_check(void *data, struct varlink_call *call, struct json_object *parameters);
void method_watch(void *data, struct varlink_call *call, struct json_object *parameters);

#endif
