/*
 * aws_eks_cluster_fields.c: what may be declared of a cluster, and what of it means nothing.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/js.h"
#include "kinds/aws_eks_cluster-internal.h"
#include "kinds/eks-internal.h"

static const char *const modes[] = {"API", "API_AND_CONFIG_MAP", "CONFIG_MAP", NULL};
static const char *const supports[] = {"STANDARD", "EXTENDED", NULL};
static const char *const families[] = {"ipv4", "ipv6", NULL};
const char *const eks_log_types[EKS_LOG_TYPES] = {"api", "audit", "authenticator", "controllerManager",
                                                  "scheduler"};

static bool accepts_name(const char *text)
{
    return has_reference(text) || (isalnum((unsigned char)text[0]) && is_word(text, "-_", 100));
}

static bool accepts_version(const char *text)
{
    int major, minor, end = 0;

    return has_reference(text) || (sscanf(text, "%3d.%3d%n", &major, &minor, &end) == 2 && text[end] == '\0');
}

const struct field eks_vpc_fields[] = {
    {
        .name = "subnet_ids",
        .type = FIELD_SET,
        .element = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_EXCLUSIVE,
        .wire = "subnetIds",
        .min = 2,
        .max = 16,
        .doc = "Subnets, in two zones at least, in which the control plane is reached.",
    },
    {
        .name = "security_group_ids",
        .type = FIELD_SET,
        .element = FIELD_STRING,
        .flags = FIELD_EXCLUSIVE | FIELD_SECURITY,
        .wire = "securityGroupIds",
        .fallback = "[]",
        .max = 5,
        .doc = "Security groups besides the one that EKS makes.",
    },
    {
        .name = "endpoint_public_access",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_SECURITY,
        .wire = "endpointPublicAccess",
        .fallback = "true",
        .doc = "Whether the API server is reached from the internet.",
    },
    {
        .name = "endpoint_private_access",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_SECURITY,
        .wire = "endpointPrivateAccess",
        .fallback = "false",
        .doc = "Whether it is reached from inside the VPC.",
    },
    {
        .name = "public_access_cidrs",
        .type = FIELD_SET,
        .element = FIELD_STRING,
        .flags = FIELD_EXCLUSIVE | FIELD_SECURITY,
        .wire = "publicAccessCidrs",
        .fallback = "[\"0.0.0.0/0\"]",
        .doc = "Who reaches it from the internet; without effect when that is off.",
    },
    {0},
};

static const struct field access_fields[] = {
    {
        .name = "authentication_mode",
        .type = FIELD_ENUM,
        .values = modes,
        .flags = FIELD_SECURITY,
        .wire = "authenticationMode",
        .fallback = "\"API\"",
        .doc = "Where it stands who may sign in: in access entries (API), in a ConfigMap, or both.",
    },
    {
        .name = "bootstrap_cluster_creator_admin_permissions",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_CREATE_ONCE,
        .wire = "bootstrapClusterCreatorAdminPermissions",
        .fallback = "false",
        .doc = "Make whoever creates the cluster its administrator, once.",
    },
    {0},
};

static const struct field upgrade_fields[] = {
    {.name = "support_type",
     .type = FIELD_ENUM,
     .values = supports,
     .flags = FIELD_REQUIRED,
     .wire = "supportType",
     .doc = "After standard support ends: upgraded by EKS (STANDARD), or kept for more money (EXTENDED)."},
    {0},
};

static const struct field network_fields[] = {
    {.name = "service_ipv4_cidr",
     .type = FIELD_STRING,
     .flags = FIELD_SERVER_DEFAULT,
     .wire = "serviceIpv4Cidr",
     .doc = "Addresses of Services."},
    {.name = "ip_family",
     .type = FIELD_ENUM,
     .values = families,
     .flags = FIELD_SERVER_DEFAULT,
     .wire = "ipFamily",
     .doc = "Addresses of pods and Services."},
    {0},
};

static const struct field provider_fields[] = {
    {.name = "key_arn",
     .type = FIELD_STRING,
     .flags = FIELD_REQUIRED,
     .wire = "keyArn",
     .doc = "ARN of the KMS key."},
    {0},
};

const struct field eks_encryption_fields[] = {
    {.name = "provider",
     .type = FIELD_OBJECT,
     .members = provider_fields,
     .flags = FIELD_REQUIRED,
     .wire = "provider",
     .doc = "The key."},
    {.name = "resources",
     .type = FIELD_SET,
     .element = FIELD_STRING,
     .flags = FIELD_EXCLUSIVE,
     .wire = "resources",
     .fallback = "[\"secrets\"]",
     .doc = "What is encrypted with it: secrets."},
    {0},
};

const struct field aws_eks_cluster_fields[] = {
    {
        .name = "name",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_KEY | FIELD_IMMUTABLE,
        .wire = "name",
        .pattern = "1 to 100 letters, digits, - and _, the first a letter or digit",
        .accepts = accepts_name,
        .doc = "Name of the cluster.",
    },
    {
        .name = "role_arn",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_IMMUTABLE | FIELD_SECURITY,
        .wire = "roleArn",
        .doc = "ARN of the role that the control plane works with.",
    },
    {
        .name = "version",
        .type = FIELD_VERSION,
        .flags = FIELD_SERVER_DEFAULT,
        .wire = "version",
        .pattern = "MAJOR.MINOR, as 1.33",
        .accepts = accepts_version,
        .doc = "Version of Kubernetes; raised one minor version at a time, never lowered.",
    },
    {
        .name = "vpc_config",
        .type = FIELD_OBJECT,
        .members = eks_vpc_fields,
        .flags = FIELD_REQUIRED,
        .wire = "resourcesVpcConfig",
        .doc = "Where the API server stands and who reaches it.",
    },
    {
        .name = "access_config",
        .type = FIELD_OBJECT,
        .members = access_fields,
        .flags = FIELD_SECURITY,
        .wire = "accessConfig",
        .fallback =
            "{\"authentication_mode\": \"API\", \"bootstrap_cluster_creator_admin_permissions\": false}",
        .doc = "Who may sign in.",
    },
    {
        .name = "enabled_cluster_log_types",
        .type = FIELD_SET,
        .element = FIELD_STRING,
        .flags = FIELD_EXCLUSIVE | FIELD_SECURITY,
        .fallback = "[]",
        .max = 5,
        .doc = "What is logged: api, audit, authenticator, controllerManager, scheduler.",
    },
    {
        .name = "upgrade_policy",
        .type = FIELD_OBJECT,
        .members = upgrade_fields,
        .flags = FIELD_SERVER_DEFAULT,
        .wire = "upgradePolicy",
        .doc = "What happens when the version grows old.",
    },
    {
        .name = "kubernetes_network_config",
        .type = FIELD_OBJECT,
        .members = network_fields,
        .flags = FIELD_SERVER_DEFAULT | FIELD_IMMUTABLE,
        .wire = "kubernetesNetworkConfig",
        .doc = "Addresses inside the cluster.",
    },
    {
        .name = "encryption_config",
        .type = FIELD_OBJECT,
        .members = eks_encryption_fields,
        .flags = FIELD_SERVER_DEFAULT | FIELD_SECURITY,
        .doc = "A key of your own for Kubernetes' secrets; once there it stays.",
    },
    {
        .name = "bootstrap_self_managed_addons",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_CREATE_ONCE,
        .wire = "bootstrapSelfManagedAddons",
        .fallback = "true",
        .doc = "Begin with vpc-cni, kube-proxy and coredns that no add-on manages yet.",
    },
    {
        .name = "deletion_protection",
        .type = FIELD_BOOLEAN,
        .flags = FIELD_SECURITY,
        .wire = "deletionProtection",
        .fallback = "false",
        .doc = "Whether EKS refuses to delete it.",
    },
    TAGS_ROW,
    EKS_HEALTH,
    {0},
};

const struct attribute aws_eks_cluster_attributes[] = {
    {.name = "arn", .type = FIELD_STRING, .wire = "arn", .doc = "ARN of the cluster."},
    {.name = "id", .type = FIELD_STRING, .wire = "name", .doc = "Name of the cluster."},
    {.name = "endpoint", .type = FIELD_STRING, .wire = "endpoint", .doc = "Address of the API server."},
    {.name = "certificate_authority",
     .type = FIELD_STRING,
     .wire = "certificateAuthority.data",
     .doc = "Certificate of its authority, as base64."},
    {.name = "oidc_issuer",
     .type = FIELD_STRING,
     .wire = "identity.oidc.issuer",
     .doc = "Address of its OpenID Connect issuer, with https://."},
    {.name = "oidc_issuer_host_path",
     .type = FIELD_STRING,
     .doc = "The same without https://, as conditions of a role's trust want it."},
    {.name = "cluster_security_group_id",
     .type = FIELD_STRING,
     .wire = "resourcesVpcConfig.clusterSecurityGroupId",
     .doc = "Security group that EKS made for the control plane and the nodes."},
    {.name = "vpc_id", .type = FIELD_STRING, .wire = "resourcesVpcConfig.vpcId", .doc = "Id of its VPC."},
    {.name = "platform_version",
     .type = FIELD_STRING,
     .wire = "platformVersion",
     .doc = "EKS' own version of it."},
    {.name = "status", .type = FIELD_STRING, .wire = "status", .doc = "State, as ACTIVE."},
    {.name = "created_at", .type = FIELD_STRING, .doc = "When it was made."},
    {.name = "connection",
     .type = FIELD_MAP,
     .doc = "What kinds of Kubernetes want as \"cluster\": name, endpoint and certificate_authority."},
    {0},
};

void aws_eks_cluster_check(struct kind_check *check)
{
    struct json_object *types = js_get(check->document, "enabled_cluster_log_types");

    eks_check(check);
    for (size_t i = 0; i < js_count(types, NULL); i++) {
        const char *type = js_text(js_at(types, i), NULL);
        bool known = !type || has_reference(type);

        for (size_t k = 0; !known && k < EKS_LOG_TYPES; k++)
            known = str_equal(type, eks_log_types[k]);
        if (!known)
            check->problem(
                check, "enabled_cluster_log_types",
                "\"%s\" is no log; there are api, audit, authenticator, controllerManager and scheduler",
                type);
    }
    if (!js_bool(check->document, "vpc_config.endpoint_public_access", true) &&
        !js_bool(check->document, "vpc_config.endpoint_private_access", false))
        check->problem(check, "vpc_config.endpoint_private_access",
                       "neither public nor private: nobody would reach the API server");
}

/* Without a way in from the internet it does not matter whom it would be open for. */
void aws_eks_cluster_normalise(struct json_object *desired, struct json_object *observed)
{
    struct json_object *vpc = js_get(desired, "vpc_config");

    if (vpc && !js_bool(vpc, "endpoint_public_access", true) &&
        !js_bool(observed, "vpc_config.endpoint_public_access", true))
        json_object_object_del(vpc, "public_access_cidrs");
}
