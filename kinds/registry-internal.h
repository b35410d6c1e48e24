/*
 * registry-internal.h: the kinds by name, each from a file of its own, and what
 * several of those files share. For kinds/ alone.
 */
#ifndef MLOPSD_KINDS_REGISTRY_INTERNAL_H
#define MLOPSD_KINDS_REGISTRY_INTERNAL_H

#include "kinds/kind.h"

extern const struct kind aws_cloudwatch_event_rule_kind;
extern const struct kind aws_db_instance_kind;
extern const struct kind aws_db_subnet_group_kind;
extern const struct kind aws_ecr_repository_kind;
extern const struct kind aws_eip_kind;
extern const struct kind aws_eks_access_entries_kind;
extern const struct kind aws_eks_access_entry_kind;
extern const struct kind aws_eks_addon_kind;
extern const struct kind aws_eks_cluster_kind;
extern const struct kind aws_eks_node_group_kind;
extern const struct kind aws_iam_openid_connect_provider_kind;
extern const struct kind aws_iam_role_kind;
extern const struct kind aws_internet_gateway_kind;
extern const struct kind aws_lambda_function_kind;
extern const struct kind aws_nat_gateway_kind;
extern const struct kind aws_route_table_kind;
extern const struct kind aws_s3_bucket_kind;
extern const struct kind aws_sagemaker_domain_kind;
extern const struct kind aws_sagemaker_model_package_group_kind;
extern const struct kind aws_sagemaker_user_profile_kind;
extern const struct kind aws_secretsmanager_secret_kind;
extern const struct kind aws_security_group_kind;
extern const struct kind aws_subnet_kind;
extern const struct kind aws_vpc_kind;
extern const struct kind github_actions_secret_kind;
extern const struct kind github_repository_kind;
extern const struct kind kubernetes_manifest_kind;
extern const struct kind kubernetes_secret_kind;
extern const struct kind mlflow_tracking_server_kind;
extern const struct kind random_password_kind;

/* ---- wire.c ---- */

/** A policy (object or text) as the shortest text; owned; NULL without memory. */
char *wire_policy_text(struct json_object *policy);
/** A policy from an answer as an object; text that is no JSON stays text. Owned; NULL without memory. */
struct json_object *wire_policy(const char *text);

/* ---- params.c: a builder that failed stays NULL: one check at the end will do ---- */

/**
 * {NAME: TEXT, ...} from pairs ended by NULL; a NULL text leaves its name out. Owned; NULL without
 * memory.
 */
struct json_object *params_new(const char *name, const char *text, ...) __attribute__((sentinel));
/** Set *@params at @path. A NULL *@params or value (no memory) leaves NULL behind. */
void params_set(struct json_object **params, const char *path, struct json_object *take_value);
void params_text(struct json_object **params, const char *path, const char *text);
/** Add to the end of a list; likewise. */
void params_add(struct json_object **list, struct json_object *take_value);
/** op_aws() / batch_aws(), with NULL parameters meaning no memory. */
int op_send(struct kind_op *op, enum aws_op operation, struct json_object *take_params,
            struct json_object **ret);
int batch_ask(struct kind_batch *batch, enum aws_op operation, struct json_object *take_params,
              struct json_object **ret, struct err *err);
/**
 * Value of a member that the diff says to change, else what is there: an update must not touch the
 * rest. Borrowed.
 */
struct json_object *wanted_or_seen(const struct kind_op *op, const struct diff *diff, const char *path);
bool err_is(const struct err *err, const char *wire_code);
/**
 * A LOCAL flag that matters when the resource is no longer declared: from the desired document, else
 * from the notes. item_note_flag() keeps the notes in step, for every look.
 */
bool op_flag(const struct kind_op *op, const char *name);
void op_note_flag(struct kind_op *op, const char *name);
void item_note_flag(struct kind_item *item, const char *name);
/**
 * Likewise for a kind with several LOCAL fields, or with one that is no flag: a member by its path, and the
 * notes of all of them.
 */
struct json_object *op_local(const struct kind_op *op, const char *path);
void op_note_locals(struct kind_op *op);
void item_note_locals(struct kind_item *item, const struct kind *kind);
/** @result, or 0 with op->err cleared where the failure was this code. */
int op_forgive(struct kind_op *op, int result, const char *wire_code);
/** Unix milliseconds of a member that holds a time as text or as seconds; 0 when there is none. */
int64_t answer_time_ms(struct json_object *answer, const char *path);

/* ---- words.c: for accepts() of rows; a text with a reference in it is known later, and accepted till then ---- */

bool has_reference(const char *text);
/** 1 to @max ASCII letters, digits, and any of @more. */
bool is_word(const char *text, const char *more, size_t max);
/** Likewise, no capitals. */
bool is_small_word(const char *text, const char *more, size_t max);

/* ---- tags.c ---- */

/** The row "tags" of everything that AWS tags. */
#define TAGS_ROW                                                                                             \
    {                                                                                                        \
        .name = "tags", .type = FIELD_MAP, .element = FIELD_STRING,                                          \
        .doc = "Tags; those not named here are left alone.",                                                 \
    }
/**
 * May wait. Put back the tags that the diff misses, as a list of Key and Value in @member of @take_params, which
 * say whose they are.
 */
int op_put_tags(struct kind_op *op, const struct diff *diff, enum aws_op operation,
                struct json_object *take_params, const char *member);
/** The declared tags that are missing or changed, as a map; owned. */
struct json_object *tags_added(const struct diff *diff, struct json_object *desired);
/** Names and values that AWS would refuse, or that are not the config's to set. */
void tags_check(struct kind_check *check);

/* ---- tagging.c ---- */

/** How things are looked at whose own read does not tell their tags. */
struct tagged_look {
    const char *arn;  /* member of half a picture: "DomainArn" */
    const char *tags; /* member of it that takes the tags, {KEY: VALUE} */
    /** May wait. Leave half a picture in item->observed, or report the item. NULL: that is done already. */
    void (*describe)(struct kind_batch *batch, struct kind_item *item);
    /** May wait. Ask the thing's own service for the tags where they are still missing, and report the item. */
    void (*report)(struct kind_batch *batch, struct kind_item *item);
};

/**
 * May wait. Look at all items of a batch; in between the tags of all of them come in one call, together
 * with those that other kinds ask for in the same look. An aid, never a proof: that service lags and may
 * be denied to us, and of what was written moments ago it is not asked.
 */
int tagged_observe(struct kind_batch *batch, const struct tagged_look *look);
/** May wait. Add to @tags, {ARN: {KEY: VALUE}}, what the tagging service tells of things: one call for a hundred. */
void tagging_ask(struct kind_batch *batch, struct json_object *arns, struct json_object *tags);
/** A tag as it is wanted; borrowed; NULL when it is not. */
const char *item_tag(const struct kind_item *item, const char *key);
/**
 * Nothing was found: absent; or unknown, where nothing else protects from making a second one and our
 * own call to make it may not be visible yet.
 */
void item_report_none(struct kind_item *item, bool unprotected);

/* ---- tag_desk.c ---- */

/** May wait. Likewise, at most one call for all that ask in the same look. */
void tag_desk_find(struct tag_desk *desk, struct kind_batch *batch, struct json_object *arns,
                   struct json_object *tags);

/* ---- trust.c ---- */

/** Who may assume a role: refuse what lets strangers in, warn about what is wider than needed. */
void trust_check(struct kind_check *check, const char *path, struct json_object *policy);

/* ---- policy.c ---- */

/** Is it an IAM-style policy at all? */
void policy_check(struct kind_check *check, const char *path, struct json_object *policy);

#endif
