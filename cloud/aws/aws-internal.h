/*
 * aws-internal.h: the client's inside, shared by the files of this folder.
 */
#ifndef MLOPSD_CLOUD_AWS_AWS_INTERNAL_H
#define MLOPSD_CLOUD_AWS_AWS_INTERNAL_H

#include "cloud/aws/aws.h"
#include "cloud/aws/credentials.h"
#include "cloud/aws/endpoint.h"
#include "cloud/aws/profile.h"
#include "cloud/aws/retry.h"
#include "cloud/aws/sigv4.h"

/** What the client remembers of one service. */
struct aws_service_state {
    bool resolved;
    struct aws_endpoint endpoint;
    struct aws_budget budget;
    struct aws_key_cache key_cache;
    int64_t offset_ms; /* server's clock minus ours, once it was found to be off */
    struct fiber_slots slots;
};

struct aws {
    struct http *http;
    struct clock *clock;
    struct fibers *fibers;
    uv_loop_t *loop;
    char *region;
    char *profile; /* NULL: the standard chain */
    int (*gate)(void *data, const struct aws_operation *operation, struct err *err);
    void *gate_data;

    struct aws_profiles *profiles; /* read at the first call, again when the files change */
    struct aws_chain chain;
    struct aws_service_state services[AWS_SERVICE_MAX];
    int64_t offset_ms; /* the latest of all services: for expiry times */
    uint64_t calls;

    char *account, *arn, *identity; /* the answer to "who am I", and of whom */
};

/** Read the files if that was not done, or if they changed. 0 or a negative errno. */
int aws_profiles_need(struct aws *aws, struct err *err);
/** Drop what was derived from the files. */
void aws_profiles_drop(struct aws *aws);
/** The CA bundle somebody configured, or NULL. Borrowed until the files change. */
const char *aws_ca_file(const struct aws *aws);

/** May wait: one call, one page, any row (tests bring their own). As aws_call() otherwise. */
int aws_call_once(struct aws *aws, const struct aws_operation *operation, struct json_object *params,
                  const char *token, struct json_object **ret, struct err *err);
/** May wait: as aws_call_once(), signed with @as (borrowed) or, where that is NULL, not at all. */
int aws_call_as(struct aws *aws, const struct aws_operation *operation, struct json_object *params,
                const struct aws_credentials *as, struct json_object **ret, struct err *err);
/** May wait: all pages of one operation. */
int aws_call_pages(struct aws *aws, const struct aws_operation *operation, struct json_object *params,
                   const char *token, struct json_object **ret, struct err *err);
/** The endpoint of a service, resolved when needed. */
int aws_endpoint_need(struct aws *aws, enum aws_service service, struct aws_endpoint **ret, struct err *err);

#endif
