/*
 * test_aws_error.c: refusals: codes, classes, and lines for people.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/aws/aws_error.h"
#include "common/str.h"

static struct err err;

static int end(void **state)
{
    (void)state;
    err_done(&err);
    return 0;
}

/* Read one refusal; headers as name, value pairs with NULL behind. */
static void read_error(enum aws_op op, int status, const char *body, const char *const *headers)
{
    const struct aws_operation *operation = &aws_operations[op];
    struct http_answer answer CLEANUP_ANSWER = {.status = status};

    assert_int_equal(http_answer_set_body(&answer, body, strlen(body)), 0);
    for (; headers && headers[0]; headers += 2)
        assert_int_equal(http_answer_add_header(&answer, headers[0], headers[1]), 0);
    aws_error_read(&aws_services[operation->service], operation, &answer, "us-east-1", &err);
}

static void a_query_refusal_is_read(void **state)
{
    (void)state;
    read_error(
        AWS_IAM_GET_ROLE, 404,
        "<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>gone</Message></Error>"
        "<RequestId>id-1</RequestId></ErrorResponse>",
        NULL);
    assert_int_equal(err.class, ERR_ABSENT);
    assert_int_equal(err.code, -ENOENT);
    assert_string_equal(err.text, "GetRole: not found: gone");
    assert_string_equal(err.request_id, "id-1");
}

static void a_json_refusal_is_read_without_its_name_space(void **state)
{
    static const char *const headers[] = {"x-amzn-requestid", "id-2", NULL};

    (void)state;
    read_error(AWS_ECR_DESCRIBE_REPOSITORIES, 400,
               "{\"__type\": \"com.amazonaws.ecr#RepositoryNotFoundException\", \"Message\": \"m\"}",
               headers);
    assert_string_equal(err.wire_code, "RepositoryNotFoundException");
    assert_int_equal(err.class, ERR_ABSENT);
    assert_string_equal(err.request_id, "id-2");
}

static void the_type_in_a_header_is_cut_at_the_colon(void **state)
{
    static const char *const headers[] = {"x-amzn-errortype", "AccessDeniedException:http://internal/", NULL};

    (void)state;
    read_error(AWS_ECR_TAG_RESOURCE, 400, "{\"message\": \"no\"}", headers);
    assert_string_equal(err.wire_code, "AccessDeniedException");
    assert_int_equal(err.class, ERR_DENIED);
}

static void a_404_from_a_proxy_is_no_absence(void **state)
{
    (void)state;
    read_error(AWS_IAM_GET_ROLE, 404, "<html><body>Not Found</body></html>", NULL);
    assert_int_equal(err.class, ERR_BUG);
    read_error(AWS_S3_GET_BUCKET_POLICY, 404, "", NULL);
    assert_int_equal(err.class, ERR_BUG);
    read_error(AWS_ECR_DESCRIBE_REPOSITORIES, 404, "{}", NULL);
    assert_int_equal(err.class, ERR_BUG);
}

static void a_cut_body_is_no_absence(void **state)
{
    (void)state;
    read_error(AWS_IAM_GET_ROLE, 404, "<ErrorResponse><Error><Code>NoSuchEntity</Co", NULL);
    assert_int_equal(err.class, ERR_BUG);
}

static void the_message_is_one_short_line(void **state)
{
    struct buf body CLEANUP_BUF = BUF_INIT(4096);

    (void)state;
    buf_add_text(&body,
                 "{\"__type\": \"ValidationException\", \"message\": \"a\\nb\\u001b[31m\\u0007\\u202e");
    for (int i = 0; i < 600; i++)
        buf_add_text(&body, "\xc3\xa9");
    buf_add_text(&body, "\"}");
    read_error(AWS_ECR_TAG_RESOURCE, 400, buf_text(&body), NULL);
    assert_null(strchr(err.text, '\n'));
    assert_null(strchr(err.text, '\x1b'));
    assert_null(strstr(err.text, "\xe2\x80\xae"));
    assert_non_null(strstr(err.text, ": a b[31m\xc3\xa9"));
    assert_true(strlen(err.text) < 560);
    assert_int_equal((unsigned char)err.text[strlen(err.text) - 1], 0xa9); /* a whole character */
}

