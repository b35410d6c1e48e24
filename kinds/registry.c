/*
 * registry.c: all kinds there are. A new kind is a file, a line in
 * registry-internal.h, and a line here.
 */
#include <assert.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "common/macro.h"
#include "common/str.h"
#include "kinds/registry-internal.h"

const struct kind *const kinds[] = {
    &aws_cloudwatch_event_rule_kind,
    &aws_db_instance_kind,
    &aws_db_subnet_group_kind,
    &aws_ecr_repository_kind,
    &aws_eip_kind,
    &aws_eks_access_entries_kind,
    &aws_eks_access_entry_kind,
    &aws_eks_addon_kind,
    &aws_eks_cluster_kind,
    &aws_eks_node_group_kind,
    &aws_iam_openid_connect_provider_kind,
    &aws_iam_role_kind,
    &aws_internet_gateway_kind,
    &aws_lambda_function_kind,
    &aws_nat_gateway_kind,
    &aws_route_table_kind,
    &aws_s3_bucket_kind,
    &aws_sagemaker_domain_kind,
    &aws_sagemaker_model_package_group_kind,
    &aws_sagemaker_user_profile_kind,
    &aws_secretsmanager_secret_kind,
    &aws_security_group_kind,
    &aws_subnet_kind,
    &aws_vpc_kind,
    &github_actions_secret_kind,
    &github_repository_kind,
    &kubernetes_manifest_kind,
    &kubernetes_secret_kind,
    &mlflow_tracking_server_kind,
    &random_password_kind,
    NULL,
};

const struct kind *kind_find(const char *type)
{
    for (size_t i = 0; kinds[i]; i++) {
        if (strcmp(kinds[i]->type, type) == 0)
            return kinds[i];
    }
    return NULL;
}

const char *kind_suggest(const char *type)
{
    const char *nearest = NULL;
    unsigned best = UINT_MAX;

    for (size_t i = 0; kinds[i]; i++) {
        unsigned distance = str_distance(type, kinds[i]->type);

        if (distance < best) {
            best = distance;
            nearest = kinds[i]->type;
        }
    }
    /* Further off than a third of the word is no slip of the finger. */
    return nearest && best <= strlen(nearest) / 3 ? nearest : NULL;
}

const char *provider_name(enum provider provider)
{
    static const char *const names[PROVIDER_MAX] = {
        [PROVIDER_NONE] = "none",
        [PROVIDER_AWS] = "aws",
        [PROVIDER_GITHUB] = "github",
        [PROVIDER_KUBERNETES] = "kubernetes",
    };

    assert((unsigned)provider < PROVIDER_MAX);
    return names[provider];
}
