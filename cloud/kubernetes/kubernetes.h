/*
 * kubernetes.h: Kubernetes as the floors above see it: one client per platform, which reaches
 * any cluster that it is told of, one function per call, JSON in and JSON out.
 *
 * A cluster is named by what EKS DescribeCluster says of it. The client keeps for each cluster its
 * bearer token (a presigned identity, renewed after 12 minutes) and what discovery told. Only the cluster's own
 * certificate authority counts; TLS and name checks are never switched off.
 * Facts: Kubernetes API concepts and server-side apply (v1.35), EKS authenticator.
 * Knows nothing of resource kinds or of state. Loop thread only.
 */
#ifndef MLOPSD_CLOUD_KUBERNETES_KUBERNETES_H
#define MLOPSD_CLOUD_KUBERNETES_KUBERNETES_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "cloud/aws/aws.h"
#include "common/clock.h"
#include "common/crypto.h"
#include "common/err.h"
#include "common/fiber.h"
#include "common/http.h"

#define KUBERNETES_FIELD_MANAGER "mlopsd"

struct kubernetes;

/** All borrowed; must outlive the client. */
struct kubernetes_options {
    struct http *http;
    struct clock *clock;
    struct fibers *fibers;
    struct aws *aws; /* signs the tokens */
    /**
     * Asked before every call that changes something, on the calling fiber: 0 lets it pass; a negative errno
     * with @err refuses it before any byte leaves. NULL = all of them are refused. @what: "apply Deployment mlflow/mlflow".
     */
    int (*gate)(void *data, const char *what, struct err *err);
    void *gate_data;
};

int kubernetes_new(const struct kubernetes_options *options, struct kubernetes **ret, struct err *err);
struct kubernetes *kubernetes_free(struct kubernetes *kubernetes); /* no call may be in flight */

/** Where an API server is. Texts are borrowed for the length of the call. */
struct kubernetes_cluster {
    const char *name;                  /* the EKS cluster's: signed into the token */
    const char *endpoint;              /* "https://..." */
    const char *certificate_authority; /* base64 of PEM, as DescribeCluster gives it */
    bool young;                        /* made minutes ago: that it can not be reached yet is no failure */
};

/** Which object, or which objects: name NULL = all of the namespace, namespace NULL = cluster-wide or none. */
struct kubernetes_object {
    const char *api_version; /* "apps/v1" */
    const char *kind;        /* "Deployment" */
    const char *namespace;
    const char *name;
};

enum kubernetes_verb {
    KUBERNETES_GET,
    KUBERNETES_LIST,  /* read to the end of its pages; the answer's "items" are joined */
    KUBERNETES_APPLY, /* server-side apply with force */
    KUBERNETES_DRY_RUN, /* the same with dryRun=All and without force: a read; a conflict is an answer (status 409) */
    KUBERNETES_PATCH,  /* JSON patch (RFC 6902), for taking out what others added */
    KUBERNETES_DELETE, /* foreground; body = DeleteOptions or NULL */
    KUBERNETES_CREATE, /* POST without being stored: SelfSubjectAccessReview; a read */
    KUBERNETES_VERB_MAX
};

/** Is it a verb that changes something? */
bool kubernetes_writes(enum kubernetes_verb verb);

/**
 * A text of the body that is secret: placed base64-encoded at @path (through objects) when the message is made,
 * wiped after.
 */
struct kubernetes_hidden {
    const char *const *path; /* NULL-terminated: {"data", "uri", NULL} */
    const struct secret *value;
};

struct kubernetes_call {
    enum kubernetes_verb verb;
    struct kubernetes_cluster cluster;
    struct kubernetes_object object;
    const char *label_selector, *field_selector; /* LIST: "app=mlflow", "involvedObject.name=x"; NULL = all */
    struct json_object *body;                    /* borrowed; may be NULL */
    const struct kubernetes_hidden *hidden;
    size_t hidden_count;
    /**
     * Called for each value under "data" of a Secret in the answer; what it returns (owned, text) stands in the
     * answer in its place as {"secret": TEXT}. NULL: as {"secret": null}. A Secret's values never reach an answer in clear.
     */
    char *(*fingerprint)(void *data, const struct secret *value);
    void *fingerprint_data;
};

struct kubernetes_answer {
    int status;
    struct json_object *body; /* owned */
};
void kubernetes_answer_done(struct kubernetes_answer *answer);
#define CLEANUP_KUBERNETES_ANSWER CLEANUP(kubernetes_answer_done)

/**
 * May wait. Retries what is safe (429 with Retry-After, 5xx, lost connections; applies are repeatable), renews the
 * token once on a 401.
 * 0 with *ret filled; else negative, wire_code = the Status object's reason ("NotFound"), class: ERR_ABSENT (404 of an object),
 * ERR_NOT_YET (401 after a fresh token; namespace terminating; not reached although @young), ERR_DENIED (403, with the
 * server's own sentence), ERR_CONFLICT (409), ERR_INVALID (400, 422, with causes), ERR_LIMIT (413, lists and answers
 * over our bounds), ERR_THROTTLED, ERR_RETRY.
 * A path that the server does not serve (no such group or kind) is ERR_INVALID, never absent.
 */
int kubernetes_call(struct kubernetes *kubernetes, const struct kubernetes_call *call,
                    struct kubernetes_answer *ret, struct err *err);

/** "apply Deployment mlflow/mlflow": how messages, gates and the log name a call. Owned; NULL without memory. */
char *kubernetes_call_name(const struct kubernetes_call *call);

/** Calls sent (attempts count) since the client was made. */
uint64_t kubernetes_calls_sent(const struct kubernetes *kubernetes);

#endif
