/*
 * test_aws_codec.c: messages that must not be sent, and answers that must not
 * pass for one. check_aws_codec.py compares the rest with another implementation.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/aws/codec.h"
#include "common/crypto.h"
#include "common/js.h"

static struct aws_message message;
static struct json_object *answer;
static struct err err;

static int end(void **state)
{
    (void)state;
    aws_message_done(&message);
    json_object_put(answer);
    answer = NULL;
    err_done(&err);
    return 0;
}

static int encode(enum aws_op op, const char *text, bool bucket_in_host)
{
    struct json_object *params CLEANUP_JS = NULL;

    assert_int_equal(js_parse_text(text, &params, NULL), 0);
    aws_message_done(&message);
    return aws_encode(&aws_services[aws_operations[op].service], &aws_operations[op], params, bucket_in_host,
                      &message, &err);
}

static int decode(enum aws_op op, const char *body)
{
    struct http_answer http CLEANUP_ANSWER = {.status = 200};

    assert_int_equal(http_answer_set_body(&http, body, strlen(body)), 0);
    json_object_put(answer);
    answer = NULL;
    return aws_decode(&aws_services[aws_operations[op].service], &aws_operations[op], &http, &answer, &err);
}

/* ---- requests ---- */

static void a_form_counts_its_lists_from_one(void **state)
{
    (void)state;
    assert_int_equal(encode(AWS_IAM_TAG_ROLE,
                            "{\"RoleName\": \"r\", \"Tags\": [{\"Key\": \"a b\", \"Value\": \"c+d\"}]}",
                            false),
                     0);
    assert_string_equal(buf_text(&message.body),
                        "Action=TagRole&Version=2010-05-08&RoleName=r&Tags.member.1.Key=a%20b&"
                        "Tags.member.1.Value=c%2Bd");
}

static void an_empty_list_is_sent_to_clear(void **state)
{
    (void)state;
    assert_int_equal(encode(AWS_IAM_UNTAG_ROLE, "{\"RoleName\": \"r\", \"TagKeys\": []}", false), 0);
    assert_true(str_ends(buf_text(&message.body), "&TagKeys="));
}

static void a_null_member_is_not_sent(void **state)
{
    (void)state;
    assert_int_equal(encode(AWS_ECR_DELETE_REPOSITORY, "{\"repositoryName\": \"r\", \"force\": null}", false),
                     0);
    assert_string_equal(buf_text(&message.body), "{\"repositoryName\":\"r\"}");
}

static void a_json_request_without_parameters_is_an_object(void **state)
{
    (void)state;
    assert_int_equal(encode(AWS_ECR_DESCRIBE_REPOSITORIES, "{}", false), 0);
    assert_string_equal(buf_text(&message.body), "{}");
}

static void a_secret_member_stands_in_the_message_only(void **state)
{
    const struct aws_service_info *service = &aws_services[AWS_SERVICE_SECRETSMANAGER];
    struct secret *value CLEANUP_SECRET = secret_new_text("a\"b\\\n\xc3\xa9");

    (void)state;
    assert_non_null(value);
    assert_int_equal(encode(AWS_SECRETSMANAGER_CREATE_SECRET, "{\"Name\": \"n\"}", false), 0);
    assert_int_equal(aws_encode_secret(service, "SecretString", value, &message, &err), 0);
    assert_string_equal(buf_text(&message.body),
                        "{\"Name\":\"n\",\"SecretString\":\"a\\\"b\\\\\\n\xc3\xa9\"}");
    assert_int_equal(encode(AWS_SECRETSMANAGER_PUT_SECRET_VALUE, "{}", false), 0);
    assert_int_equal(aws_encode_secret(service, "SecretString", value, &message, &err), 0);
    assert_int_equal(decode(AWS_SECRETSMANAGER_DESCRIBE_SECRET, buf_text(&message.body)), 0);
    assert_string_equal(js_text(answer, "SecretString"), secret_text(value));
}

