/*
 * aws_error.c: see aws_error.h. Three formats (XML, JSON with __type, header
 * only), one table of codes.
 *
 * Careful with absence: a 404 without a code that says so is no "not found" -
 * it may come from a proxy. The one exception is S3's HEAD, which has no body.
 */
#include <errno.h>
#include <string.h>

#include "cloud/aws/aws_error.h"
#include "common/js.h"
#include "common/str.h"
#include "common/utf8.h"
#include "common/xml.h"

#define MESSAGE_MAX       500 /* bytes of the service's message that are kept */
#define CODE_MAX          128 /* bytes of a code */
#define RETRY_AFTER_MAX_S 3600

struct code_class {
    const char *code;
    enum err_class class;
};

/* Sorted by class as in the handbook; services spell the same thing in several ways. */
static const struct code_class codes[] = {
    {"NoSuchEntity", ERR_ABSENT},
    {"NoSuchBucket", ERR_ABSENT},
    {"NoSuchKey", ERR_ABSENT},
    {"NoSuchUpload", ERR_ABSENT},
    {"NoSuchVersion", ERR_ABSENT},
    {"NoSuchBucketPolicy", ERR_ABSENT},
    {"NoSuchTagSet", ERR_ABSENT},
    {"NoSuchTagSetError", ERR_ABSENT},
    {"NoSuchLifecycleConfiguration", ERR_ABSENT},
    {"NoSuchCORSConfiguration", ERR_ABSENT},
    {"NoSuchWebsiteConfiguration", ERR_ABSENT},
    {"NoSuchPublicAccessBlockConfiguration", ERR_ABSENT},
    {"ServerSideEncryptionConfigurationNotFoundError", ERR_ABSENT},
    {"OwnershipControlsNotFoundError", ERR_ABSENT},
    {"ReplicationConfigurationNotFoundError", ERR_ABSENT},
    {"ObjectLockConfigurationNotFoundError", ERR_ABSENT},
    {"RepositoryNotFoundException", ERR_ABSENT},
    {"RepositoryPolicyNotFoundException", ERR_ABSENT},
    {"LifecyclePolicyNotFoundException", ERR_ABSENT},
    {"ResourceNotFoundException", ERR_ABSENT},
    {"ResourceNotFound", ERR_ABSENT},
    {"NatGatewayNotFound", ERR_ABSENT},
    {"DBInstanceNotFound", ERR_ABSENT},
    {"DBSubnetGroupNotFoundFault", ERR_ABSENT},

    {"EntityAlreadyExists", ERR_EXISTS},
    {"BucketAlreadyOwnedByYou", ERR_EXISTS},
    {"RepositoryAlreadyExistsException", ERR_EXISTS},
    {"ResourceExistsException", ERR_EXISTS},
    {"DBInstanceAlreadyExists", ERR_EXISTS},
    {"DBSubnetGroupAlreadyExists", ERR_EXISTS},
    {"InvalidGroup.Duplicate", ERR_EXISTS},
    {"InvalidPermission.Duplicate", ERR_EXISTS},
    {"RouteAlreadyExists", ERR_EXISTS},
    {"BucketAlreadyExists", ERR_CONFLICT},
    {"UnmodifiableEntity", ERR_CONFLICT},

    {"DependencyViolation", ERR_BUSY},
    {"InvalidGroup.InUse", ERR_BUSY},
    {"InvalidIPAddress.InUse", ERR_BUSY},
    {"DeleteConflict", ERR_BUSY},
    {"ConcurrentModification", ERR_BUSY},
    {"ConcurrentModificationException", ERR_BUSY},
    {"EntityTemporarilyUnmodifiable", ERR_BUSY},
    {"ResourceInUseException", ERR_BUSY},
    {"ResourceInUse", ERR_BUSY},
    {"InvalidDBInstanceState", ERR_BUSY},
    {"InvalidDBSubnetGroupStateFault", ERR_BUSY},
    {"ResourceConflictException", ERR_BUSY},
    {"BucketNotEmpty", ERR_BUSY},
    {"OperationAborted", ERR_BUSY},
    {"RepositoryNotEmptyException", ERR_BUSY},
    {"ConflictException", ERR_BUSY},
    {"IncorrectState", ERR_BUSY},
    {"ResourceNotReady", ERR_BUSY},
    {"ConcurrentMutationLimitExceeded", ERR_BUSY},

    {"Throttling", ERR_THROTTLED},
    {"ThrottlingException", ERR_THROTTLED},
    {"ThrottledException", ERR_THROTTLED},
    {"RequestThrottledException", ERR_THROTTLED},
    {"RequestThrottled", ERR_THROTTLED},
    {"TooManyRequestsException", ERR_THROTTLED},
    {"RequestLimitExceeded", ERR_THROTTLED},
    {"SlowDown", ERR_THROTTLED},
    {"PriorRequestNotComplete", ERR_THROTTLED},
    {"EC2ThrottledException", ERR_THROTTLED},
    {"BandwidthLimitExceeded", ERR_THROTTLED},
    {"TransactionInProgressException", ERR_THROTTLED},
    {"ProvisionedThroughputExceededException", ERR_THROTTLED},

    {"LimitExceeded", ERR_LIMIT},
    {"LimitExceededException", ERR_LIMIT},
    {"ResourceLimitExceededException", ERR_LIMIT},
    {"ResourceLimitExceeded", ERR_LIMIT},
    {"TooManyBuckets", ERR_LIMIT},
    {"VpcLimitExceeded", ERR_LIMIT},
    {"AddressLimitExceeded", ERR_LIMIT},
    {"NatGatewayLimitExceeded", ERR_LIMIT},
    {"RulesPerSecurityGroupLimitExceeded", ERR_LIMIT},
    {"InstanceQuotaExceeded", ERR_LIMIT},
    {"StorageQuotaExceeded", ERR_LIMIT},
    {"CodeStorageExceededException", ERR_LIMIT},

    {"AccessDenied", ERR_DENIED},
    {"AccessDeniedException", ERR_DENIED},
    {"AllAccessDisabled", ERR_DENIED},
    {"AccountProblem", ERR_DENIED},
    {"UnauthorizedOperation", ERR_DENIED},
    {"NotAuthorized", ERR_DENIED},
    {"AuthFailure", ERR_DENIED},
    {"OptInRequired", ERR_DENIED},

    {"ExpiredToken", ERR_CREDENTIALS},
    {"ExpiredTokenException", ERR_CREDENTIALS},
    {"TokenRefreshRequired", ERR_CREDENTIALS},
    {"InvalidToken", ERR_CREDENTIALS},
    {"InvalidClientTokenId", ERR_CREDENTIALS},
    {"UnrecognizedClientException", ERR_CREDENTIALS},
    {"InvalidAccessKeyId", ERR_CREDENTIALS},
    {"InvalidSignatureException", ERR_CREDENTIALS},
    {"SignatureDoesNotMatch", ERR_CREDENTIALS},
    {"IncompleteSignature", ERR_CREDENTIALS},
    {"MissingAuthenticationToken", ERR_CREDENTIALS},
    {"MissingAuthenticationTokenException", ERR_CREDENTIALS},

    {"RequestTimeTooSkewed", ERR_RETRY},
    {"RequestExpired", ERR_RETRY},
    {"RequestInTheFuture", ERR_RETRY},
    {"RequestTimeout", ERR_RETRY},
    {"RequestTimeoutException", ERR_RETRY},
    {"InternalFailure", ERR_RETRY},
    {"InternalError", ERR_RETRY},
    {"InternalServerError", ERR_RETRY},
    {"ServiceUnavailable", ERR_RETRY},
    {"ServiceUnavailableException", ERR_RETRY},
    {"ServerException", ERR_RETRY},
    {"ServiceFailure", ERR_RETRY},
    {"OpenIdIdpCommunicationError", ERR_RETRY},
    {"IDPCommunicationError", ERR_RETRY},

    {"PermanentRedirect", ERR_INVALID},
    {"TemporaryRedirect", ERR_INVALID},
    {"Redirect", ERR_INVALID},
    {"AuthorizationHeaderMalformed", ERR_INVALID},
    {"IllegalLocationConstraintException", ERR_INVALID},
    {"ValidationError", ERR_INVALID},
    {"ValidationException", ERR_INVALID},
    {"InvalidParameterValue", ERR_INVALID},
    {"InvalidParameterCombination", ERR_INVALID},
    {"InvalidParameterException", ERR_INVALID},
    {"InvalidInput", ERR_INVALID},
    {"MalformedPolicyDocument", ERR_INVALID},
    {"MalformedPolicy", ERR_INVALID},
    {"MalformedXML", ERR_INVALID},
    {"PolicyNotAttachable", ERR_INVALID},
    {"InvalidBucketName", ERR_INVALID},
    {"InvalidLocationConstraint", ERR_INVALID},
};