static void what_was_signed_is_not_repeated(void **state)
{
    (void)state;
    read_error(
        AWS_IAM_GET_ROLE, 403,
        "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>It does not match. The Canonical "
        "String for this request should have been 'x-amz-security-token:SECRETTOKEN'</Message></Error>"
        "</ErrorResponse>",
        NULL);
    assert_int_equal(err.class, ERR_CREDENTIALS);
    assert_null(strstr(err.text, "SECRETTOKEN"));
    assert_non_null(strstr(err.text, "It does not match."));
}

static void a_quota_that_says_rate_exceeded_is_a_throttle(void **state)
{
    (void)state;
    read_error(AWS_ECR_CREATE_REPOSITORY, 400,
               "{\"__type\": \"LimitExceededException\", \"message\": \"Rate exceeded\"}", NULL);
    assert_int_equal(err.class, ERR_THROTTLED);
    read_error(AWS_ECR_CREATE_REPOSITORY, 400,
               "{\"__type\": \"LimitExceededException\", \"message\": \"too many repositories\"}", NULL);
    assert_int_equal(err.class, ERR_LIMIT);
}

static void names_taken_by_us_and_by_others_differ(void **state)
{
    (void)state;
    read_error(AWS_S3_CREATE_BUCKET, 409, "<Error><Code>BucketAlreadyOwnedByYou</Code></Error>", NULL);
    assert_int_equal(err.class, ERR_EXISTS);
    read_error(AWS_S3_CREATE_BUCKET, 409, "<Error><Code>BucketAlreadyExists</Code></Error>", NULL);
    assert_int_equal(err.class, ERR_CONFLICT);
}

static void a_redirect_names_the_region(void **state)
{
    static const char *const headers[] = {"x-amz-bucket-region", "eu-west-1", NULL};

    (void)state;
    read_error(AWS_S3_GET_BUCKET_POLICY, 301, "<Error><Code>PermanentRedirect</Code></Error>", headers);
    assert_int_equal(err.class, ERR_INVALID);
    assert_non_null(strstr(err.text, "Region eu-west-1"));
    read_error(AWS_S3_GET_BUCKET_POLICY, 400,
               "<Error><Code>AuthorizationHeaderMalformed</Code><Message>m</Message><Region>sa-east-1</"
               "Region></Error>",
               NULL);
    assert_non_null(strstr(err.text, "Region sa-east-1"));
}

static void an_absence_of_ec2_is_known_in_every_spelling(void **state)
{
    enum err_class class;

    (void)state;
    assert_true(aws_error_class("InvalidSubnetID.NotFound", &class) && class == ERR_ABSENT);
    assert_true(aws_error_class("InvalidSubnetId.NotFound", &class) && class == ERR_ABSENT);
    assert_true(aws_error_class("InvalidAddress.NotFound", &class) && class == ERR_ABSENT);
    assert_false(aws_error_class("InvalidSubnetID.Malformed", &class));
    assert_false(aws_error_class("Invalid.NotFoundX", &class));
}

static void an_unknown_code_is_decided_by_the_status(void **state)
{
    (void)state;
    read_error(AWS_ECR_TAG_RESOURCE, 400, "{\"__type\": \"NovelException\"}", NULL);
    assert_int_equal(err.class, ERR_INVALID);
    read_error(AWS_ECR_TAG_RESOURCE, 500, "{\"__type\": \"NovelException\"}", NULL);
    assert_int_equal(err.class, ERR_RETRY);
    read_error(AWS_ECR_TAG_RESOURCE, 429, "{\"__type\": \"NovelException\"}", NULL);
    assert_int_equal(err.class, ERR_THROTTLED);
    read_error(AWS_ECR_TAG_RESOURCE, 403, "{\"__type\": \"NovelException\"}", NULL);
    assert_int_equal(err.class, ERR_DENIED);
}

#define CASE(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_query_refusal_is_read),
        CASE(a_json_refusal_is_read_without_its_name_space),
        CASE(the_type_in_a_header_is_cut_at_the_colon),
        CASE(a_404_from_a_proxy_is_no_absence),
        CASE(a_cut_body_is_no_absence),
        CASE(the_message_is_one_short_line),
        CASE(what_was_signed_is_not_repeated),
        CASE(a_quota_that_says_rate_exceeded_is_a_throttle),
        CASE(names_taken_by_us_and_by_others_differ),
        CASE(a_redirect_names_the_region),
        CASE(an_absence_of_ec2_is_known_in_every_spelling),
        CASE(an_unknown_code_is_decided_by_the_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
