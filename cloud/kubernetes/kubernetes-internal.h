/*
 * kubernetes-internal.h: what the files of the Kubernetes client share with each other and with their tests.
 *
 * Layers, each used only by those below it: resource.c (kinds and paths), message.c (bodies), answer.c (what an
 * answer means), redact.c (a Secret's values), cluster.c (token, trust, places), exchange.c (one request until it
 * is answered), discovery.c (kinds that the table does not know), list.c (pages), client.c (one call).
 */
#ifndef MLOPSD_CLOUD_KUBERNETES_KUBERNETES_INTERNAL_H
#define MLOPSD_CLOUD_KUBERNETES_KUBERNETES_INTERNAL_H

#include "cloud/kubernetes/kubernetes.h"
#include "common/str.h"

#define KUBE_ATTEMPTS      3
#define KUBE_TOKEN_AGE_MS  720000u /* of the 15 minutes that a token lives */
#define KUBE_PAGE_ITEMS    500u
#define KUBE_PAGES_MAX     40u
#define KUBE_ANSWER_MAX    (8u << 20)
#define KUBE_BODY_MAX      (2u << 20) /* the server takes about 1.5 MB */
#define KUBE_AT_ONCE       4u         /* requests to one cluster */
#define KUBE_CLUSTERS_KEPT 8u

/* ---- resource.c: pure ---- */

struct kube_resource {
    const char *api_version, *kind, *plural;
    bool namespaced;
};
/** A row of the table of well-known kinds; NULL when there is none. */
const struct kube_resource *kube_resource_known(const char *api_version, const char *kind);
/** "/api/v1" or "/apis/GROUP/VERSION"; owned. -EINVAL (ERR_INVALID) for what is no version. */
int kube_version_path(const char *api_version, char **ret, struct err *err);
/**
 * The path of @object, or of its collection where it has no name; owned. -EINVAL (ERR_INVALID) for bad names and for a
 * namespace that is missing (unless @all_namespaces) or too much.
 */
int kube_object_path(const struct kube_resource *resource, const struct kubernetes_object *object,
                     bool all_namespaces, char **ret, struct err *err);

/* ---- message.c: pure ---- */

/**
 * What is sent, into @ret (which is wiped when released): JSON that is read alike by a YAML parser, the hidden values in
 * their places. -EMSGSIZE (ERR_LIMIT), -EINVAL (ERR_BUG).
 */
int kube_message(const struct kubernetes_call *call, struct buf *ret, struct err *err);

/* ---- answer.c: pure ---- */

/**
 * Fill @err for an answer that is no success; return its code. @name begins the text. @quiet: the request held
 * secrets, so a refusal is not quoted: it may cite them.
 */
int kube_answer_error(const char *name, const struct http_answer *answer, bool quiet, struct err *err);
/** The body of a success, which must be an object; ERR_RETRY when it is not. */
int kube_answer_object(const char *name, const struct http_answer *answer, struct json_object **ret,
                       struct err *err);

/* ---- redact.c: pure ---- */

/** Is this object, or each of this list, a Secret? Then put fingerprints in place of its values and wipe them. */
int kube_redact(const struct kubernetes_call *call, struct json_object *body, struct err *err);

/* ---- cluster.c ---- */

/** A kind that discovery told of. */
struct kube_found {
    char *api_version, *kind, *plural;
    struct kube_resource resource; /* borrows the texts */
    struct kube_found *next;
};

/** One API server, as long as its address and its certificate authority stay the same. */
struct kube_cluster {
    char *name, *endpoint, *authority; /* as given */
    char *pem;                         /* the authority, decoded */
    size_t pem_size;
    struct secret *token; /* NULL = none yet */
    uint64_t token_made_ms;
    uint64_t token_number; /* which one it is */
    struct fiber_slots slots;
    struct kube_found *found;
    unsigned users; /* calls in flight */
    struct kube_cluster *next;
};

struct kubernetes {
    struct http *http;
    struct clock *clock;
    struct fibers *fibers;
    struct aws *aws;
    int (*gate)(void *data, const char *what, struct err *err);
    void *gate_data;
    struct kube_cluster *clusters; /* last used first */
    uint64_t sent;
};

/** The record of a cluster, made when needed; counts as in use until kube_cluster_leave(). -EINVAL (ERR_INVALID). */
int kube_cluster_enter(struct kubernetes *kubernetes, const struct kubernetes_cluster *which,
                       struct kube_cluster **ret, struct err *err);
void kube_cluster_leave(struct kube_cluster *cluster);
/** May wait (credentials): append "Authorization: Bearer ..." with a token young enough. @ret_number: which one. */
int kube_token_write(struct kubernetes *kubernetes, struct kube_cluster *cluster, struct buf *buf,
                     uint64_t *ret_number, struct err *err);
/** Token @number was refused: the next kube_token_write() makes a new one, unless there is one already. */
void kube_token_drop(struct kube_cluster *cluster, uint64_t number);
void kube_clusters_free(struct kubernetes *kubernetes);

/* ---- exchange.c ---- */

/** One request to a cluster. All borrowed. */
struct kube_request {
    struct kube_cluster *cluster;
    const char *name; /* begins every error */
    const char *method;
    const char *path; /* with the query */
    const char *content_type;
    const struct buf *body; /* NULL = none */
    bool writes;            /* asks the gate */
    bool repeatable;        /* may be sent again when it is not known whether it was executed */
    bool quiet;             /* as kube_answer_error() */
    bool conflict_answers;  /* a 409 is an answer */
};
/** May wait: until the server answered with a success, or failed for good. */
int kube_exchange(struct kubernetes *kubernetes, const struct kube_request *request, struct http_answer *ret,
                  struct err *err);

/* ---- discovery.c ---- */

/** May wait: ask the cluster how it calls a kind, and remember it. Borrowed from @cluster. -EINVAL (ERR_INVALID). */
int kube_discover(struct kubernetes *kubernetes, struct kube_cluster *cluster,
                  const struct kubernetes_object *object, const struct kube_resource **ret, struct err *err);
void kube_discovery_forget(struct kube_cluster *cluster);

/* ---- list.c ---- */

/** May wait: all pages of the collection at @path, joined. */
int kube_list(struct kubernetes *kubernetes, const struct kubernetes_call *call,
              const struct kube_request *request, struct kubernetes_answer *ret, struct err *err);

#endif
