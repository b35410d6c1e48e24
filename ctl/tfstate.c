/*
 * tfstate.c: reading a Terraform state, version 4: its managed resources by what they are to mlopsd.
 */
#include "ctl/tfstate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "common/str.h"

#define VERSION 4

/* What Terraform splits off and mlopsd has as fields of the whole; sorted. */
static const struct {
    const char *type, *whole;
} wholes[] = {
    {"aws_cloudwatch_event_target", "aws_cloudwatch_event_rule"},
    {"aws_ecr_lifecycle_policy", "aws_ecr_repository"},
    {"aws_ecr_repository_policy", "aws_ecr_repository"},
    {"aws_eip_association", "aws_eip"},
    {"aws_eks_access_policy_association", "aws_eks_access_entry"},
    {"aws_iam_role_policies_exclusive", "aws_iam_role"},
    {"aws_iam_role_policy", "aws_iam_role"},
    {"aws_iam_role_policy_attachment", "aws_iam_role"},
    {"aws_iam_role_policy_attachments_exclusive", "aws_iam_role"},
    {"aws_internet_gateway_attachment", "aws_internet_gateway"},
    {"aws_lambda_permission", "aws_lambda_function"},
    {"aws_main_route_table_association", "aws_route_table"},
    {"aws_route", "aws_route_table"},
    {"aws_route_table_association", "aws_route_table"},
    {"aws_s3_bucket_lifecycle_configuration", "aws_s3_bucket"},
    {"aws_s3_bucket_ownership_controls", "aws_s3_bucket"},
    {"aws_s3_bucket_policy", "aws_s3_bucket"},
    {"aws_s3_bucket_public_access_block", "aws_s3_bucket"},
    {"aws_s3_bucket_server_side_encryption_configuration", "aws_s3_bucket"},
    {"aws_s3_bucket_versioning", "aws_s3_bucket"},
    {"aws_sagemaker_model_package_group_policy", "aws_sagemaker_model_package_group"},
    {"aws_secretsmanager_secret_policy", "aws_secretsmanager_secret"},
    {"aws_secretsmanager_secret_version", "aws_secretsmanager_secret"},
    {"aws_security_group_rule", "aws_security_group"},
    {"aws_vpc_security_group_egress_rule", "aws_security_group"},
    {"aws_vpc_security_group_ingress_rule", "aws_security_group"},
};

/* Where `mlopsctl import` wants another attribute than "id". */
static const struct {
    const char *type, *attribute;
} import_ids[] = {
    {"aws_db_instance", "identifier"}, /* its id is that of one life of it */
    {"aws_sagemaker_user_profile", "arn"},
};

const char *tf_whole_of(const char *type)
{
    for (size_t i = 0; i < ARRAY_SIZE(wholes); i++)
        if (str_equal(wholes[i].type, type))
            return wholes[i].whole;
    return NULL;
}

struct json_object *tf_manifest(struct json_object *attributes)
{
    struct json_object *wrapped = js_get(attributes, "manifest.value");

    return wrapped ? wrapped : js_get(attributes, "manifest");
}

/** "apps/v1/Deployment/mlflow/mlflow"; owned. */
static char *manifest_id(struct json_object *manifest)
{
    const char *version = js_text(manifest, "apiVersion"), *kind = js_text(manifest, "kind");
    const char *space = js_text(manifest, "metadata.namespace"), *name = js_text(manifest, "metadata.name");

    return version && kind && name
               ? str_format("%s/%s/%s%s%s", version, kind, space ? space : "", space ? "/" : "", name)
               : NULL;
}

/** Owned. */
static char *import_id(const char *type, struct json_object *attributes)
{
    const char *attribute = "id", *id;

    if (str_equal(type, "kubernetes_manifest"))
        return manifest_id(tf_manifest(attributes));
    for (size_t i = 0; i < ARRAY_SIZE(import_ids); i++)
        if (str_equal(import_ids[i].type, type))
            attribute = import_ids[i].attribute;
    id = js_text(attributes, attribute);
    return id ? strdup(id) : NULL; /* without memory: not told */
}

/* ---- addresses ---- */

static char *key_of(struct json_object *instance)
{
    struct json_object *key = js_get(instance, "index_key");

    return key ? js_scalar_text(key) : NULL;
}

static char *address_of(struct json_object *resource, struct json_object *instance)
{
    const char *module = js_text(resource, "module");
    struct json_object *key = js_get(instance, "index_key");
    char *written CLEANUP_FREE = key ? js_canonical(key) : NULL;

    if (key && !written)
        return NULL;
    return str_format("%s%s%s.%s%s%s%s", module ? module : "", module ? "." : "", js_text(resource, "type"),
                      js_text(resource, "name"), written ? "[" : "", written ? written : "",
                      written ? "]" : "");
}

