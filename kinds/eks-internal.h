/*
 * eks-internal.h: what the four kinds of EKS have in common: names, life-cycle states, health, updates that go on
 * after the answer, and deletes that take their time. For kinds/aws_eks_*.c alone.
 *
 * The id of a cluster is its name; of everything on it CLUSTER:NAME. Updates are followed by the notes:
 *
 *   {"update": ID}     the last one that was begun, until a look saw its end
 *   {"failed": TEXT}   it failed, and why
 */
#ifndef MLOPSD_KINDS_EKS_INTERNAL_H
#define MLOPSD_KINDS_EKS_INTERNAL_H

#include "kinds/registry-internal.h"

/** What tells one of the four from the others. */
struct eks_thing {
    const char *what;    /* in messages: "node group" */
    const char *cluster; /* parameter with the name of its cluster; NULL for the cluster itself */
    const char *name;    /* parameter with its own name: "nodegroupName" */
    const char *field;   /* field with its own name: "node_group_name" */
    const char *answer;  /* member of answers that holds it: "nodegroup" */
    const char *arn;     /* member that holds its ARN */
    enum aws_op describe, remove;
    /** A state that passes by itself as long as nothing differs ("DEGRADED" before there are nodes), or NULL. */
    const char *passing;
    /** What the rows can not say of it; a document that failed becomes NULL. May be NULL. */
    void (*finish)(struct json_object *answer, struct json_object **document);
};

/**
 * Row of the field that nobody declares: what EKS or we have to say against the thing's health. There must be
 * nothing, so whatever there is counts as critical drift.
 */
#define EKS_HEALTH                                                                                           \
    {                                                                                                        \
        .name = "health", .type = FIELD_STRING, .flags = FIELD_SECURITY, .fallback = "null",                 \
        .doc = "Not to be declared: what EKS says is wrong with it.",                                        \
    }
void eks_check(struct kind_check *check); /* tags, and that nobody declares "health" */

/* ---- eks.c: acting ---- */

/** Parameters that name it, by its id, else by its fields. Owned; NULL without memory. */
struct json_object *eks_params(const struct eks_thing *thing, const char *id, struct json_object *desired);
/** Its id by its fields; owned; NULL without memory. */
char *eks_id(const struct eks_thing *thing, struct json_object *desired);
/** A create that names and tags it itself and reports what was made. May wait. */
int eks_create(struct kind_op *op, const struct eks_thing *thing, enum aws_op operation,
               struct json_object *take_params);
/** An update whose end is seen by later looks. May wait. */
int eks_update(struct kind_op *op, enum aws_op operation, struct json_object *take_params);
int eks_put_tags(struct kind_op *op, const struct diff *diff);
/** What only EKS or a person can put right, as a failure that says so. */
int eks_fail_health(struct kind_op *op, const struct eks_thing *thing);
/** Delete; done only when it is really gone: others wait for that. May wait. */
int eks_remove(struct kind_op *op, const struct eks_thing *thing, struct json_object *take_params);

/* ---- eks_look.c: looking ---- */

/** Look at one. May wait. */
void eks_look(struct kind_batch *batch, struct kind_item *item, const struct eks_thing *thing);
/** As a document, "health" left out; owned; NULL without memory. */
struct json_object *eks_document(const struct kind *kind, const struct eks_thing *thing,
                                 struct json_object *answer);
/** As batch_failed(); a cluster that is gone has taken everything along. */
void eks_failed(struct kind_item *item, struct err *err);
/** An error that says that the cluster, or what was on it, is not there? */
bool eks_is_absence(const struct err *err);

/** What goes with a cluster: the kind's farewell(). */
void eks_farewell_cluster(struct kind_batch *batch, struct kind_item *item, struct farewell *farewell);

#endif
