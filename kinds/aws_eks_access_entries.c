/*
 * aws_eks_access_entries.c: everybody who may sign in to a cluster, as one list: an entry that nobody declared is a way
 * in. Only looked at: an undeclared entry may be a colleague's, so people decide about it.
 *
 * One call to look. What EKS makes itself is left out: the entries of its service-linked roles, and those of the
 * nodes' roles, which are named here.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/eks-internal.h"

#define LOOKS_AT_ONCE 4

static const struct field fields[] = {
    EKS_CLUSTER_NAME,
    {
        .name = "principal_arns",
        .type = FIELD_SET,
        .element = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_EXCLUSIVE | FIELD_SECURITY,
        .doc = "ARNs of all roles and users that may sign in; any other is told as critical. A missing one "
               "is told by its own "
               "entry.",
    },
    {
        .name = "node_role_arns",
        .type = FIELD_SET,
        .element = FIELD_STRING,
        .flags = FIELD_LOCAL,
        .fallback = "[]",
        .doc = "Roles of nodes, for which EKS makes entries by itself: neither wanted nor told.",
    },
    {0},
};

static const struct attribute attributes[] = {
    {.name = "id", .type = FIELD_STRING, .doc = "Name of the cluster."},
    {0},
};

static bool is_made_by_eks(const struct kind_item *item, const char *principal)
{
    return strstr(principal, ":role/aws-service-role/") ||
           js_has_text(js_get(item->desired, "node_role_arns"), principal);
}

/*
 * Those that may sign in, as far as people made them; owned; NULL without memory. A declared one that is not there is
 * missed by its own aws_eks_access_entry, not here a second time.
 */
static struct json_object *made_by_people(const struct kind_item *item, struct json_object *list)
{
    struct json_object *declared = js_get(item->desired, "principal_arns");
    struct json_object *principals = declared ? js_copy(declared) : json_object_new_array();

    for (size_t i = 0; principals && i < js_count(list, NULL); i++) {
        const char *principal = json_object_get_string(js_at(list, i));

        if (principal && !is_made_by_eks(item, principal) && !js_has_text(principals, principal) &&
            js_add_text(principals, principal) < 0) {
            json_object_put(principals);
            return NULL;
        }
    }
    return principals;
}

static void look(struct kind_batch *batch, struct kind_item *item)
{
    const char *cluster = js_text(item->desired, "cluster_name");
    struct json_object *answer CLEANUP_JS = NULL, *document = params_new("cluster_name", cluster, NULL);
    struct err err CLEANUP_ERR = {0};
    int r = batch_ask(batch, AWS_EKS_LIST_ACCESS_ENTRIES, params_new("clusterName", cluster, NULL), &answer,
                      &err);

    if (r == 0) {
        params_set(&document, "principal_arns", made_by_people(item, js_get(answer, "accessEntries")));
        params_text(&document, "id", cluster);
        if (!document)
            r = err_no_memory(&err);
    }
    if (r == 0) {
        batch_present(item, cluster, document);
        return;
    }
    json_object_put(document);
    eks_failed(item, &err);
}

static int observe(struct kind_batch *batch)
{
    return batch_each(batch, LOOKS_AT_ONCE, look);
}

const struct kind aws_eks_access_entries_kind = {
    .type = "aws_eks_access_entries",
    .provider = PROVIDER_AWS,
    .flags = KIND_OBSERVED,
    .doc = "Who may sign in to a cluster, all together; only looked at.",
    .fields = fields,
    .attributes = attributes,
    .pace = {.first_look_ms = 1000, .every_ms = 5000, .give_up_ms = 600000, .grace_ms = 60000},
    .observe = observe,
};