/* ---- sorting them in ---- */

static int add_part(struct tf_state *state, const char *type, const char *whole, size_t count)
{
    struct tf_part *all;

    for (size_t i = 0; i < state->parts_count; i++) {
        if (str_equal(state->parts[i].type, type)) {
            state->parts[i].count += count;
            return 0;
        }
    }
    all = reallocarray(state->parts, state->parts_count + 1, sizeof(*all));
    if (!all)
        return -ENOMEM;
    state->parts = all;
    state->parts[state->parts_count++] = (struct tf_part){.type = type, .whole = whole, .count = count};
    return 0;
}

static int add_thing(struct tf_state *state, const struct kind *kind, struct json_object *resource,
                     struct json_object *instance)
{
    struct tf_thing *all = reallocarray(state->things, state->count + 1, sizeof(*all)), *thing;

    if (!all)
        return -ENOMEM;
    state->things = all;
    thing = &all[state->count];
    *thing = (struct tf_thing){.address = address_of(resource, instance),
                               .name = js_text(resource, "name"),
                               .key = key_of(instance),
                               .in_module = js_text(resource, "module") != NULL,
                               .kind = kind,
                               .attributes = js_get(instance, "attributes"),
                               .match = TF_NONE};
    state->count++;
    thing->id = import_id(kind->type, thing->attributes);
    return thing->address && (thing->key || !js_get(instance, "index_key")) ? 0 : -ENOMEM;
}

static int add_left(struct tf_state *state, struct json_object *resource, struct json_object *instance)
{
    char *address CLEANUP_FREE = address_of(resource, instance);

    return address ? strv_add(&state->left, address) : -ENOMEM;
}

static const struct kind *kind_of(const char *type)
{
    return kind_find(str_equal(type, "kubernetes_secret_v1") ? "kubernetes_secret" : type);
}

static int add_resource(struct tf_state *state, struct json_object *resource)
{
    const char *type = js_text(resource, "type"), *whole = tf_whole_of(type);
    struct json_object *instances = js_get(resource, "instances");
    const struct kind *kind = type ? kind_of(type) : NULL;
    int r = 0;

    if (!str_equal(js_text(resource, "mode"), "managed") || !type || !js_text(resource, "name"))
        return 0; /* a data source: looked up, never made */
    for (size_t i = 0; i < js_count(instances, NULL) && r == 0; i++) {
        struct json_object *instance = js_at(instances, i);

        if (js_text(instance, "deposed"))
            continue; /* replaced, and still to be deleted by Terraform */
        if (kind)
            r = add_thing(state, kind, resource, instance);
        else
            r = whole ? add_part(state, type, whole, 1) : add_left(state, resource, instance);
    }
    return r;
}

/* ---- the file ---- */

static int read_tree(struct tf_state *state, struct err *err)
{
    struct json_object *resources = js_get(state->tree, "resources");
    int64_t version = js_int(state->tree, "version", 0);

    if (version != VERSION)
        return err_set(err, -EBADMSG, ERR_INVALID,
                       "this is no Terraform state of version 4 (terraform state pull prints one)");
    for (size_t i = 0; i < js_count(resources, NULL); i++)
        if (add_resource(state, js_at(resources, i)) < 0)
            return err_no_memory(err);
    return 0;
}

struct tf_state *tf_state_new(char *take_text, size_t size_bytes, struct err *err)
{
    struct tf_state *state = calloc(1, sizeof(*state));
    int r = state ? js_parse(take_text, size_bytes, &state->tree, err) : err_no_memory(err);

    explicit_bzero(take_text, size_bytes);
    free(take_text);
    if (r == 0)
        r = read_tree(state, err);
    return r == 0 ? state : tf_state_free(state);
}

static void wipe(struct json_object *value)
{
    if (json_object_is_type(value, json_type_object)) {
        js_each (value, key, member) {
            (void)key;
            wipe(member);
        }
    } else if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++)
            wipe(json_object_array_get_idx(value, i));
    } else {
        js_wipe_text(value);
    }
}

struct tf_state *tf_state_free(struct tf_state *state)
{
    if (!state)
        return NULL;
    for (size_t i = 0; i < state->count; i++) {
        free(state->things[i].address);
        free(state->things[i].key);
        free(state->things[i].id);
    }
    free(state->things);
    free(state->parts);
    strv_done(&state->left);
    wipe(state->tree);
    json_object_put(state->tree);
    free(state);
    return NULL;
}
