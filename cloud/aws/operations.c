/*
 * operations.c: the tables behind operations.h. Facts only; the meaning of the
 * columns is in the header, their use in the codecs and in pager.c.
 */
#include <stddef.h>

#include "cloud/aws/operations.h"

const struct aws_service_info aws_services[AWS_SERVICE_MAX] = {
    [AWS_SERVICE_IAM] = {.id = "iam",
                         .env = "IAM",
                         .protocol = AWS_QUERY,
                         .version = "2010-05-08",
                         .host = "iam",
                         .signing_name = "iam",
                         .global = true,
                         .parallel = 5},
    [AWS_SERVICE_STS] = {.id = "sts",
                         .env = "STS",
                         .protocol = AWS_QUERY,
                         .version = "2011-06-15",
                         .host = "sts",
                         .signing_name = "sts",
                         .parallel = 5},
    [AWS_SERVICE_S3] = {.id = "s3",
                        .env = "S3",
                        .protocol = AWS_REST_XML,
                        .version = "2006-03-01",
                        .host = "s3",
                        .signing_name = "s3",
                        .s3 = true},
    [AWS_SERVICE_ECR] = {.id = "ecr",
                         .env = "ECR",
                         .protocol = AWS_JSON,
                         .target = "AmazonEC2ContainerRegistry_V20150921",
                         .host = "api.ecr",
                         .signing_name = "ecr"},
    [AWS_SERVICE_TAGGING] = {.id = "resourcegroupstaggingapi",
                             .env = "RESOURCE_GROUPS_TAGGING_API",
                             .protocol = AWS_JSON,
                             .target = "ResourceGroupsTaggingAPI_20170126",
                             .host = "tagging",
                             .signing_name = "tagging"},
    [AWS_SERVICE_EC2] = {.id = "ec2",
                         .env = "EC2",
                         .protocol = AWS_EC2,
                         .version = "2016-11-15",
                         .host = "ec2",
                         .signing_name = "ec2"},
    [AWS_SERVICE_SECRETSMANAGER] = {.id = "secretsmanager",
                                    .env = "SECRETS_MANAGER",
                                    .protocol = AWS_JSON,
                                    .target = "secretsmanager",
                                    .host = "secretsmanager",
                                    .signing_name = "secretsmanager"},
    [AWS_SERVICE_EVENTS] = {.id = "events",
                            .env = "EVENTBRIDGE",
                            .protocol = AWS_JSON,
                            .target = "AWSEvents",
                            .host = "events",
                            .signing_name = "events"},
    [AWS_SERVICE_LAMBDA] = {.id = "lambda",
                            .env = "LAMBDA",
                            .protocol = AWS_REST_JSON,
                            .host = "lambda",
                            .signing_name = "lambda",
                            .parallel = 5},
    [AWS_SERVICE_SAGEMAKER] = {.id = "sagemaker",
                               .env = "SAGEMAKER",
                               .protocol = AWS_JSON,
                               .target = "SageMaker",
                               .host = "api.sagemaker",
                               .signing_name = "sagemaker"},
    [AWS_SERVICE_EKS] =
        {.id = "eks", .env = "EKS", .protocol = AWS_REST_JSON, .host = "eks", .signing_name = "eks"},
    [AWS_SERVICE_RDS] = {.id = "rds",
                         .env = "RDS",
                         .protocol = AWS_QUERY,
                         .version = "2014-10-31",
                         .host = "rds",
                         .signing_name = "rds"},
};

