/*
 * cluster-internal.h: what the kinds inside a Kubernetes cluster share: where the
 * cluster is, which object is meant, looking at many, marks of ownership, removing.
 */
#ifndef MLOPSD_KINDS_CLUSTER_INTERNAL_H
#define MLOPSD_KINDS_CLUSTER_INTERNAL_H

#include "kinds/kind.h"

/** An object of a cluster. All borrowed from the documents it was read from. */
struct target {
    struct kubernetes_cluster cluster;
    struct kubernetes_object object;
};

/** Rows of "cluster": what aws_eks_cluster.X.connection holds. */
extern const struct field cluster_fields[];
#define CLUSTER_DOC "The cluster: write ${aws_eks_cluster.NAME.connection}."
/** The row "tags": where the engine keeps its marks; on the object they are annotations mlopsd.io/... */
#define MARKS_ROW                                                                                            \
    {                                                                                                        \
        .name = "tags", .type = FIELD_MAP, .element = FIELD_STRING,                                          \
        .doc = "Kept by mlopsd: whose the object is, as annotations mlopsd.io/...; nothing to write here.",  \
    }

struct kubernetes_cluster cluster_of(struct json_object *document);
/** "apps/v1" → length of "apps"; 0 for the core group. */
size_t group_length(const char *api_version);
bool same_group(const char *a, const char *b);
/** "apps/v1/Deployment/mlflow/mlflow"; owned. */
char *target_id(const struct target *target);
/** "Deployment mlflow/mlflow", for people; owned. */
char *target_name(const struct target *target);
/** Write which object it is into notes. 0 or -ENOMEM. */
int target_note(struct json_object *memory, const struct target *target);
/** The object that notes tell of, while it is there under its old name; else @wanted. */
struct target target_recorded(struct target wanted, const char *id, struct json_object *memory);

/** How one kind looks. */
struct cluster_look {
    struct target (*target)(struct json_object *desired);
    /** Report @item, whose object is @live. May wait. */
    void (*take)(struct kind_batch *batch, struct kind_item *item, const struct target *target,
                 struct json_object *live);
};
/**
 * May wait. For batch_each(), with every item: the first of one kind and namespace asks for all of them. Fingerprints of
 * Secrets are the host's.
 */
void cluster_look_at(struct kind_batch *batch, struct kind_item *item, const struct cluster_look *look);
#define CLUSTER_AT_ONCE 8
/** May wait. One read about @target. */
int cluster_ask(struct kind_batch *batch, enum kubernetes_verb verb, const struct target *target,
                struct json_object *body, struct kubernetes_answer *ret, struct err *err);
/** May wait. One call about @target. */
int cluster_send(struct kind_op *op, enum kubernetes_verb verb, const struct target *target,
                 struct json_object *body, struct kubernetes_answer *ret);
/** May wait. Server-side apply, with a way out in the text where something can not be changed in place. */
int cluster_apply(struct kind_op *op, const struct kubernetes_call *call, struct kubernetes_answer *ret);
/** May wait. Delete and wait until it is gone. */
int cluster_remove(struct kind_op *op, const struct target *target);

/** What every object in a namespace may have to wait for. */
extern const struct not_yet cluster_not_yet[];

/** Marks among annotations, as tags; owned. */
struct json_object *marks_read(struct json_object *live);
/** Set metadata.annotations of @body for each of @tags; and the token of the create, when there is one. 0 or -ENOMEM. */
int marks_write(struct json_object *body, struct json_object *tags, const char *intent);
/** The token that an object was made with must stay on it. Borrowed; NULL without one. */
const char *marks_intent(struct json_object *observed);
void marks_check(struct kind_check *check);

/** Put what every object of a cluster has into @observed: cluster, tags, id, uid. 0 or -ENOMEM. */
int cluster_report(struct json_object *observed, const struct kind_item *item, const struct target *target,
                   struct json_object *live);
/** Being deleted: what it waits for; owned. NULL when it is not being deleted (or without memory). */
char *deletion_words(struct json_object *live);

#endif
