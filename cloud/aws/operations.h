/*
 * operations.h: the one table of AWS operations: what each is called, which
 * service and protocol carry it, whether it writes, what its lists and tokens
 * are named. Facts are from botocore's service models; a test compares.
 *
 * Adding an operation is adding a row in operations.c and a name here.
 */
#ifndef MLOPSD_CLOUD_AWS_OPERATIONS_H
#define MLOPSD_CLOUD_AWS_OPERATIONS_H

#include <stdbool.h>

enum aws_protocol { AWS_QUERY, AWS_EC2, AWS_JSON, AWS_REST_JSON, AWS_REST_XML, AWS_PROTOCOL_MAX };

enum aws_service {
    AWS_SERVICE_IAM,
    AWS_SERVICE_STS,
    AWS_SERVICE_S3,
    AWS_SERVICE_ECR,
    AWS_SERVICE_TAGGING,
    AWS_SERVICE_SECRETSMANAGER,
    AWS_SERVICE_EVENTS,
    AWS_SERVICE_LAMBDA,
    AWS_SERVICE_SAGEMAKER,
    AWS_SERVICE_EC2,
    AWS_SERVICE_EKS,
    AWS_SERVICE_RDS,
    AWS_SERVICE_MAX,
};

enum aws_op {
    AWS_STS_GET_CALLER_IDENTITY,
    AWS_STS_ASSUME_ROLE,
    AWS_STS_ASSUME_ROLE_WITH_WEB_IDENTITY,
    AWS_IAM_CREATE_OPEN_ID_CONNECT_PROVIDER,
    AWS_IAM_GET_OPEN_ID_CONNECT_PROVIDER,
    AWS_IAM_LIST_OPEN_ID_CONNECT_PROVIDERS,
    AWS_IAM_UPDATE_OPEN_ID_CONNECT_PROVIDER_THUMBPRINT,
    AWS_IAM_ADD_CLIENT_ID_TO_OPEN_ID_CONNECT_PROVIDER,
    AWS_IAM_REMOVE_CLIENT_ID_FROM_OPEN_ID_CONNECT_PROVIDER,
    AWS_IAM_TAG_OPEN_ID_CONNECT_PROVIDER,
    AWS_IAM_UNTAG_OPEN_ID_CONNECT_PROVIDER,
    AWS_IAM_DELETE_OPEN_ID_CONNECT_PROVIDER,
    AWS_IAM_CREATE_ROLE,
    AWS_IAM_GET_ROLE,
    AWS_IAM_LIST_ROLES,
    AWS_IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS,
    AWS_IAM_LIST_ROLE_POLICIES,
    AWS_IAM_GET_ROLE_POLICY,
    AWS_IAM_LIST_ATTACHED_ROLE_POLICIES,
    AWS_IAM_UPDATE_ROLE,
    AWS_IAM_UPDATE_ASSUME_ROLE_POLICY,
    AWS_IAM_PUT_ROLE_POLICY,
    AWS_IAM_DELETE_ROLE_POLICY,
    AWS_IAM_ATTACH_ROLE_POLICY,
    AWS_IAM_DETACH_ROLE_POLICY,
    AWS_IAM_PUT_ROLE_PERMISSIONS_BOUNDARY,
    AWS_IAM_DELETE_ROLE_PERMISSIONS_BOUNDARY,
    AWS_IAM_TAG_ROLE,
    AWS_IAM_UNTAG_ROLE,
    AWS_IAM_LIST_INSTANCE_PROFILES_FOR_ROLE,
    AWS_IAM_REMOVE_ROLE_FROM_INSTANCE_PROFILE,
    AWS_IAM_DELETE_ROLE,
    AWS_S3_CREATE_BUCKET,
    AWS_S3_HEAD_BUCKET,
    AWS_S3_LIST_BUCKETS,
    AWS_S3_GET_BUCKET_VERSIONING,
    AWS_S3_PUT_BUCKET_VERSIONING,
    AWS_S3_GET_BUCKET_ENCRYPTION,
    AWS_S3_PUT_BUCKET_ENCRYPTION,
    AWS_S3_GET_PUBLIC_ACCESS_BLOCK,
    AWS_S3_PUT_PUBLIC_ACCESS_BLOCK,
    AWS_S3_GET_BUCKET_TAGGING,
    AWS_S3_PUT_BUCKET_TAGGING,
    AWS_S3_GET_BUCKET_OWNERSHIP_CONTROLS,
    AWS_S3_PUT_BUCKET_OWNERSHIP_CONTROLS,
    AWS_S3_GET_BUCKET_POLICY,
    AWS_S3_PUT_BUCKET_POLICY,
    AWS_S3_DELETE_BUCKET_POLICY,
    AWS_S3_LIST_OBJECT_VERSIONS,
    AWS_S3_DELETE_OBJECTS,
    AWS_S3_LIST_MULTIPART_UPLOADS,
    AWS_S3_ABORT_MULTIPART_UPLOAD,
    AWS_S3_DELETE_BUCKET,
    AWS_ECR_CREATE_REPOSITORY,
    AWS_ECR_DESCRIBE_REPOSITORIES,
    AWS_ECR_LIST_TAGS_FOR_RESOURCE,
    AWS_ECR_PUT_IMAGE_SCANNING_CONFIGURATION,
    AWS_ECR_PUT_IMAGE_TAG_MUTABILITY,
    AWS_ECR_GET_REPOSITORY_POLICY,
    AWS_ECR_SET_REPOSITORY_POLICY,
    AWS_ECR_DELETE_REPOSITORY_POLICY,
    AWS_ECR_GET_LIFECYCLE_POLICY,
    AWS_ECR_PUT_LIFECYCLE_POLICY,
    AWS_ECR_DELETE_LIFECYCLE_POLICY,
    AWS_ECR_TAG_RESOURCE,
    AWS_ECR_UNTAG_RESOURCE,
    AWS_ECR_DELETE_REPOSITORY,
    AWS_ECR_LIST_IMAGES, /* one page: whether there are any */
    AWS_TAGGING_GET_RESOURCES,
    AWS_SECRETSMANAGER_CREATE_SECRET,
    AWS_SECRETSMANAGER_DESCRIBE_SECRET,
    AWS_SECRETSMANAGER_GET_SECRET_VALUE,
    AWS_SECRETSMANAGER_PUT_SECRET_VALUE,
    AWS_SECRETSMANAGER_UPDATE_SECRET,
    AWS_SECRETSMANAGER_GET_RESOURCE_POLICY,
    AWS_SECRETSMANAGER_PUT_RESOURCE_POLICY,
    AWS_SECRETSMANAGER_DELETE_RESOURCE_POLICY,
    AWS_SECRETSMANAGER_CANCEL_ROTATE_SECRET,
    AWS_SECRETSMANAGER_TAG_RESOURCE,
    AWS_SECRETSMANAGER_RESTORE_SECRET,
    AWS_SECRETSMANAGER_DELETE_SECRET,
    AWS_EVENTS_PUT_RULE,
    AWS_EVENTS_DESCRIBE_RULE,
    AWS_EVENTS_LIST_TARGETS_BY_RULE,
    AWS_EVENTS_LIST_TAGS_FOR_RESOURCE,
    AWS_EVENTS_PUT_TARGETS,
    AWS_EVENTS_REMOVE_TARGETS,
    AWS_EVENTS_TAG_RESOURCE,
    AWS_EVENTS_DELETE_RULE,
    AWS_LAMBDA_CREATE_FUNCTION,
    AWS_LAMBDA_GET_FUNCTION,
    AWS_LAMBDA_GET_POLICY,
    AWS_LAMBDA_UPDATE_FUNCTION_CONFIGURATION,
    AWS_LAMBDA_UPDATE_FUNCTION_CODE,
    AWS_LAMBDA_ADD_PERMISSION,
    AWS_LAMBDA_REMOVE_PERMISSION,
    AWS_LAMBDA_PUT_FUNCTION_CONCURRENCY,
    AWS_LAMBDA_DELETE_FUNCTION_CONCURRENCY,
    AWS_LAMBDA_TAG_RESOURCE,
    AWS_LAMBDA_DELETE_FUNCTION,
    AWS_SAGEMAKER_CREATE_DOMAIN,
    AWS_SAGEMAKER_DESCRIBE_DOMAIN,
    AWS_SAGEMAKER_LIST_DOMAINS,
    AWS_SAGEMAKER_UPDATE_DOMAIN,
    AWS_SAGEMAKER_DELETE_DOMAIN,
    AWS_SAGEMAKER_CREATE_USER_PROFILE,
    AWS_SAGEMAKER_DESCRIBE_USER_PROFILE,
    AWS_SAGEMAKER_UPDATE_USER_PROFILE,
    AWS_SAGEMAKER_DELETE_USER_PROFILE,
    AWS_SAGEMAKER_LIST_USER_PROFILES,
    AWS_SAGEMAKER_LIST_APPS,
    AWS_SAGEMAKER_DELETE_APP,
    AWS_SAGEMAKER_LIST_SPACES,
    AWS_SAGEMAKER_DELETE_SPACE,
    AWS_SAGEMAKER_CREATE_MODEL_PACKAGE_GROUP,
    AWS_SAGEMAKER_DESCRIBE_MODEL_PACKAGE_GROUP,
    AWS_SAGEMAKER_GET_MODEL_PACKAGE_GROUP_POLICY,
    AWS_SAGEMAKER_PUT_MODEL_PACKAGE_GROUP_POLICY,
    AWS_SAGEMAKER_DELETE_MODEL_PACKAGE_GROUP_POLICY,
    AWS_SAGEMAKER_LIST_MODEL_PACKAGES,
    AWS_SAGEMAKER_DELETE_MODEL_PACKAGE,
    AWS_SAGEMAKER_DELETE_MODEL_PACKAGE_GROUP,
    AWS_SAGEMAKER_LIST_TAGS,
    AWS_SAGEMAKER_ADD_TAGS,
    AWS_EC2_CREATE_VPC,
    AWS_EC2_DESCRIBE_VPCS,
    AWS_EC2_DESCRIBE_VPC_ATTRIBUTE,
    AWS_EC2_MODIFY_VPC_ATTRIBUTE,
    AWS_EC2_ASSOCIATE_DHCP_OPTIONS,
    AWS_EC2_DELETE_VPC,
    AWS_EC2_CREATE_SUBNET,
    AWS_EC2_DESCRIBE_SUBNETS,
    AWS_EC2_MODIFY_SUBNET_ATTRIBUTE,
    AWS_EC2_DELETE_SUBNET,
    AWS_EC2_CREATE_INTERNET_GATEWAY,
    AWS_EC2_DESCRIBE_INTERNET_GATEWAYS,
    AWS_EC2_ATTACH_INTERNET_GATEWAY,
    AWS_EC2_DETACH_INTERNET_GATEWAY,
    AWS_EC2_DELETE_INTERNET_GATEWAY,
    AWS_EC2_ALLOCATE_ADDRESS,
    AWS_EC2_DESCRIBE_ADDRESSES,
    AWS_EC2_RELEASE_ADDRESS,
    AWS_EC2_CREATE_NAT_GATEWAY,
    AWS_EC2_DESCRIBE_NAT_GATEWAYS,
    AWS_EC2_DELETE_NAT_GATEWAY,
    AWS_EC2_CREATE_ROUTE_TABLE,
    AWS_EC2_DESCRIBE_ROUTE_TABLES,
    AWS_EC2_CREATE_ROUTE,
    AWS_EC2_REPLACE_ROUTE,
    AWS_EC2_DELETE_ROUTE,
    AWS_EC2_ASSOCIATE_ROUTE_TABLE,
    AWS_EC2_REPLACE_ROUTE_TABLE_ASSOCIATION,
    AWS_EC2_DISASSOCIATE_ROUTE_TABLE,
    AWS_EC2_DELETE_ROUTE_TABLE,
    AWS_EC2_CREATE_SECURITY_GROUP,
    AWS_EC2_DESCRIBE_SECURITY_GROUPS,
    AWS_EC2_AUTHORIZE_SECURITY_GROUP_INGRESS,
    AWS_EC2_AUTHORIZE_SECURITY_GROUP_EGRESS,
    AWS_EC2_REVOKE_SECURITY_GROUP_INGRESS,
    AWS_EC2_REVOKE_SECURITY_GROUP_EGRESS,
    AWS_EC2_UPDATE_SECURITY_GROUP_RULE_DESCRIPTIONS_INGRESS,
    AWS_EC2_UPDATE_SECURITY_GROUP_RULE_DESCRIPTIONS_EGRESS,
    AWS_EC2_DELETE_SECURITY_GROUP,
    AWS_EC2_CREATE_TAGS,
    AWS_EC2_DESCRIBE_NETWORK_INTERFACES,
    AWS_EC2_DESCRIBE_AVAILABILITY_ZONES,
    AWS_EKS_CREATE_CLUSTER,
    AWS_EKS_DESCRIBE_CLUSTER,
    AWS_EKS_UPDATE_CLUSTER_CONFIG,
    AWS_EKS_UPDATE_CLUSTER_VERSION,
    AWS_EKS_ASSOCIATE_ENCRYPTION_CONFIG,
    AWS_EKS_DELETE_CLUSTER,
    AWS_EKS_DESCRIBE_CLUSTER_VERSIONS,
    AWS_EKS_DESCRIBE_UPDATE,
    AWS_EKS_CREATE_NODEGROUP,
    AWS_EKS_DESCRIBE_NODEGROUP,
    AWS_EKS_UPDATE_NODEGROUP_CONFIG,
    AWS_EKS_UPDATE_NODEGROUP_VERSION,
    AWS_EKS_DELETE_NODEGROUP,
    AWS_EKS_CREATE_ADDON,
    AWS_EKS_DESCRIBE_ADDON,
    AWS_EKS_UPDATE_ADDON,
    AWS_EKS_DELETE_ADDON,
    AWS_EKS_CREATE_ACCESS_ENTRY,
    AWS_EKS_DESCRIBE_ACCESS_ENTRY,
    AWS_EKS_UPDATE_ACCESS_ENTRY,
    AWS_EKS_DELETE_ACCESS_ENTRY,
    AWS_EKS_ASSOCIATE_ACCESS_POLICY,
    AWS_EKS_DISASSOCIATE_ACCESS_POLICY,
    AWS_EKS_LIST_ACCESS_ENTRIES,
    AWS_EKS_LIST_ASSOCIATED_ACCESS_POLICIES,
    AWS_EKS_TAG_RESOURCE,
    AWS_RDS_CREATE_DB_SUBNET_GROUP,
    AWS_RDS_DESCRIBE_DB_SUBNET_GROUPS,
    AWS_RDS_MODIFY_DB_SUBNET_GROUP,
    AWS_RDS_DELETE_DB_SUBNET_GROUP,
    AWS_RDS_CREATE_DB_INSTANCE,
    AWS_RDS_DESCRIBE_DB_INSTANCES,
    AWS_RDS_MODIFY_DB_INSTANCE,
    AWS_RDS_DELETE_DB_INSTANCE,
    AWS_RDS_START_DB_INSTANCE,
    AWS_RDS_LIST_TAGS_FOR_RESOURCE,
    AWS_RDS_ADD_TAGS_TO_RESOURCE,
    AWS_OP_MAX,
};