/* Rows begin with the enum's tail and the wire name; what follows are fields. */
#define STS_READ(id, op, ...)                                                                                \
    [AWS_STS_##id] = {.name = op, .service = AWS_SERVICE_STS, .access = AWS_READ, .result = true, __VA_ARGS__}
#define IAM_READ(id, op, ...)                                                                                \
    [AWS_IAM_##id] = {.name = op, .service = AWS_SERVICE_IAM, .access = AWS_READ, .result = true, __VA_ARGS__}
#define IAM_WRITE(id, op, ...)                                                                               \
    [AWS_IAM_##id] = {.name = op, .service = AWS_SERVICE_IAM, .access = AWS_WRITE, __VA_ARGS__}
#define S3_READ(id, op, ...)                                                                                 \
    [AWS_S3_##id] = {.name = op, .service = AWS_SERVICE_S3, .access = AWS_READ, .method = "GET", __VA_ARGS__}
#define S3_WRITE(id, op, verb, ...)                                                                          \
    [AWS_S3_##id] = {.name = op, .service = AWS_SERVICE_S3, .access = AWS_WRITE, .method = verb, __VA_ARGS__}
#define ECR_READ(id, op, ...)                                                                                \
    [AWS_ECR_##id] = {.name = op, .service = AWS_SERVICE_ECR, .access = AWS_READ, __VA_ARGS__}
#define ECR_WRITE(id, op, ...)                                                                               \
    [AWS_ECR_##id] = {.name = op, .service = AWS_SERVICE_ECR, .access = AWS_WRITE, __VA_ARGS__}

#define SECRETSMANAGER_READ(id, op, ...)                                                                     \
    [AWS_SECRETSMANAGER_##                                                                                   \
        id] = {.name = op, .service = AWS_SERVICE_SECRETSMANAGER, .access = AWS_READ, __VA_ARGS__}
#define SECRETSMANAGER_WRITE(id, op, ...)                                                                    \
    [AWS_SECRETSMANAGER_##                                                                                   \
        id] = {.name = op, .service = AWS_SERVICE_SECRETSMANAGER, .access = AWS_WRITE, __VA_ARGS__}
#define EVENTS_READ(id, op, ...)                                                                             \
    [AWS_EVENTS_##id] = {.name = op, .service = AWS_SERVICE_EVENTS, .access = AWS_READ, __VA_ARGS__}
#define EVENTS_WRITE(id, op, ...)                                                                            \
    [AWS_EVENTS_##id] = {.name = op, .service = AWS_SERVICE_EVENTS, .access = AWS_WRITE, __VA_ARGS__}
#define LAMBDA_READ(id, op, ...)                                                                             \
    [AWS_LAMBDA_##                                                                                           \
        id] = {.name = op, .service = AWS_SERVICE_LAMBDA, .access = AWS_READ, .method = "GET", __VA_ARGS__}
#define LAMBDA_WRITE(id, op, verb, ...)                                                                      \
    [AWS_LAMBDA_##                                                                                           \
        id] = {.name = op, .service = AWS_SERVICE_LAMBDA, .access = AWS_WRITE, .method = verb, __VA_ARGS__}
#define SAGEMAKER_READ(id, op, ...)                                                                          \
    [AWS_SAGEMAKER_##id] = {.name = op, .service = AWS_SERVICE_SAGEMAKER, .access = AWS_READ, __VA_ARGS__}
#define SAGEMAKER_WRITE(id, op, ...)                                                                         \
    [AWS_SAGEMAKER_##id] = {.name = op, .service = AWS_SERVICE_SAGEMAKER, .access = AWS_WRITE, __VA_ARGS__}

#define EC2_READ(id, op, ...)                                                                                \
    [AWS_EC2_##id] = {.name = op, .service = AWS_SERVICE_EC2, .access = AWS_READ, __VA_ARGS__}
#define EC2_WRITE(id, op, ...)                                                                               \
    [AWS_EC2_##id] = {.name = op, .service = AWS_SERVICE_EC2, .access = AWS_WRITE, __VA_ARGS__}

#define EKS_READ(id, op, ...)                                                                                \
    [AWS_EKS_##                                                                                              \
        id] = {.name = op, .service = AWS_SERVICE_EKS, .access = AWS_READ, .method = "GET", __VA_ARGS__}
#define EKS_WRITE(id, op, verb, ...)                                                                         \
    [AWS_EKS_##                                                                                              \
        id] = {.name = op, .service = AWS_SERVICE_EKS, .access = AWS_WRITE, .method = verb, __VA_ARGS__}
#define RDS_READ(id, op, ...)                                                                                \
    [AWS_RDS_##id] = {.name = op, .service = AWS_SERVICE_RDS, .access = AWS_READ, .result = true, __VA_ARGS__}
#define RDS_WRITE(id, op, ...)                                                                               \
    [AWS_RDS_##id] = {.name = op, .service = AWS_SERVICE_RDS, .access = AWS_WRITE, __VA_ARGS__}

#define EC2_PAGES(list) .page_in = "NextToken", .page_out = "NextToken", .page_lists = list
#define IAM_PAGES(lists)                                                                                     \
    .page_in = "Marker", .page_out = "Marker", .page_more = "IsTruncated", .page_lists = lists

#define ROLE                                                                                                 \
    "MaxSessionDuration:i AssumeRolePolicyDocument:d PermissionsBoundary:s RoleLastUsed:s "                  \
    "Tags:l "
#define CREDENTIALS "Credentials:s AssumedRoleUser:s PackedPolicySize:i"
#define OWNER       "ExpectedBucketOwner=x-amz-expected-bucket-owner"

/* clang-format off */
const struct aws_operation aws_operations[AWS_OP_MAX] = {
    STS_READ(GET_CALLER_IDENTITY, "GetCallerIdentity"),
    STS_READ(ASSUME_ROLE, "AssumeRole", .answer = CREDENTIALS, .secret = true),
    STS_READ(ASSUME_ROLE_WITH_WEB_IDENTITY, "AssumeRoleWithWebIdentity", .answer = CREDENTIALS,
             .anonymous = true, .secret = true),

    IAM_WRITE(CREATE_OPEN_ID_CONNECT_PROVIDER, "CreateOpenIDConnectProvider", .creates = true,
              .result = true, .answer = "Tags:l"),
    IAM_READ(GET_OPEN_ID_CONNECT_PROVIDER, "GetOpenIDConnectProvider",
             .answer = "ClientIDList:l ThumbprintList:l Tags:l"),
    IAM_READ(LIST_OPEN_ID_CONNECT_PROVIDERS, "ListOpenIDConnectProviders",
             .answer = "OpenIDConnectProviderList:l"),
    IAM_WRITE(UPDATE_OPEN_ID_CONNECT_PROVIDER_THUMBPRINT, "UpdateOpenIDConnectProviderThumbprint"),
    IAM_WRITE(ADD_CLIENT_ID_TO_OPEN_ID_CONNECT_PROVIDER, "AddClientIDToOpenIDConnectProvider"),
    IAM_WRITE(REMOVE_CLIENT_ID_FROM_OPEN_ID_CONNECT_PROVIDER, "RemoveClientIDFromOpenIDConnectProvider"),
    IAM_WRITE(TAG_OPEN_ID_CONNECT_PROVIDER, "TagOpenIDConnectProvider"),
    IAM_WRITE(UNTAG_OPEN_ID_CONNECT_PROVIDER, "UntagOpenIDConnectProvider"),
    IAM_WRITE(DELETE_OPEN_ID_CONNECT_PROVIDER, "DeleteOpenIDConnectProvider"),

    IAM_WRITE(CREATE_ROLE, "CreateRole", .creates = true, .result = true,
              .answer = "Role:s " ROLE),
    IAM_READ(GET_ROLE, "GetRole", .answer = "Role:s " ROLE),
    IAM_READ(LIST_ROLES, "ListRoles", .answer = ROLE "Roles:l IsTruncated:b", IAM_PAGES("Roles")),
    IAM_READ(GET_ACCOUNT_AUTHORIZATION_DETAILS, "GetAccountAuthorizationDetails",
             .answer = ROLE
             "RoleDetailList:l RolePolicyList:l PolicyDocument:d AttachedManagedPolicies:l "
             "InstanceProfileList:l Roles:l IsTruncated:b "
             "UserDetailList:l UserPolicyList:l GroupList:l GroupDetailList:l GroupPolicyList:l "
             "Policies:l PolicyVersionList:l Document:d AttachmentCount:i PermissionsBoundaryUsageCount:i "
             "IsAttachable:b IsDefaultVersion:b",
             IAM_PAGES("UserDetailList GroupDetailList RoleDetailList Policies")),
    IAM_READ(LIST_ROLE_POLICIES, "ListRolePolicies", .answer = "PolicyNames:l IsTruncated:b",
             IAM_PAGES("PolicyNames")),
    IAM_READ(GET_ROLE_POLICY, "GetRolePolicy", .answer = "PolicyDocument:d"),
    IAM_READ(LIST_ATTACHED_ROLE_POLICIES, "ListAttachedRolePolicies",
             .answer = "AttachedPolicies:l IsTruncated:b", IAM_PAGES("AttachedPolicies")),
    IAM_WRITE(UPDATE_ROLE, "UpdateRole"),
    IAM_WRITE(UPDATE_ASSUME_ROLE_POLICY, "UpdateAssumeRolePolicy"),
    IAM_WRITE(PUT_ROLE_POLICY, "PutRolePolicy"),
    IAM_WRITE(DELETE_ROLE_POLICY, "DeleteRolePolicy"),
    IAM_WRITE(ATTACH_ROLE_POLICY, "AttachRolePolicy"),
    IAM_WRITE(DETACH_ROLE_POLICY, "DetachRolePolicy"),
    IAM_WRITE(PUT_ROLE_PERMISSIONS_BOUNDARY, "PutRolePermissionsBoundary"),
    IAM_WRITE(DELETE_ROLE_PERMISSIONS_BOUNDARY, "DeleteRolePermissionsBoundary"),
    IAM_WRITE(TAG_ROLE, "TagRole"),
    IAM_WRITE(UNTAG_ROLE, "UntagRole"),
    IAM_READ(LIST_INSTANCE_PROFILES_FOR_ROLE, "ListInstanceProfilesForRole",
             .answer = ROLE "InstanceProfiles:l Roles:l IsTruncated:b", IAM_PAGES("InstanceProfiles")),
    IAM_WRITE(REMOVE_ROLE_FROM_INSTANCE_PROFILE, "RemoveRoleFromInstanceProfile"),
    IAM_WRITE(DELETE_ROLE, "DeleteRole"),

    S3_WRITE(CREATE_BUCKET, "CreateBucket", "PUT", .path = "/{Bucket}", .creates = true,
             .headers = "ACL=x-amz-acl ObjectOwnership=x-amz-object-ownership "
                        "ObjectLockEnabledForBucket=x-amz-bucket-object-lock-enabled "
                        "BucketNamespace=x-amz-bucket-namespace",
             .payload = "CreateBucketConfiguration", .shape = "Tags:l(Tag)",
             .answer_headers = "Location=location BucketArn=x-amz-bucket-arn"),
    [AWS_S3_HEAD_BUCKET] = {.name = "HeadBucket", .service = AWS_SERVICE_S3, .access = AWS_READ,
             .method = "HEAD", .path = "/{Bucket}", .headers = OWNER,
             .answer_headers = "BucketRegion=x-amz-bucket-region BucketArn=x-amz-bucket-arn "
                               "BucketLocationType=x-amz-bucket-location-type "
                               "BucketLocationName=x-amz-bucket-location-name "
                               "AccessPointAlias=x-amz-access-point-alias:b"},
    S3_READ(LIST_BUCKETS, "ListBuckets", .path = "/",
            .query = "MaxBuckets=max-buckets ContinuationToken=continuation-token Prefix=prefix "
                     "BucketRegion=bucket-region",
            .answer_root = "ListAllMyBucketsResult", .answer = "Buckets:l Owner:s",
            .page_in = "ContinuationToken", .page_out = "ContinuationToken", .page_lists = "Buckets"),
    S3_READ(GET_BUCKET_VERSIONING, "GetBucketVersioning", .path = "/{Bucket}?versioning", .headers = OWNER,
            .answer_root = "VersioningConfiguration", .answer = "MFADelete=MfaDelete"),
    S3_WRITE(PUT_BUCKET_VERSIONING, "PutBucketVersioning", "PUT", .path = "/{Bucket}?versioning",
             .headers = OWNER, .payload = "VersioningConfiguration", .shape = "MFADelete=MfaDelete",
             .checksum = true),
    S3_READ(GET_BUCKET_ENCRYPTION, "GetBucketEncryption", .path = "/{Bucket}?encryption", .headers = OWNER,
            .answer_root = "ServerSideEncryptionConfiguration",
            .answer_payload = "ServerSideEncryptionConfiguration",
            .answer = "Rules=Rule:f ApplyServerSideEncryptionByDefault:s BucketKeyEnabled:b "
                      "BlockedEncryptionTypes:s EncryptionType:f"),
    S3_WRITE(PUT_BUCKET_ENCRYPTION, "PutBucketEncryption", "PUT", .path = "/{Bucket}?encryption",
             .headers = OWNER, .payload = "ServerSideEncryptionConfiguration",
             .shape = "Rules=Rule:f EncryptionType:f", .checksum = true),
    S3_READ(GET_PUBLIC_ACCESS_BLOCK, "GetPublicAccessBlock", .path = "/{Bucket}?publicAccessBlock",
            .headers = OWNER, .answer_root = "PublicAccessBlockConfiguration",
            .answer_payload = "PublicAccessBlockConfiguration",
            .answer = "BlockPublicAcls:b IgnorePublicAcls:b BlockPublicPolicy:b RestrictPublicBuckets:b"),
    S3_WRITE(PUT_PUBLIC_ACCESS_BLOCK, "PutPublicAccessBlock", "PUT", .path = "/{Bucket}?publicAccessBlock",
             .headers = OWNER, .payload = "PublicAccessBlockConfiguration", .checksum = true),
    S3_READ(GET_BUCKET_TAGGING, "GetBucketTagging", .path = "/{Bucket}?tagging", .headers = OWNER,
            .answer_root = "Tagging", .answer = "TagSet:l"),
    S3_WRITE(PUT_BUCKET_TAGGING, "PutBucketTagging", "PUT", .path = "/{Bucket}?tagging", .headers = OWNER,
             .payload = "Tagging", .shape = "TagSet:l(Tag)", .checksum = true),
    S3_READ(GET_BUCKET_OWNERSHIP_CONTROLS, "GetBucketOwnershipControls",
            .path = "/{Bucket}?ownershipControls", .headers = OWNER,
            .answer_root = "OwnershipControls", .answer_payload = "OwnershipControls",
            .answer = "Rules=Rule:f"),
    S3_WRITE(PUT_BUCKET_OWNERSHIP_CONTROLS, "PutBucketOwnershipControls", "PUT",
             .path = "/{Bucket}?ownershipControls", .headers = OWNER, .payload = "OwnershipControls",
             .shape = "Rules=Rule:f", .checksum = true),
    S3_READ(GET_BUCKET_POLICY, "GetBucketPolicy", .path = "/{Bucket}?policy", .headers = OWNER,
            .answer_payload = "Policy"),
    S3_WRITE(PUT_BUCKET_POLICY, "PutBucketPolicy", "PUT", .path = "/{Bucket}?policy",
             .headers = OWNER " ConfirmRemoveSelfBucketAccess=x-amz-confirm-remove-self-bucket-access",
             .payload = "Policy", .checksum = true),
    S3_WRITE(DELETE_BUCKET_POLICY, "DeleteBucketPolicy", "DELETE", .path = "/{Bucket}?policy",
             .headers = OWNER),
    S3_READ(LIST_OBJECT_VERSIONS, "ListObjectVersions", .path = "/{Bucket}?versions", .headers = OWNER,
            .query = "Delimiter=delimiter EncodingType=encoding-type KeyMarker=key-marker MaxKeys=max-keys "
                     "Prefix=prefix VersionIdMarker=version-id-marker",
            .answer_root = "ListVersionsResult",
            .answer = "IsTruncated:b MaxKeys:i Versions=Version:f DeleteMarkers=DeleteMarker:f "
                      "CommonPrefixes:f ChecksumAlgorithm:f Size:i IsLatest:b Owner:s RestoreStatus:s "
                      "IsRestoreInProgress:b",
            .page_in = "KeyMarker VersionIdMarker", .page_out = "NextKeyMarker NextVersionIdMarker",
            .page_more = "IsTruncated", .page_lists = "Versions DeleteMarkers CommonPrefixes"),
    S3_WRITE(DELETE_OBJECTS, "DeleteObjects", "POST", .path = "/{Bucket}?delete",
             .headers = OWNER " BypassGovernanceRetention=x-amz-bypass-governance-retention",
             .payload = "Delete", .shape = "Objects=Object:f", .checksum = true,
             .answer_root = "DeleteResult", .answer = "Deleted:f Errors=Error:f DeleteMarker:b"),
    S3_READ(LIST_MULTIPART_UPLOADS, "ListMultipartUploads", .path = "/{Bucket}?uploads", .headers = OWNER,
            .query = "Delimiter=delimiter EncodingType=encoding-type KeyMarker=key-marker "
                     "MaxUploads=max-uploads Prefix=prefix UploadIdMarker=upload-id-marker",
            .answer_root = "ListMultipartUploadsResult",
            .answer = "IsTruncated:b MaxUploads:i Uploads=Upload:f CommonPrefixes:f Owner:s Initiator:s",
            .page_in = "KeyMarker UploadIdMarker", .page_out = "NextKeyMarker NextUploadIdMarker",
            .page_more = "IsTruncated", .page_lists = "Uploads CommonPrefixes"),
    S3_WRITE(ABORT_MULTIPART_UPLOAD, "AbortMultipartUpload", "DELETE", .path = "/{Bucket}/{Key+}",
             .headers = OWNER, .query = "UploadId=uploadId"),
    S3_WRITE(DELETE_BUCKET, "DeleteBucket", "DELETE", .path = "/{Bucket}", .headers = OWNER),

    ECR_WRITE(CREATE_REPOSITORY, "CreateRepository", .creates = true),
    ECR_READ(DESCRIBE_REPOSITORIES, "DescribeRepositories", .page_in = "nextToken",
             .page_out = "nextToken", .page_lists = "repositories"),
    ECR_READ(LIST_TAGS_FOR_RESOURCE, "ListTagsForResource"),
    ECR_WRITE(PUT_IMAGE_SCANNING_CONFIGURATION, "PutImageScanningConfiguration"),
    ECR_WRITE(PUT_IMAGE_TAG_MUTABILITY, "PutImageTagMutability"),
    ECR_READ(GET_REPOSITORY_POLICY, "GetRepositoryPolicy"),
    ECR_WRITE(SET_REPOSITORY_POLICY, "SetRepositoryPolicy"),
    ECR_WRITE(DELETE_REPOSITORY_POLICY, "DeleteRepositoryPolicy"),
    ECR_READ(GET_LIFECYCLE_POLICY, "GetLifecyclePolicy"),
    ECR_WRITE(PUT_LIFECYCLE_POLICY, "PutLifecyclePolicy"),
    ECR_WRITE(DELETE_LIFECYCLE_POLICY, "DeleteLifecyclePolicy"),
    ECR_WRITE(TAG_RESOURCE, "TagResource"),
    ECR_WRITE(UNTAG_RESOURCE, "UntagResource"),
    ECR_WRITE(DELETE_REPOSITORY, "DeleteRepository"),
    ECR_READ(LIST_IMAGES, "ListImages", .page_in = "nextToken", .page_out = "nextToken",
             .page_lists = "imageIds"),

    [AWS_TAGGING_GET_RESOURCES] = {.name = "GetResources", .service = AWS_SERVICE_TAGGING,
             .access = AWS_READ, .page_in = "PaginationToken", .page_out = "PaginationToken",
             .page_lists = "ResourceTagMappingList"},

    SECRETSMANAGER_WRITE(CREATE_SECRET, "CreateSecret", .creates = true, .token = "ClientRequestToken"),
    SECRETSMANAGER_READ(DESCRIBE_SECRET, "DescribeSecret"),
    SECRETSMANAGER_READ(GET_SECRET_VALUE, "GetSecretValue", .secret = true),
    SECRETSMANAGER_WRITE(PUT_SECRET_VALUE, "PutSecretValue", .token = "ClientRequestToken"),
    SECRETSMANAGER_WRITE(UPDATE_SECRET, "UpdateSecret", .token = "ClientRequestToken"),
    SECRETSMANAGER_READ(GET_RESOURCE_POLICY, "GetResourcePolicy"),
    SECRETSMANAGER_WRITE(PUT_RESOURCE_POLICY, "PutResourcePolicy"),
    SECRETSMANAGER_WRITE(DELETE_RESOURCE_POLICY, "DeleteResourcePolicy"),
    SECRETSMANAGER_WRITE(CANCEL_ROTATE_SECRET, "CancelRotateSecret"),
    SECRETSMANAGER_WRITE(TAG_RESOURCE, "TagResource"),
    SECRETSMANAGER_WRITE(RESTORE_SECRET, "RestoreSecret"),
    SECRETSMANAGER_WRITE(DELETE_SECRET, "DeleteSecret"),

    EVENTS_WRITE(PUT_RULE, "PutRule"),
    EVENTS_READ(DESCRIBE_RULE, "DescribeRule"),
    EVENTS_READ(LIST_TARGETS_BY_RULE, "ListTargetsByRule",
             .page_in = "NextToken", .page_out = "NextToken",
             .page_lists = "Targets"),
    EVENTS_READ(LIST_TAGS_FOR_RESOURCE, "ListTagsForResource"),
    EVENTS_WRITE(PUT_TARGETS, "PutTargets"),
    EVENTS_WRITE(REMOVE_TARGETS, "RemoveTargets"),
    EVENTS_WRITE(TAG_RESOURCE, "TagResource"),
    EVENTS_WRITE(DELETE_RULE, "DeleteRule"),

    LAMBDA_WRITE(CREATE_FUNCTION, "CreateFunction",
             "POST", .path = "/2015-03-31/functions", .creates = true),
    LAMBDA_READ(GET_FUNCTION, "GetFunction",
             .path = "/2015-03-31/functions/{FunctionName}", .query = "Qualifier"),
    LAMBDA_READ(GET_POLICY, "GetPolicy",
             .path = "/2015-03-31/functions/{FunctionName}/policy", .query = "Qualifier"),
    LAMBDA_WRITE(UPDATE_FUNCTION_CONFIGURATION, "UpdateFunctionConfiguration",
             "PUT", .path = "/2015-03-31/functions/{FunctionName}/configuration"),
    LAMBDA_WRITE(UPDATE_FUNCTION_CODE, "UpdateFunctionCode",
             "PUT", .path = "/2015-03-31/functions/{FunctionName}/code"),
    LAMBDA_WRITE(ADD_PERMISSION, "AddPermission",
             "POST", .path = "/2015-03-31/functions/{FunctionName}/policy", .query = "Qualifier"),
    LAMBDA_WRITE(REMOVE_PERMISSION, "RemovePermission",
             "DELETE", .path = "/2015-03-31/functions/{FunctionName}/policy/{StatementId}",
             .query = "Qualifier RevisionId"),
    LAMBDA_WRITE(PUT_FUNCTION_CONCURRENCY, "PutFunctionConcurrency",
             "PUT", .path = "/2017-10-31/functions/{FunctionName}/concurrency"),
    LAMBDA_WRITE(DELETE_FUNCTION_CONCURRENCY, "DeleteFunctionConcurrency",
             "DELETE", .path = "/2017-10-31/functions/{FunctionName}/concurrency"),
    LAMBDA_WRITE(TAG_RESOURCE, "TagResource", "POST", .path = "/2017-03-31/tags/{Resource}"),
    LAMBDA_WRITE(DELETE_FUNCTION, "DeleteFunction",
             "DELETE", .path = "/2015-03-31/functions/{FunctionName}", .query = "Qualifier"),

    SAGEMAKER_WRITE(CREATE_DOMAIN, "CreateDomain", .creates = true),
    SAGEMAKER_READ(DESCRIBE_DOMAIN, "DescribeDomain"),
    SAGEMAKER_READ(LIST_DOMAINS, "ListDomains", .page_in = "NextToken", .page_out = "NextToken",
             .page_lists = "Domains"),
    SAGEMAKER_WRITE(UPDATE_DOMAIN, "UpdateDomain"),
    SAGEMAKER_WRITE(DELETE_DOMAIN, "DeleteDomain"),
    SAGEMAKER_WRITE(CREATE_USER_PROFILE, "CreateUserProfile", .creates = true),
    SAGEMAKER_READ(DESCRIBE_USER_PROFILE, "DescribeUserProfile"),
    SAGEMAKER_WRITE(UPDATE_USER_PROFILE, "UpdateUserProfile"),
    SAGEMAKER_WRITE(DELETE_USER_PROFILE, "DeleteUserProfile"),
    SAGEMAKER_READ(LIST_USER_PROFILES, "ListUserProfiles",
             .page_in = "NextToken", .page_out = "NextToken",
             .page_lists = "UserProfiles"),
    SAGEMAKER_READ(LIST_APPS, "ListApps", .page_in = "NextToken", .page_out = "NextToken",
             .page_lists = "Apps"),
    SAGEMAKER_WRITE(DELETE_APP, "DeleteApp"),
    SAGEMAKER_READ(LIST_SPACES, "ListSpaces", .page_in = "NextToken", .page_out = "NextToken",
             .page_lists = "Spaces"),
    SAGEMAKER_WRITE(DELETE_SPACE, "DeleteSpace"),
    SAGEMAKER_WRITE(CREATE_MODEL_PACKAGE_GROUP, "CreateModelPackageGroup", .creates = true),
    SAGEMAKER_READ(DESCRIBE_MODEL_PACKAGE_GROUP, "DescribeModelPackageGroup"),
    SAGEMAKER_READ(GET_MODEL_PACKAGE_GROUP_POLICY, "GetModelPackageGroupPolicy"),
    SAGEMAKER_WRITE(PUT_MODEL_PACKAGE_GROUP_POLICY, "PutModelPackageGroupPolicy"),
    SAGEMAKER_WRITE(DELETE_MODEL_PACKAGE_GROUP_POLICY, "DeleteModelPackageGroupPolicy"),
    SAGEMAKER_READ(LIST_MODEL_PACKAGES, "ListModelPackages",
             .page_in = "NextToken", .page_out = "NextToken",
             .page_lists = "ModelPackageSummaryList"),
    SAGEMAKER_WRITE(DELETE_MODEL_PACKAGE, "DeleteModelPackage"),
    SAGEMAKER_WRITE(DELETE_MODEL_PACKAGE_GROUP, "DeleteModelPackageGroup"),
    SAGEMAKER_READ(LIST_TAGS, "ListTags", .page_in = "NextToken", .page_out = "NextToken",
             .page_lists = "Tags"),
    SAGEMAKER_WRITE(ADD_TAGS, "AddTags"),

#include "cloud/aws/operations_ec2.inc"
#include "cloud/aws/operations_eks.inc"
#include "cloud/aws/operations_rds.inc"
};
/* clang-format on */