/* EC2 spells its absences in many ways: Invalid<Thing>.NotFound, whatever the case. */
static bool is_ec2_absence(const char *code)
{
    return strncasecmp(code, "Invalid", 7) == 0 && strlen(code) > 16 &&
           strcasecmp(code + strlen(code) - 9, ".NotFound") == 0;
}

bool aws_error_class(const char *code, enum err_class *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        if (strcmp(codes[i].code, code) == 0) {
            *ret = codes[i].class;
            return true;
        }
    }
    if (is_ec2_absence(code)) {
        *ret = ERR_ABSENT;
        return true;
    }
    return false;
}

static bool is_one_of(const char *code, const char *const *list, size_t count)
{
    for (size_t i = 0; code && i < count; i++) {
        if (strcmp(code, list[i]) == 0)
            return true;
    }
    return false;
}

bool aws_error_may_be_clock(const char *code)
{
    static const char *const list[] = {"RequestTimeTooSkewed",
                                       "RequestExpired",
                                       "RequestInTheFuture",
                                       "InvalidSignatureException",
                                       "AuthFailure",
                                       "SignatureDoesNotMatch",
                                       "403"};

    return is_one_of(code, list, ARRAY_SIZE(list));
}

bool aws_error_is_credentials(const char *code)
{
    static const char *const list[] = {"ExpiredToken",         "ExpiredTokenException",
                                       "TokenRefreshRequired", "InvalidClientTokenId",
                                       "InvalidAccessKeyId",   "UnrecognizedClientException"};

    return is_one_of(code, list, ARRAY_SIZE(list));
}