enum aws_access { AWS_READ, AWS_WRITE };

/** One service: how its host, signature and messages are made. */
struct aws_service_info {
    const char *id;  /* "iam": our name, and botocore's */
    const char *env; /* "IAM": suffix of AWS_ENDPOINT_URL_; lower case in a profile's services section */
    enum aws_protocol protocol;
    const char *version; /* query, ec2: "2010-05-08" */
    const char *target;  /* json: "AmazonEC2ContainerRegistry_V20150921" */
    const char *host;    /* host label: "iam", "api.ecr" */
    const char *signing_name;
    bool global;       /* one endpoint per partition, signed for its home Region */
    bool s3;           /* bucket in path or host, path signed as sent, payload hash always in a header */
    unsigned parallel; /* calls at once, 0 = no limit: services with small account-wide budgets */
};
extern const struct aws_service_info aws_services[AWS_SERVICE_MAX];

/**
 * One operation. The fields after @token belong to the codecs.
 *
 * A "shape" is a list of members that are not plain text under their own name,
 * separated by blanks: NAME[=WIRE][:K[(ITEM)]]. NAME is the member in our JSON,
 * WIRE its name on the wire. K:
 *   l  list with a wrapper, items named ITEM (default "member"; ec2 "item")
 *   f  flat list: the member repeats
 *   s  structure (only needed to tell an empty one from an empty text)
 *   i  integer    b  boolean    d  document, percent-encoded
 * Names count wherever they occur in the message; no operation here uses one name in two ways.
 */
