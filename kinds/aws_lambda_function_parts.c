/*
 * aws_lambda_function_parts.c: the parts of a function that have a form of their own: its package, and
 * its resource policy as a set of permissions. Nothing here waits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto.h"
#include "common/encode.h"
#include "common/js.h"
#include "common/zip.h"
#include "kinds/aws_lambda_function-internal.h"
#include "kinds/registry-internal.h"

/* ---- code ---- */

const char *lambda_source(struct json_object *document)
{
    const char *folder = js_text(document, "source_dir");

    return folder ? folder : js_text(document, "source_file");
}

static int make_zip(const struct package *package, char **ret_zip, char **ret_sha256, struct err *err)
{
    unsigned char digest[DIGEST_SIZE], *bytes = NULL;
    size_t size;
    int r = package_zip(package, &bytes, &size, err);

    if (r < 0)
        return r;
    digest_sha256(bytes, size, digest);
    *ret_sha256 = encode_base64(digest, sizeof(digest));
    *ret_zip = encode_base64(bytes, size);
    free(bytes);
    return *ret_zip && *ret_sha256 ? 0 : err_no_memory(err);
}

int lambda_package(const char *source, char **ret_digest, char **ret_zip, char **ret_sha256, struct err *err)
{
    struct package package CLEANUP_PACKAGE = {0};
    int r;

    if (!source)
        return err_set(err, -EINVAL, ERR_BUG, "no source is declared");
    r = package_read(source, &package, err);
    if (r < 0)
        return r;
    *ret_digest = package_digest(&package);
    if (!*ret_digest)
        return err_no_memory(err);
    return ret_zip ? make_zip(&package, ret_zip, ret_sha256, err) : 0;
}

struct json_object *lambda_notes(const char *digest, const char *sha256)
{
    struct json_object *notes = json_object_new_object();

    if (notes && js_set_text(notes, "digest", digest) == 0 && js_set_text(notes, "sha256", sha256) == 0)
        return notes;
    json_object_put(notes);
    return NULL;
}

bool lambda_in_transit(struct json_object *configuration)
{
    const char *state = js_text(configuration, "State");

    return str_equal(state, "Pending") || str_equal(state, "Deleting") || str_equal(state, "Deactivating") ||
           str_equal(js_text(configuration, "LastUpdateStatus"), "InProgress");
}

/* ---- permissions ---- */

/* An account may be given as itself or as its root. Owned; NULL without memory. */
static char *account_of_root(const char *arn)
{
    const char *account = strstr(arn, ":iam::");

    if (account && str_ends(arn, ":root") && strlen(account) == strlen(":iam::123456789012:root"))
        return strndup(account + strlen(":iam::"), 12);
    return strdup(arn);
}

/* The principal as AddPermission takes it; what it could not have made stays as it is. Owned. */
static char *principal_text(struct json_object *principal)
{
    const char *service = js_text(principal, "Service"), *account = js_text(principal, "AWS");

    if (json_object_is_type(principal, json_type_string))
        return strdup(json_object_get_string(principal));
    if (json_object_is_type(principal, json_type_object) && json_object_object_length(principal) == 1) {
        if (service)
            return strdup(service);
        if (account)
            return account_of_root(account);
    }
    return js_canonical(principal);
}

/* Take a condition that AddPermission makes out of @left. */
static void take_condition(struct json_object *left, const char *operator, const char * key,
                           struct json_object **permission, const char *member)
{
    struct json_object *of_operator = NULL;
    const char *found = NULL;

    if (!json_object_object_get_ex(left, operator, & of_operator) ||
        !json_object_is_type(of_operator, json_type_object))
        return;
    js_each (of_operator, name, value) {
        if (str_equal_nocase(name, key) && json_object_is_type(value, json_type_string))
            found = name;
    }
    if (!found)
        return;
    params_text(permission, member, js_text(of_operator, found));
    json_object_object_del(of_operator, found);
    if (json_object_object_length(of_operator) == 0)
        json_object_object_del(left, operator);
}

/* What no permission of ours would have is told with the principal, so that it differs. */
static void add_strangeness(struct json_object **permission, const char *effect, struct json_object *left)
{
    char *conditions CLEANUP_FREE = js_canonical(left);
    char *text CLEANUP_FREE = NULL;
    bool deny = effect && !str_equal(effect, "Allow");

    if (!*permission || (!deny && json_object_object_length(left) == 0))
        return;
    text = conditions ? str_format("%s (%s, with conditions %s)", js_text(*permission, "principal"),
                                   effect ? effect : "Allow", conditions)
                      : NULL;
    params_set(permission, "principal", text ? json_object_new_string(text) : NULL);
}

/* Owned; NULL without memory. */
static struct json_object *permission_of(struct json_object *statement)
{
    const char *sid = js_text(statement, "Sid");
    struct json_object *permission = params_new("statement_id", sid ? sid : "(without an id)", NULL);
    struct json_object *condition = js_get(statement, "Condition");
    struct json_object *left CLEANUP_JS = condition ? js_copy(condition) : json_object_new_object();
    char *principal CLEANUP_FREE = principal_text(js_get(statement, "Principal"));
    char *action CLEANUP_FREE = js_text(statement, "Action") ? strdup(js_text(statement, "Action"))
                                                             : js_canonical(js_get(statement, "Action"));

    params_set(&permission, "principal", principal ? json_object_new_string(principal) : NULL);
    params_set(&permission, "action", action ? json_object_new_string(action) : NULL);
    if (!left) {
        json_object_put(permission);
        return NULL;
    }
    take_condition(left, "ArnLike", "AWS:SourceArn", &permission, "source_arn");
    take_condition(left, "StringEquals", "AWS:SourceAccount", &permission, "source_account");
    add_strangeness(&permission, js_text(statement, "Effect"), left);
    return permission;
}

struct json_object *lambda_permissions(const char *policy_text)
{
    struct json_object *policy CLEANUP_JS = wire_policy(policy_text), *list = json_object_new_array();
    struct json_object *statements = js_get(policy, "Statement");

    for (size_t i = 0; list && i < js_count(statements, NULL); i++) {
        struct json_object *permission = permission_of(js_at(statements, i));

        if (!permission || json_object_array_add(list, permission) < 0) {
            json_object_put(permission);
            json_object_put(list);
            return NULL;
        }
    }
    return list;
}