static void a_secret_member_of_a_form_is_encoded_like_any_other(void **state)
{
    const struct aws_service_info *service = &aws_services[AWS_SERVICE_RDS];
    struct secret *value CLEANUP_SECRET = secret_new_text("a&b=c +%");
    struct secret *cut CLEANUP_SECRET = secret_new("a\0b", 3);

    (void)state;
    assert_non_null(value);
    assert_non_null(cut);
    assert_int_equal(encode(AWS_RDS_MODIFY_DB_INSTANCE, "{\"DBInstanceIdentifier\": \"d\"}", false), 0);
    assert_int_equal(aws_encode_secret(service, "MasterUserPassword", value, &message, &err), 0);
    assert_string_equal(buf_text(&message.body),
                        "Action=ModifyDBInstance&Version=2014-10-31&DBInstanceIdentifier=d"
                        "&MasterUserPassword=a%26b%3Dc%20%2B%25");
    assert_int_equal(aws_encode_secret(service, "MasterUserPassword", cut, &message, &err), -EINVAL);
    assert_int_equal(err.class, ERR_INVALID);
}

static void the_bucket_leaves_the_path_for_the_host(void **state)
{
    (void)state;
    assert_int_equal(encode(AWS_S3_ABORT_MULTIPART_UPLOAD,
                            "{\"Bucket\": \"b\", \"Key\": \"a/b c\", \"UploadId\": \"u/1\"}", true),
                     0);
    assert_string_equal(buf_text(&message.path), "/a/b%20c");
    assert_string_equal(buf_text(&message.query), "uploadId=u%2F1");
    assert_int_equal(encode(AWS_S3_DELETE_BUCKET, "{\"Bucket\": \"b.c\"}", false), 0);
    assert_string_equal(buf_text(&message.path), "/b.c");
}

static void an_empty_label_is_refused(void **state)
{
    (void)state;
    assert_int_equal(encode(AWS_S3_DELETE_BUCKET, "{\"Bucket\": \"\"}", false), -EINVAL);
    assert_int_equal(encode(AWS_S3_DELETE_BUCKET, "{}", false), -EINVAL);
    assert_int_equal(encode(AWS_S3_ABORT_MULTIPART_UPLOAD, "{\"Bucket\": \"b\", \"Key\": \"\"}", true),
                     -EINVAL);
    assert_int_equal(encode(AWS_S3_DELETE_BUCKET, "{\"Bucket\": \"..\"}", false), -EINVAL);
}

static void an_unknown_parameter_is_refused_where_it_can_be(void **state)
{
    (void)state;
    assert_int_equal(encode(AWS_S3_DELETE_BUCKET, "{\"Bucket\": \"b\", \"Owner\": \"x\"}", false), -EINVAL);
    assert_non_null(strstr(err.text, "Owner"));
}

static void a_header_can_not_be_split(void **state)
{
    (void)state;
    assert_int_equal(encode(AWS_S3_DELETE_BUCKET,
                            "{\"Bucket\": \"b\", \"ExpectedBucketOwner\": \"1\\r\\nX-Evil: 1\"}", false),
                     -EINVAL);
}

static void an_xml_body_escapes_and_keeps_line_ends(void **state)
{
    (void)state;
    assert_int_equal(
        encode(AWS_S3_DELETE_OBJECTS,
               "{\"Bucket\": \"b\", \"Delete\": {\"Objects\": [{\"Key\": \"<&>\\r\\n\"}], \"Quiet\": true}}",
               true),
        0);
    assert_string_equal(
        buf_text(&message.body),
        "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>&lt;&amp;&gt;&#xD;"
        "&#xA;</Key></Object><Quiet>true</Quiet></Delete>");
    assert_int_equal(encode(AWS_S3_DELETE_OBJECTS,
                            "{\"Bucket\": \"b\", \"Delete\": {\"Objects\": [{\"Key\": \"\\u0001\"}]}}", true),
                     -EINVAL);
}

static void a_list_where_none_belongs_is_refused(void **state)
{
    (void)state;
    assert_int_equal(encode(AWS_S3_PUT_BUCKET_VERSIONING,
                            "{\"Bucket\": \"b\", \"VersioningConfiguration\": {\"Status\": [\"Enabled\"]}}",
                            true),
                     -EINVAL);
}