struct aws_operation {
    const char *name; /* "CreateRole" */
    enum aws_service service;
    enum aws_access access;
    bool creates;      /* a repeat could make a second thing or fail with "exists" */
    const char *token; /* idempotency token member, or NULL */

    bool anonymous; /* never signed */
    bool secret;    /* the answer holds keys: wiped on the way */
    bool result;    /* query: the answer must hold an <...Result> element */
    bool checksum;  /* S3 asks for a digest of the body in a header */

    const char *method; /* REST protocols: "PUT" */
    const char *path;   /* REST protocols: "/{Bucket}?versioning", "/{Bucket}/{Key+}" */

    /* Requests. */
    const char *shape;   /* query, ec2, rest-xml: shape of the parameters */
    const char *query;   /* REST: shape of the members carried by the query string */
    const char *headers; /* REST: shape of the members carried by headers */
    const char *payload; /* REST: the member that is the whole body */

    /* Answers. */
    const char *answer;         /* XML protocols: shape of the answer */
    const char *answer_headers; /* REST: shape of the members found in headers */
    const char *answer_payload; /* REST: the member that is the whole body */
    const char *answer_root;    /* rest-xml: name of the root element; another one is no answer */

    /* Pages. More than one name: same order in @page_in and @page_out. */
    const char *page_in;    /* request members for the tokens: "KeyMarker VersionIdMarker" */
    const char *page_out;   /* answer members that hold them */
    const char *page_more;  /* boolean that says whether there is more, or NULL */
    const char *page_lists; /* lists to be joined */
};
extern const struct aws_operation aws_operations[AWS_OP_MAX];

#endif
