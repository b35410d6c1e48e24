/*
 * engine_cloud-internal.h: between the simulated cloud and the kinds that live in it.
 */
#ifndef MLOPSD_TESTS_UNIT_ENGINE_CLOUD_INTERNAL_H
#define MLOPSD_TESTS_UNIT_ENGINE_CLOUD_INTERNAL_H

#include "tests/unit/engine_cloud.h"

/** One call: what it asks and, after cloud_serve(), what it was answered. */
struct cloud_call {
    const char *operation; /* static */
    const char *type, *name;
    bool write;
    int (*execute)(struct cloud *cloud, struct cloud_call *call, struct err *err);
    struct json_object *in; /* borrowed */
    const char *token;
    struct json_object *out; /* owned by the caller; NULL = there is none such */
    char *id, *arn;          /* owned by the caller */
    int64_t created_wall_ms;
    bool settling, ended;
};

/** May wait. 0 or negative with @err. */
int cloud_serve(struct cloud *cloud, struct cloud_call *call, struct err *err);
void cloud_violates(struct cloud *cloud, const char *format, ...) PRINTF_LIKE(2, 3);
struct thing *cloud_add(struct cloud *cloud, const char *type, const char *name,
                        struct json_object *take_document, const char *token);
void cloud_remove(struct cloud *cloud, struct thing *thing);
bool cloud_is_visible(const struct cloud *cloud, const struct thing *thing);

#endif