static void a_required_checksum_is_sent(void **state)
{
    bool found = false;

    (void)state;
    assert_int_equal(encode(AWS_S3_PUT_BUCKET_POLICY, "{\"Bucket\": \"b\", \"Policy\": \"{}\"}", true), 0);
    for (size_t i = 0; i < message.headers.count; i++)
        found |= str_equal(message.headers.items[i],
                           "x-amz-checksum-sha256: RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=");
    assert_true(found);
}

static void parameters_can_not_nest_for_ever(void **state)
{
    struct json_object *inner = json_object_new_object();
    int r;

    (void)state;
    for (int i = 0; i < 100; i++) {
        struct json_object *outer = json_object_new_object();

        js_put_key(outer, "x", inner);
        inner = outer;
    }
    r = aws_encode(&aws_services[AWS_SERVICE_IAM], &aws_operations[AWS_IAM_TAG_ROLE], inner, false, &message,
                   &err);
    json_object_put(inner);
    assert_int_equal(r, -EINVAL);
}

/* ---- answers ---- */

static void a_list_of_one_is_a_list_and_none_is_empty(void **state)
{
    (void)state;
    assert_int_equal(
        decode(AWS_IAM_LIST_ROLE_POLICIES,
               "<ListRolePoliciesResponse><ListRolePoliciesResult><PolicyNames><member>a</member>"
               "</PolicyNames></ListRolePoliciesResult></ListRolePoliciesResponse>"),
        0);
    assert_int_equal(js_count(answer, "PolicyNames"), 1);
    assert_int_equal(decode(AWS_IAM_LIST_ROLE_POLICIES,
                            "<ListRolePoliciesResponse><ListRolePoliciesResult><PolicyNames/>"
                            "</ListRolePoliciesResult></ListRolePoliciesResponse>"),
                     0);
    assert_true(json_object_is_type(js_get(answer, "PolicyNames"), json_type_array));
}

#define POLICY(text)                                                                                         \
    "<GetRolePolicyResponse><GetRolePolicyResult><PolicyDocument>" text "</PolicyDocument>"                  \
    "</GetRolePolicyResult></GetRolePolicyResponse>"

static void policy_documents_are_decoded_once(void **state)
{
    (void)state;
    assert_int_equal(decode(AWS_IAM_GET_ROLE_POLICY, POLICY("%7B%22a%22%3A%22b%2520+c%22%7D")), 0);
    assert_string_equal(js_text(answer, "PolicyDocument"), "{\"a\":\"b%20+c\"}");
    assert_int_equal(decode(AWS_IAM_GET_ROLE_POLICY, POLICY("{\"a\":\"b%20\"}")), 0);
    assert_string_equal(js_text(answer, "PolicyDocument"), "{\"a\":\"b%20\"}");
}

static void an_empty_structure_is_an_object(void **state)
{
    (void)state;
    assert_int_equal(decode(AWS_IAM_GET_ROLE,
                            "<GetRoleResponse><GetRoleResult><Role><RoleLastUsed/></Role></GetRoleResult>"
                            "</GetRoleResponse>"),
                     0);
    assert_true(json_object_is_type(js_get(answer, "Role.RoleLastUsed"), json_type_object));
}

static void a_write_may_have_nothing_to_tell(void **state)
{
    (void)state;
    assert_int_equal(decode(AWS_EVENTS_DELETE_RULE, ""), 0);
    assert_int_equal(json_object_object_length(answer), 0);
    assert_int_equal(decode(AWS_EVENTS_DESCRIBE_RULE, ""), -EBADMSG);
}