const char *aws_request_id(const struct http_answer *answer)
{
    const char *id = http_answer_header(answer, "x-amzn-requestid");

    if (!id)
        id = http_answer_header(answer, "x-amz-request-id");
    return id;
}

/* ---- reading ---- */

/* What an answer said; owned texts. */
struct said {
    char *code;
    char *message;
    char *request_id;
    char *region; /* S3: where the bucket lives */
};

static void said_done(struct said *said)
{
    free(said->code);
    free(said->message);
    free(said->request_id);
    free(said->region);
}

/* A code as the table spells it: no name space, no address behind it, no "Client." before it. */
static char *code_clean(const char *raw)
{
    const char *hash = strchr(raw, '#');
    size_t size;

    if (hash)
        raw = hash + 1;
    if (str_starts(raw, "Client."))
        raw += strlen("Client.");
    else if (str_starts(raw, "Server."))
        raw += strlen("Server.");
    size = strcspn(raw, ": \t\r\n");
    if (size == 0 || size > CODE_MAX)
        return NULL;
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)raw[i] <= ' ' || (unsigned char)raw[i] >= 0x7f)
            return NULL;
    }
    return str_format("%.*s", (int)size, raw);
}

/* Services quote the text to sign in this message, session token included: keep what comes before. */
static size_t message_end(const char *message)
{
    const char *quote = strstr(message, "The Canonical String");
    const char *other = strstr(message, "The String-to-Sign");
    size_t size = strlen(message);

    if (quote && (size_t)(quote - message) < size)
        size = (size_t)(quote - message);
    if (other && (size_t)(other - message) < size)
        size = (size_t)(other - message);
    return size;
}

/* One line, nothing that steers a terminal, at most MESSAGE_MAX bytes, cut between characters. */
static char *message_clean(const char *raw)
{
    size_t size = message_end(raw);
    struct buf text CLEANUP_BUF = BUF_INIT(MESSAGE_MAX);
    size_t length;

    for (size_t i = 0; i < size; i += length ? length : 1) {
        uint32_t character = 0;

        length = utf8_length(raw + i, size - i, &character);
        if (text.size + (length ? length : 1) > MESSAGE_MAX)
            break;
        if (length && !utf8_is_risky(character))
            buf_add(&text, raw + i, length);
        else if (character == '\n' || character == '\t')
            buf_add_char(&text, ' ');
    }
    if (text.failed)
        return NULL;
    while (text.size > 0 && text.data[text.size - 1] == ' ')
        text.data[--text.size] = '\0';
    return str_format("%s", buf_text(&text));
}

