/*
 * documents.h: what the control protocol (io.mlopsd.varlink) carries, made from
 * the run-time objects. Pure but for reading the store. Results are owned by the caller; NULL
 * means no memory or, where @err is an argument, what it says.
 */
#ifndef MLOPSD_DAEMON_DOCUMENTS_H
#define MLOPSD_DAEMON_DOCUMENTS_H

#include <json-c/json.h>

#include "daemon/daemon.h"

struct json_object *document_platform(struct platform *platform);
struct json_object *document_plan(struct platform *platform);
struct json_object *document_result(struct platform *platform);
/** What a destroy would delete, in which order, what it would keep: looked at a moment ago, with farewells. */
struct json_object *document_destroy_plan(struct platform *platform);
/** The plan of one resource that is to be imported: as a Plan, with "refused" when it can not be. */
struct json_object *document_import(struct platform *platform, const struct resource *resource);
/** Of many: the actions of those that can be imported, the "resources" that were. */
struct json_object *document_imports(struct platform *platform, const struct strv *addresses);
/** What a destroy left. */
struct json_object *document_destroyed(struct platform *platform);
struct json_object *document_resource(const struct resource *resource);
/** Attributes, desired and observed documents, needs: the reply of StateShow. */
struct json_object *document_resource_details(const struct resource *resource);
struct json_object *document_episode(const struct episode *episode);
struct json_object *document_event(int64_t time_ms, const char *platform, const char *address,
                                   const char *event, const char *detail, enum log_level level);
struct json_object *document_output(struct platform *platform, const struct output *output, bool reveal,
                                    struct err *err);
/** [{"address","why","since"}] of all that is not ready. */
struct json_object *document_blocked(const struct platform *platform);

#endif