static void a_page_of_somebody_else_is_no_answer(void **state)
{
    (void)state;
    assert_int_equal(decode(AWS_S3_GET_BUCKET_VERSIONING, "<html/>"), -EBADMSG);
    assert_int_equal(decode(AWS_S3_GET_PUBLIC_ACCESS_BLOCK, "<html/>"), -EBADMSG);
    assert_int_equal(decode(AWS_IAM_LIST_ROLES, "<html/>"), -EBADMSG);
    assert_int_equal(decode(AWS_IAM_LIST_ROLES, "<ListUsersResponse/>"), -EBADMSG);
    assert_int_equal(decode(AWS_IAM_DELETE_ROLE, "<html/>"), -EBADMSG);
    assert_int_equal(decode(AWS_IAM_LIST_ROLES, "<ListRolesResponse/>"), -EBADMSG);
    assert_int_equal(decode(AWS_ECR_DESCRIBE_REPOSITORIES, "[]"), -EBADMSG);
    assert_int_equal(decode(AWS_ECR_DESCRIBE_REPOSITORIES, ""), -EBADMSG);
    assert_int_equal(decode(AWS_S3_GET_BUCKET_POLICY, ""), -EBADMSG);
    assert_null(answer);
}

static void a_cut_answer_is_no_answer(void **state)
{
    static const char whole[] =
        "<ListRolesResponse><ListRolesResult><Roles><member><RoleName>a</RoleName></member>"
        "</Roles></ListRolesResult></ListRolesResponse>";
    char cut[sizeof whole];

    (void)state;
    for (size_t size = 0; size + 1 < sizeof whole; size++) {
        memcpy(cut, whole, size);
        cut[size] = '\0';
        assert_true(decode(AWS_IAM_LIST_ROLES, cut) < 0);
    }
    assert_int_equal(decode(AWS_IAM_LIST_ROLES, whole), 0);
}

static void an_error_in_place_of_an_answer_is_seen(void **state)
{
    (void)state;
    assert_int_equal(decode(AWS_S3_GET_BUCKET_VERSIONING, "<Error><Code>x</Code></Error>"), -EREMOTEIO);
    assert_int_equal(decode(AWS_S3_GET_BUCKET_POLICY, "<Error><Code>x</Code></Error>"), -EREMOTEIO);
    assert_int_equal(decode(AWS_S3_PUT_BUCKET_TAGGING, "<Error><Code>x</Code></Error>"), -EREMOTEIO);
}

static void an_odd_number_stays_text(void **state)
{
    (void)state;
    assert_int_equal(
        decode(AWS_IAM_GET_ROLE,
               "<GetRoleResponse><GetRoleResult><Role><MaxSessionDuration>soon</MaxSessionDuration>"
               "<New><Thing>1</Thing></New></Role></GetRoleResult></GetRoleResponse>"),
        0);
    assert_string_equal(js_text(answer, "Role.MaxSessionDuration"), "soon");
    assert_string_equal(js_text(answer, "Role.New.Thing"), "1");
}

#define CASE(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_form_counts_its_lists_from_one),
        CASE(an_empty_list_is_sent_to_clear),
        CASE(a_null_member_is_not_sent),
        CASE(a_json_request_without_parameters_is_an_object),
        CASE(a_secret_member_stands_in_the_message_only),
        CASE(a_secret_member_of_a_form_is_encoded_like_any_other),
        CASE(the_bucket_leaves_the_path_for_the_host),
        CASE(an_empty_label_is_refused),
        CASE(an_unknown_parameter_is_refused_where_it_can_be),
        CASE(a_header_can_not_be_split),
        CASE(an_xml_body_escapes_and_keeps_line_ends),
        CASE(a_list_where_none_belongs_is_refused),
        CASE(a_required_checksum_is_sent),
        CASE(parameters_can_not_nest_for_ever),
        CASE(a_list_of_one_is_a_list_and_none_is_empty),
        CASE(policy_documents_are_decoded_once),
        CASE(an_empty_structure_is_an_object),
        CASE(a_write_may_have_nothing_to_tell),
        CASE(a_page_of_somebody_else_is_no_answer),
        CASE(a_cut_answer_is_no_answer),
        CASE(an_error_in_place_of_an_answer_is_seen),
        CASE(an_odd_number_stays_text),
    };

    return crypto_setup() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