static void said_code(struct said *said, const char *raw)
{
    if (raw && !said->code)
        said->code = code_clean(raw);
}

static void said_message(struct said *said, const char *raw)
{
    if (raw && *raw && !said->message)
        said->message = message_clean(raw);
}

static void said_id(struct said *said, const char *raw)
{
    if (raw && *raw && !said->request_id)
        said->request_id = message_clean(raw);
}

/* query: ErrorResponse/Error; ec2: Response/Errors/Error; s3: Error. */
static void read_xml(const struct http_answer *answer, struct said *said)
{
    struct xml *root CLEANUP_XML = NULL;
    const struct xml *error;

    if (xml_parse(answer->body, answer->body_size, &root, NULL) < 0)
        return;
    if (strcmp(root->name, "Error") == 0)
        error = root;
    else
        error = xml_get(root, "Error") ? xml_get(root, "Error") : xml_get(root, "Errors.Error");
    if (!error)
        return;
    said_code(said, xml_text(error, "Code"));
    said_message(said, xml_text(error, "Message"));
    said_id(said, xml_text(error, "RequestId"));
    said_id(said, xml_text(root, "RequestId"));
    said_id(said, xml_text(root, "RequestID"));
    if (xml_text(error, "Region") && !said->region)
        said->region = code_clean(xml_text(error, "Region"));
}

static void read_json(const struct http_answer *answer, struct said *said)
{
    struct json_object *body CLEANUP_JS = NULL;

    said_code(said, http_answer_header(answer, "x-amzn-errortype"));
    if (js_parse(answer->body, answer->body_size, &body, NULL) < 0 ||
        !json_object_is_type(body, json_type_object))
        return;
    said_code(said, js_text(body, "__type"));
    said_code(said, js_text(body, "code"));
    said_message(said, js_text(body, "message"));
    said_message(said, js_text(body, "Message"));
    said_message(said, js_text(body, "errorMessage"));
}

static void read_answer(const struct http_answer *answer, struct said *said)
{
    const char *region = http_answer_header(answer, "x-amz-bucket-region");

    if (answer->body[strspn(answer->body, " \t\r\n")] == '<')
        read_xml(answer, said);
    else
        read_json(answer, said);
    if (region) {
        free(said->region);
        said->region = code_clean(region);
    }
    said_id(said, aws_request_id(answer));
}

/* ---- deciding ---- */

static enum err_class class_by_status(int status)
{
    if (status == 429)
        return ERR_THROTTLED;
    if (status >= 500 || status == 408)
        return ERR_RETRY;
    if (status == 401 || status == 403)
        return ERR_DENIED;
    if (status >= 300 && status < 400)
        return ERR_INVALID;
    return ERR_BUG; /* a 404 without a code among them: never an absence */
}

/* HEAD answers have no body: the status is all there is, if S3 itself said it. */
static bool is_bare_head(const struct aws_service_info *service, const struct aws_operation *operation,
                         const struct said *said)
{
    return service->s3 && !said->code && str_equal(operation->method, "HEAD");
}

static enum err_class decide(const struct aws_service_info *service, const struct aws_operation *operation,
                             const struct http_answer *answer, const struct said *said)
{
    enum err_class class;

    if (is_bare_head(service, operation, said) && answer->status == 404)
        return aws_request_id(answer) ? ERR_ABSENT : ERR_BUG;
    if (!said->code)
        return class_by_status(answer->status);
    if (str_equal(said->code, "LimitExceededException") && said->message &&
        strstr(said->message, "Rate exceeded"))
        return ERR_THROTTLED;
    if (aws_error_class(said->code, &class))
        return class;
    if (answer->status == 400 || answer->status == 404 || answer->status == 409 || answer->status == 200)
        return ERR_INVALID; /* refused with a code of its own: the same request will be refused again */
    return class_by_status(answer->status);
}

