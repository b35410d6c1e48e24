/*
 * ec2-internal.h: what the kinds of EC2 have in common: how a thing is found, by its recorded id or by
 * our tags, how it is tagged at birth and later, how it is named, and who stands in the way of a
 * deletion. For kinds/ alone.
 */
#ifndef MLOPSD_KINDS_EC2_INTERNAL_H
#define MLOPSD_KINDS_EC2_INTERNAL_H

#include "kinds/kind.h"

/** Times of what EC2 makes at once: TF ec2/wait.go's propagation of 5 minutes is the grace. */
#define EC2_PACE                                                                                             \
    {                                                                                                        \
        .first_look_ms = 500, .every_ms = 1000, .give_up_ms = 600000, .grace_ms = 300000, .usual_ms = 3000   \
    }

/** Rows of what is made in another thing of EC2. */
#define EC2_VPC_NOT_YET                                                                                      \
    {                                                                                                        \
        .code = "InvalidVpcID.NotFound", .waiting_for = "the VPC to become visible in EC2"                   \
    }
#define EC2_SUBNET_NOT_YET                                                                                   \
    {                                                                                                        \
        .code = "InvalidSubnetID.NotFound", .waiting_for = "the subnet to become visible in EC2"             \
    }

/** How the things of one kind are looked up. */
struct ec2_look {
    enum aws_op operation; /* AWS_EC2_DESCRIBE_VPCS */
    const char *list;      /* answer member with the things: "Vpcs" */
    const char *id;        /* member of each: "VpcId" */
    const char *id_filter; /* "vpc-id" */
    const char *filters;   /* request member: "Filters", "Filter" */
    /**
     * Nothing protects from making a second one: with an intent open, an empty answer is believed only
     * when it is old enough.
     */
    bool unprotected;
    /** A row that lingers after its thing is gone; may be NULL. */
    bool (*is_gone)(struct json_object *thing);
    /**
     * Of two things with the tags of one address, is @a the one to keep? NULL: the smaller id. An open
     * intent decides before this.
     */
    bool (*is_better)(struct json_object *a, struct json_object *b);
    /**
     * Kinds with a natural key: a filter and its value that find (among others) an item without id, and
     * whether a thing is that item. NULL: tags are the only way.
     */
    const char *key_filter;
    const char *(*key_value)(const struct kind_item *item);
    bool (*key_matches)(const struct kind_item *item, struct json_object *thing);
    /** Report what was found, with batch_present() etc.; half an answer may stay in item->observed. */
    void (*take)(struct kind_batch *batch, struct kind_item *item, struct json_object *thing);
};

/**
 * May wait. Look for all items of a batch: the recorded by their ids, the others (and those that an open
 * intent may have made anew) by the tags mlopsd:platform and mlopsd:address, all at once. take() is
 * called for each that is found; the rest are reported as absent, or unknown where that proves nothing
 * yet. 0, or negative with batch->err.
 */
int ec2_observe(struct kind_batch *batch, const struct ec2_look *look);

/** [{"Name": name, "Values": [values...]}] for one text; owned; NULL without memory. */
struct json_object *ec2_filter(const char *name, const char *value);
struct json_object *ec2_filters(const char *name, struct json_object *take_values);

/**
 * What an answer says of a thing as an observed document: fields and attributes by their rows, tags,
 * "id", and "arn" from the owner where the kind has that attribute and the answer has none. Owned; NULL
 * without memory.
 */
struct json_object *ec2_document(struct aws *aws, const struct kind *kind, struct json_object *thing,
                                 const char *id_member, const char *arn_type);
/** After a create: the id and all attributes that @thing tells. */
int ec2_created(struct kind_op *op, struct json_object *thing, const char *id_member, const char *arn_type);

/** TagSpecifications for a create. @type: "vpc". */
void ec2_tag_at_birth(const struct kind_op *op, struct json_object **params, const char *type);
/** May wait. Put back the tags that the diff misses. */
int ec2_put_tags(struct kind_op *op, const struct diff *diff);

/** May wait. One write whose only parameter is an id. */
int ec2_send(struct kind_op *op, enum aws_op operation, const char *member, const char *id);
/**
 * May wait. @result, or for a DependencyViolation the same failure with the names of the network
 * interfaces that stand in the way, found by this filter.
 */
int ec2_explain(struct kind_op *op, int result, const char *filter, const char *id);

/* ---- cidr.c ---- */

/** A network in the one spelling that is compared: no host bits, IPv6 as in RFC 5952. NULL: it is none. */
char *cidr_canonical(const char *text);
/** Field rows' accepts(): a network of that family, or a reference. */
bool cidr4_accepts(const char *text);
bool cidr6_accepts(const char *text);
/** Does @inner lie in @outer? True as well where one of them is no network: that is told elsewhere. */
bool cidr_lies_in(const char *inner, const char *outer);
/** Bring a text member to the canonical spelling, where it is a network. */
void cidr_normalise(struct json_object *document, const char *name);

#endif