static int code_of_class(enum err_class class)
{
    static const int errnos[ERR_CLASS_MAX] = {
        [ERR_RETRY] = -EREMOTEIO, [ERR_THROTTLED] = -EAGAIN, [ERR_CREDENTIALS] = -EPERM,
        [ERR_DENIED] = -EACCES,   [ERR_ABSENT] = -ENOENT,    [ERR_EXISTS] = -EEXIST,
        [ERR_BUSY] = -EBUSY,      [ERR_NOT_YET] = -EAGAIN,   [ERR_INVALID] = -EINVAL,
        [ERR_CONFLICT] = -EEXIST, [ERR_LIMIT] = -EDQUOT,     [ERR_CANCELED] = -ECANCELED,
        [ERR_BUG] = -EBADMSG,
    };

    return errnos[class];
}

static const char *phrase(enum err_class class)
{
    static const char *const phrases[ERR_CLASS_MAX] = {
        [ERR_RETRY] = "passing failure",
        [ERR_THROTTLED] = "throttled",
        [ERR_CREDENTIALS] = "credentials refused",
        [ERR_DENIED] = "access denied",
        [ERR_ABSENT] = "not found",
        [ERR_EXISTS] = "already exists",
        [ERR_BUSY] = "busy",
        [ERR_NOT_YET] = "not yet",
        [ERR_INVALID] = "refused",
        [ERR_CONFLICT] = "belongs to somebody else",
        [ERR_LIMIT] = "quota reached (ask for more at Service Quotas, or free some)",
        [ERR_CANCELED] = "canceled",
        [ERR_BUG] = "unexpected answer",
    };

    return phrases[class];
}

/* The header has seconds; dates are not used by AWS. */
static uint32_t retry_after(const struct http_answer *answer)
{
    const char *text = http_answer_header(answer, "retry-after");
    const char *ms_text = http_answer_header(answer, "x-amz-retry-after");
    long long value;

    if (ms_text && str_to_int64(ms_text, 0, RETRY_AFTER_MAX_S * 1000LL, &value) == 0)
        return (uint32_t)value;
    if (text && str_to_int64(text, 0, RETRY_AFTER_MAX_S, &value) == 0)
        return (uint32_t)(value * 1000);
    return 0;
}

static bool is_elsewhere(const struct http_answer *answer, const struct said *said, const char *region)
{
    if (!said->region || (region && str_equal(said->region, region)))
        return false;
    return answer->status == 301 || answer->status == 307 || answer->status == 400;
}

/* 301, 307, or a 400 that names another Region. */
static int set_elsewhere(const struct aws_operation *operation, const struct said *said, const char *region,
                         struct err *err)
{
    return err_set(err, -EINVAL, ERR_INVALID, "%s: the bucket is in Region %s%s%s: set the Region to that",
                   operation->name, said->region, region ? ", not in " : "", region ? region : "");
}

static int set_text(const struct aws_operation *operation, const struct http_answer *answer,
                    const struct said *said, enum err_class class, struct err *err)
{
    int code = code_of_class(class);

    if (!said->code && !said->message)
        return err_set(err, code, class, "%s: %s (HTTP %d)", operation->name, phrase(class), answer->status);
    if (!said->message)
        return err_set(err, code, class, "%s: %s (%s)", operation->name, phrase(class), said->code);
    if (class == ERR_INVALID || class == ERR_BUG || class == ERR_RETRY || class == ERR_CREDENTIALS)
        return err_set(err, code, class, "%s: %s: %s: %s", operation->name, phrase(class),
                       said->code ? said->code : "no code", said->message);
    return err_set(err, code, class, "%s: %s: %s", operation->name, phrase(class), said->message);
}

int aws_error_read(const struct aws_service_info *service, const struct aws_operation *operation,
                   const struct http_answer *answer, const char *region, struct err *err)
{
    struct said said CLEANUP(said_done) = {0};
    enum err_class class;
    int r;

    read_answer(answer, &said);
    class = decide(service, operation, answer, &said);
    if (service->s3 && is_elsewhere(answer, &said, region))
        r = set_elsewhere(operation, &said, region, err);
    else
        r = set_text(operation, answer, &said, class, err);
    if (!err)
        return r;
    err->retry_after_ms = retry_after(answer);
    if (!said.code)
        said.code = str_format("%d", answer->status);
    err->wire_code = TAKE(said.code); /* err_set() released the old texts */
    err->request_id = TAKE(said.request_id);
    return r;
}
