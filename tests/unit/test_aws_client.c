/*
 * test_aws_client.c: one call as a whole, on the virtual clock: retries,
 * throttling, mending, the gate, pages, reads made together.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/js.h"
#include "tests/unit/aws_sim.h"

#define IDENTITY                                                                                             \
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account>"                    \
    "<Arn>arn:aws:iam::123456789012:user/u</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>"
#define ROLE_MADE                                                                                            \
    "<CreateRoleResponse><CreateRoleResult><Role><RoleName>r</RoleName></Role>"                              \
    "</CreateRoleResult></CreateRoleResponse>"
#define REFUSED(code, message)                                                                               \
    "<ErrorResponse><Error><Code>" code "</Code><Message>" message "</Message></Error></ErrorResponse>"
#define ROLE_PARAMS "{\"RoleName\": \"r\", \"AssumeRolePolicyDocument\": \"{}\"}"

static struct aws_sim sim;

static int begin(void **state)
{
    (void)state;
    sim_begin(&sim, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    sim_end(&sim);
    return 0;
}

/* ---- the plain case ---- */

static void a_call_is_signed_sent_and_read(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = IDENTITY});
    sim_call(&sim, &call, AWS_STS_GET_CALLER_IDENTITY, NULL);
    assert_int_equal(call.result, 0);
    assert_string_equal(js_text(call.answer, "Account"), "123456789012");
    assert_string_equal(sim.requests[0].url, "https://sts.us-east-1.amazonaws.com/");
    assert_string_equal(sim.requests[0].body, "Action=GetCallerIdentity&Version=2011-06-15");
    assert_non_null(strstr(sim_header(&sim, 0, "Authorization"),
                           "Credential=AKIDEXAMPLE/20261122/us-east-1/sts/aws4_request"));
    assert_string_equal(sim_header(&sim, 0, "X-Amz-Date"), "20261122T170000Z");
    assert_int_equal(aws_calls_sent(sim.aws), 1);
    assert_int_equal(sim.gate_asked, 0);
}

static void a_refusal_says_what_and_why(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    SIM_SCRIPT(&sim, {.status = 403,
                      .headers = "x-amzn-requestid: req-1",
                      .body = REFUSED("AccessDenied", "User: x is not authorized")});
    sim_call(&sim, &call, AWS_IAM_CREATE_ROLE, ROLE_PARAMS);
    assert_int_equal(call.result, -EACCES);
    assert_int_equal(call.err.class, ERR_DENIED);
    assert_string_equal(call.err.text, "CreateRole: access denied: User: x is not authorized");
    assert_string_equal(call.err.wire_code, "AccessDenied");
    assert_string_equal(call.err.request_id, "req-1");
    assert_int_equal(sim.count, 1);
}

/* ---- repeating ---- */

static void a_read_is_tried_three_times_and_no_more(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    SIM_SCRIPT(&sim, {.status = 500, .body = REFUSED("InternalFailure", "x")});
    sim_call(&sim, &call, AWS_STS_GET_CALLER_IDENTITY, NULL);
    assert_int_equal(call.err.class, ERR_RETRY);
    assert_int_equal(sim.count, AWS_ATTEMPTS);
}

static void a_read_survives_silence_then_answers(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    SIM_SCRIPT(&sim, {.result = -ECONNRESET}, {.status = 200, .body = "<html>"},
               {.status = 200, .body = IDENTITY});
    sim_call(&sim, &call, AWS_STS_GET_CALLER_IDENTITY, NULL);
    assert_int_equal(call.result, 0);
    assert_int_equal(sim.count, 3);
}

static void each_attempt_is_signed_anew(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    SIM_SCRIPT(&sim, {.status = 503, .body = "", .delay_ms = 5000}, {.status = 200, .body = IDENTITY});
    sim_call(&sim, &call, AWS_STS_GET_CALLER_IDENTITY, NULL);
    assert_int_equal(call.result, 0);
    assert_string_not_equal(sim_header(&sim, 0, "X-Amz-Date"), sim_header(&sim, 1, "X-Amz-Date"));
    assert_string_not_equal(sim_header(&sim, 0, "Authorization"), sim_header(&sim, 1, "Authorization"));
}

static void a_create_whose_answer_was_lost_is_not_resent(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    SIM_SCRIPT(&sim, {.result = -ECONNRESET}, {.status = 200, .body = ROLE_MADE});
    sim_call(&sim, &call, AWS_IAM_CREATE_ROLE, ROLE_PARAMS);
    assert_int_equal(call.result, -ECONNRESET);
    assert_int_equal(call.err.class, ERR_RETRY);
    assert_int_equal(sim.count, 1);
    assert_true(sim.requests[0].fresh);
}

static void a_create_that_met_a_500_is_not_resent(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    SIM_SCRIPT(&sim, {.status = 500, .body = REFUSED("InternalFailure", "x")},
               {.status = 200, .body = ROLE_MADE});
    sim_call(&sim, &call, AWS_IAM_CREATE_ROLE, ROLE_PARAMS);
    assert_int_equal(call.err.class, ERR_RETRY);
    assert_int_equal(sim.count, 1);
}

static void a_create_that_was_not_executed_is_resent(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    SIM_SCRIPT(&sim, {.result = -ECONNREFUSED},
               {.status = 400, .body = REFUSED("Throttling", "Rate exceeded")},
               {.status = 200, .body = ROLE_MADE});
    sim_call(&sim, &call, AWS_IAM_CREATE_ROLE, ROLE_PARAMS);
    assert_int_equal(call.result, 0);
    assert_int_equal(sim.count, 3);
    assert_int_equal(sim.gate_asked, 1);
}

static void a_create_with_a_token_is_resent_byte_for_byte(void **state)
{
    static const struct aws_operation with_token = {.name = "CreateThing",
                                                    .service = AWS_SERVICE_ECR,
                                                    .access = AWS_WRITE,
                                                    .creates = true,
                                                    .token = "clientToken"};
    struct sim_call call CLEANUP(sim_call_done) = {.sim = &sim, .operation = &with_token, .token = "t-1"};

    (void)state;
    SIM_SCRIPT(&sim, {.result = -ECONNRESET}, {.status = 200, .body = "{}"});
    sim_run(&sim, sim_call_run, &call);
    assert_int_equal(call.result, 0);
    assert_int_equal(sim.count, 2);
    assert_string_equal(sim.requests[0].body, "{\"clientToken\":\"t-1\"}");
    assert_string_equal(sim.requests[0].body, sim.requests[1].body);
    assert_false(sim.requests[0].fresh);
}

static void a_token_is_made_when_none_is_given(void **state)
{
    static const struct aws_operation with_token = {
        .name = "CreateThing", .service = AWS_SERVICE_ECR, .access = AWS_WRITE, .token = "clientToken"};
    struct sim_call call CLEANUP(sim_call_done) = {.sim = &sim, .operation = &with_token};

    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = "{}"});
    sim_run(&sim, sim_call_run, &call);
    assert_int_equal(call.result, 0);
    assert_int_equal(strlen(sim.requests[0].body), strlen("{\"clientToken\":\"\"}") + 36);
}

static void retry_after_is_honoured(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    SIM_SCRIPT(&sim, {.status = 503, .headers = "retry-after: 7", .body = ""},
               {.status = 200, .body = IDENTITY});
    sim_call(&sim, &call, AWS_STS_GET_CALLER_IDENTITY, NULL);
    assert_int_equal(call.result, 0);
    assert_true(sim.requests[1].at_ms - sim.requests[0].at_ms >= 7000);
}

static void a_long_retry_after_is_left_to_the_caller(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    SIM_SCRIPT(&sim, {.status = 503, .headers = "retry-after: 120", .body = ""});
    sim_call(&sim, &call, AWS_STS_GET_CALLER_IDENTITY, NULL);
    assert_int_equal(call.err.retry_after_ms, 120000);
    assert_int_equal(sim.count, 1);
}

static void a_throttle_slows_every_caller_of_the_service(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);
    uint64_t before;

    (void)state;
    SIM_SCRIPT(&sim, {.status = 400, .body = REFUSED("Throttling", "x")}, {.status = 200, .body = IDENTITY});
    sim_call(&sim, &call, AWS_STS_GET_CALLER_IDENTITY, NULL);
    sim_call_done(&call);
    before = clock_monotonic_ms(&sim.clock.clock);
    for (int i = 0; i < 4; i++) {
        sim_call(&sim, &call, AWS_STS_GET_CALLER_IDENTITY, NULL);
        assert_int_equal(call.result, 0);
        if (i < 3)
            sim_call_done(&call);
    }
    /* Without the budget no time would pass at all. */
    assert_true(clock_monotonic_ms(&sim.clock.clock) - before >= 500);
    assert_true(sim.aws->services[AWS_SERVICE_STS].budget.enabled);
    assert_false(sim.aws->services[AWS_SERVICE_IAM].budget.enabled);
}

static void a_broken_service_uses_up_the_store_of_retries(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    sim.aws->services[AWS_SERVICE_STS].budget.store = 7;
    SIM_SCRIPT(&sim, {.status = 500, .body = ""});
    sim_call(&sim, &call, AWS_STS_GET_CALLER_IDENTITY, NULL);
    assert_int_equal(sim.count, 2); /* one retry was affordable */
}

/* ---- mending ---- */

static void a_wrong_clock_is_mended_once(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    SIM_SCRIPT(&sim,
               {.status = 403,
                .headers = "date: Sun, 22 Nov 2026 19:00:00 GMT",
                .body = REFUSED("RequestExpired", "x")},
               {.status = 200, .body = ROLE_MADE});
    sim_call(&sim, &call, AWS_IAM_CREATE_ROLE, ROLE_PARAMS);
    assert_int_equal(call.result, 0);
    assert_int_equal(sim.count, 2);
    assert_string_equal(sim_header(&sim, 0, "X-Amz-Date"), "20261122T170000Z");
    assert_string_equal(sim_header(&sim, 1, "X-Amz-Date"), "20261122T190000Z");
    assert_int_equal(sim.requests[1].at_ms, sim.requests[0].at_ms); /* at once: not a retry */
}

static void a_wrong_clock_that_stays_wrong_is_reported(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    SIM_SCRIPT(&sim,
               {.status = 403,
                .headers = "date: Sun, 22 Nov 2026 19:00:00 GMT",
                .body = REFUSED("SignatureDoesNotMatch", "x")},
               {.status = 403,
                .headers = "date: Sun, 22 Nov 2026 23:00:00 GMT",
                .body = REFUSED("SignatureDoesNotMatch", "x")});
    sim_call(&sim, &call, AWS_IAM_GET_ROLE, "{\"RoleName\": \"r\"}");
    assert_int_equal(call.err.class, ERR_CREDENTIALS);
    assert_int_equal(sim.count, 2);
}

static void a_bad_signature_with_a_good_clock_is_not_replayed(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    SIM_SCRIPT(&sim, {.status = 403,
                      .headers = "date: Sun, 22 Nov 2026 17:03:00 GMT",
                      .body = REFUSED("SignatureDoesNotMatch", "x")});
    sim_call(&sim, &call, AWS_IAM_GET_ROLE, "{\"RoleName\": \"r\"}");
    assert_int_equal(sim.count, 1);
    assert_int_equal(sim.aws->services[AWS_SERVICE_IAM].offset_ms, 0);
}

static void expired_keys_are_replaced_once(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = IDENTITY}, {.status = 403, .body = REFUSED("ExpiredToken", "x")},
               {.status = 200, .body = IDENTITY}, {.status = 403, .body = REFUSED("ExpiredToken", "x")});
    sim_call(&sim, &call, AWS_STS_GET_CALLER_IDENTITY, NULL);
    sim_call_done(&call);
    setenv("AWS_ACCESS_KEY_ID", "AKIDSECOND", 1);
    clock_virtual_advance(&sim.clock, 60000);
    sim_call(&sim, &call, AWS_STS_GET_CALLER_IDENTITY, NULL);
    assert_int_equal(call.result, 0);
    assert_int_equal(sim.count, 3);
    assert_non_null(strstr(sim_header(&sim, 1, "Authorization"), "AKIDEXAMPLE/"));
    assert_non_null(strstr(sim_header(&sim, 2, "Authorization"), "AKIDSECOND/"));
    sim_call_done(&call);

    clock_virtual_advance(&sim.clock, 60000);
    sim_call(&sim, &call, AWS_STS_GET_CALLER_IDENTITY, NULL); /* the same keys again: no replay */
    assert_int_equal(call.err.class, ERR_CREDENTIALS);
    assert_int_equal(sim.count, 4);
}

#define ASSUMED(id)                                                                                          \
    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>" id "</AccessKeyId>"                   \
    "<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2026-11-22T18:00:00Z"     \
    "</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"

static void keys_that_are_always_refused_end_the_call(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    unsetenv("AWS_ACCESS_KEY_ID");
    unsetenv("AWS_SECRET_ACCESS_KEY");
    setenv("AWS_CONFIG_FILE",
           sim_file("config", "[default]\nrole_arn = r\nsource_profile = b\n[profile b]\n"
                              "aws_access_key_id = B\naws_secret_access_key = s\n"),
           1);
    SIM_SCRIPT(&sim, {.status = 200, .body = ASSUMED("ONE")},
               {.status = 403, .body = REFUSED("ExpiredToken", "x"), .delay_ms = 5000},
               {.status = 200, .body = ASSUMED("TWO")},
               {.status = 403, .body = REFUSED("ExpiredToken", "x"), .delay_ms = 5000},
               {.status = 200, .body = ASSUMED("THREE")}, {.status = 200, .body = IDENTITY});
    sim_call(&sim, &call, AWS_STS_GET_CALLER_IDENTITY, NULL);
    assert_int_equal(call.err.class, ERR_CREDENTIALS);
    assert_int_equal(sim.count, 4);
}

/* ---- the gate ---- */

static void a_closed_gate_lets_no_byte_out(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    sim.gate_closed = true;
    SIM_SCRIPT(&sim, {.status = 200, .body = ROLE_MADE});
    sim_call(&sim, &call, AWS_IAM_CREATE_ROLE, ROLE_PARAMS);
    assert_int_equal(call.result, -EPERM);
    assert_string_equal(call.err.text, "CreateRole: check mode");
    assert_int_equal(sim.count, 0);
    assert_int_equal(aws_calls_sent(sim.aws), 0);
}

static void without_a_gate_there_are_no_writes(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    sim.aws->gate = NULL;
    SIM_SCRIPT(&sim, {.status = 200, .body = ROLE_MADE});
    sim_call(&sim, &call, AWS_IAM_CREATE_ROLE, ROLE_PARAMS);
    assert_int_equal(call.err.class, ERR_DENIED);
    assert_int_equal(sim.count, 0);
}

/* ---- pages ---- */

#define ROLES(roles, more)                                                                                   \
    "<ListRolesResponse><ListRolesResult><Roles>" roles "</Roles>" more                                      \
    "</ListRolesResult></ListRolesResponse>"
#define ONE(name)    "<member><RoleName>" name "</RoleName></member>"
#define MORE(marker) "<IsTruncated>true</IsTruncated><Marker>" marker "</Marker>"

static void pages_are_joined_an_empty_one_among_them(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = ROLES(ONE("a"), MORE("m1"))},
               {.status = 200, .body = ROLES("", MORE("m2"))},
               {.status = 200, .body = ROLES(ONE("b") ONE("c"), "<IsTruncated>false</IsTruncated>")});
    sim_call(&sim, &call, AWS_IAM_LIST_ROLES, "{\"PathPrefix\": \"/x/\"}");
    assert_int_equal(call.result, 0);
    assert_int_equal(js_count(call.answer, "Roles"), 3);
    assert_string_equal(js_text(call.answer, "Roles.2.RoleName"), "c");
    assert_null(js_get(call.answer, "Marker"));
    assert_null(js_get(call.answer, "IsTruncated"));
    assert_non_null(strstr(sim.requests[2].body, "PathPrefix=%2Fx%2F"));
    assert_non_null(strstr(sim.requests[2].body, "Marker=m2"));
}

static void a_token_that_comes_twice_is_an_error(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = ROLES(ONE("a"), MORE("m1"))});
    sim_call(&sim, &call, AWS_IAM_LIST_ROLES, NULL);
    assert_int_equal(call.result, -EBADMSG);
    assert_null(call.answer);
    assert_int_equal(sim.count, 2);
}

static void more_without_a_token_is_an_error(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = ROLES(ONE("a"), "<IsTruncated>true</IsTruncated>")});
    sim_call(&sim, &call, AWS_IAM_LIST_ROLES, NULL);
    assert_int_equal(call.result, -EBADMSG);
    assert_null(call.answer);
}

static void a_page_that_fails_fails_the_list(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = ROLES(ONE("a"), MORE("m1"))},
               {.status = 403, .body = REFUSED("AccessDenied", "x")});
    sim_call(&sim, &call, AWS_IAM_LIST_ROLES, NULL);
    assert_int_equal(call.err.class, ERR_DENIED);
    assert_null(call.answer);
}

static void who_names_the_token_turns_the_pages(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = ROLES(ONE("a"), MORE("m1"))});
    sim_call(&sim, &call, AWS_IAM_LIST_ROLES, "{\"Marker\": null}");
    assert_int_equal(call.result, 0);
    assert_string_equal(js_text(call.answer, "Marker"), "m1");
    assert_null(strstr(sim.requests[0].body, "Marker"));
    assert_int_equal(sim.count, 1);
}

static void two_tokens_travel_together(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    SIM_SCRIPT(
        &sim,
        {.status = 200,
         .body = "<ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k 1</NextKeyMarker>"
                 "<NextVersionIdMarker>v1</NextVersionIdMarker><Version><Key>a</Key></Version>"
                 "</ListVersionsResult>"},
        {.status = 200,
         .body = "<ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k 1</NextKeyMarker>"
                 "<NextVersionIdMarker>v2</NextVersionIdMarker></ListVersionsResult>"},
        {.status = 200,
         .body = "<ListVersionsResult><IsTruncated>false</IsTruncated><DeleteMarker><Key>b</Key>"
                 "</DeleteMarker></ListVersionsResult>"});
    sim_call(&sim, &call, AWS_S3_LIST_OBJECT_VERSIONS, "{\"Bucket\": \"bkt\"}");
    assert_int_equal(call.result, 0);
    assert_int_equal(js_count(call.answer, "Versions"), 1);
    assert_int_equal(js_count(call.answer, "DeleteMarkers"), 1);
    assert_string_equal(
        sim.requests[1].url,
        "https://bkt.s3.us-east-1.amazonaws.com/?versions&key-marker=k%201&version-id-marker=v1");
}

/* ---- S3's ways ---- */

static void an_error_inside_a_200_is_an_error(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    SIM_SCRIPT(&sim,
               {.status = 200, .body = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>"});
    sim_call(&sim, &call, AWS_S3_GET_BUCKET_VERSIONING, "{\"Bucket\": \"bkt\"}");
    assert_int_equal(call.err.class, ERR_DENIED);
}

static void a_bucket_elsewhere_names_its_region(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    SIM_SCRIPT(&sim, {.status = 301, .headers = "x-amz-bucket-region: eu-west-1", .body = ""});
    sim_call(&sim, &call, AWS_S3_HEAD_BUCKET, "{\"Bucket\": \"bkt\"}");
    assert_int_equal(call.err.class, ERR_INVALID);
    assert_non_null(strstr(call.err.text, "eu-west-1"));
    assert_int_equal(sim.count, 1);
}

static void a_bare_404_is_an_absence_only_from_s3_itself(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    SIM_SCRIPT(&sim, {.status = 404, .headers = "x-amz-request-id: r", .body = ""},
               {.status = 404, .body = ""});
    sim_call(&sim, &call, AWS_S3_HEAD_BUCKET, "{\"Bucket\": \"bkt\"}");
    assert_int_equal(call.err.class, ERR_ABSENT);
    sim_call_done(&call);
    sim_call(&sim, &call, AWS_S3_HEAD_BUCKET, "{\"Bucket\": \"bkt\"}");
    assert_int_equal(call.err.class, ERR_BUG);
}

static void the_endpoint_of_the_environment_is_used(void **state)
{
    struct sim_call call CLEANUP(sim_call_done);

    (void)state;
    setenv("AWS_ENDPOINT_URL_S3", "http://LOCALHOST:4566/pre/", 1);
    SIM_SCRIPT(&sim, {.status = 200, .body = ""});
    sim_call(&sim, &call, AWS_S3_DELETE_BUCKET_POLICY, "{\"Bucket\": \"bkt\"}");
    assert_int_equal(call.result, 0);
    assert_string_equal(sim.requests[0].url, "http://localhost:4566/pre/bkt?policy");
}

/* ---- identity ---- */

static void ask_identity(void *arg)
{
    const char *account = NULL;

    assert_int_equal(aws_identity(arg, &account, NULL, NULL), 0);
    assert_string_equal(account, "123456789012");
}

static void identity_is_asked_once_for_the_same_keys(void **state)
{
    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = IDENTITY});
    sim_run(&sim, ask_identity, sim.aws);
    sim_run(&sim, ask_identity, sim.aws);
    assert_int_equal(sim.count, 1);
}

static void presign_once(void *arg)
{
    struct secret *url = NULL;

    assert_int_equal(aws_presign_identity(arg, "x-k8s-aws-id", "cluster", 60, &url, NULL), 0);
    assert_non_null(
        strstr(secret_text(url), "https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&"));
    assert_non_null(strstr(secret_text(url), "X-Amz-SignedHeaders=host%3Bx-k8s-aws-id"));
    secret_free(url);
}

static void a_presigned_identity_sends_nothing(void **state)
{
    (void)state;
    sim_run(&sim, presign_once, sim.aws);
    assert_int_equal(sim.count, 0);
}

/* ---- many at once ---- */

#define READS 12

static void read_many(void *arg)
{
    struct aws_read reads[READS] = {{0}};

    (void)arg;
    for (size_t i = 0; i < READS; i++)
        reads[i].op = AWS_STS_GET_CALLER_IDENTITY;
    assert_int_equal(aws_read_all(sim.aws, reads, READS, 0), 0);
    for (size_t i = 0; i < READS; i++) {
        assert_int_equal(reads[i].result, 0);
        assert_string_equal(js_text(reads[i].answer, "Account"), "123456789012");
    }
    aws_reads_done(reads, READS);
}

static void no_more_calls_run_than_a_service_bears(void **state)
{
    size_t at_start = 0;

    (void)state;
    SIM_SCRIPT(&sim, {.status = 200, .body = IDENTITY, .delay_ms = 1000});
    sim_run(&sim, read_many, NULL);
    assert_int_equal(sim.count, READS);
    for (size_t i = 0; i < READS; i++)
        at_start += sim.requests[i].at_ms == sim.requests[0].at_ms;
    assert_int_equal(at_start, 5);
    assert_int_equal(sim.requests[READS - 1].at_ms - sim.requests[0].at_ms, 2000);
}

static void canceled_calls_leave_nothing_behind(void **state)
{
    (void)state;
    for (unsigned turn = 0; turn < 12; turn++) {
        struct sim_call calls[8];
        struct json_object *no_params = NULL;

        SIM_SCRIPT(&sim, {.status = 500, .body = "", .delay_ms = 700});
        for (size_t i = 0; i < 8; i++) {
            calls[i] = (struct sim_call){
                .sim = &sim, .params = no_params, .operation = &aws_operations[AWS_STS_GET_CALLER_IDENTITY]};
            assert_int_equal(fiber_spawn(&sim.fibers, "c", sim_call_run, &calls[i], NULL), 0);
        }
        sim_settle(&sim);
        for (unsigned i = 0; i < turn; i++) {
            clock_virtual_step(&sim.clock);
            fibers_run(&sim.fibers);
        }
        fibers_cancel_all(&sim.fibers);
        while (sim.fibers.living) {
            fibers_run(&sim.fibers);
            clock_virtual_step(&sim.clock);
        }
        for (size_t i = 0; i < 8; i++) {
            assert_true(calls[i].result < 0);
            sim_call_done(&calls[i]);
        }
        assert_int_equal(sim.aws->services[AWS_SERVICE_STS].slots.taken, 0);
        assert_null(sim.aws->services[AWS_SERVICE_STS].slots.waiters);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_call_is_signed_sent_and_read),
        CASE(a_refusal_says_what_and_why),
        CASE(a_read_is_tried_three_times_and_no_more),
        CASE(a_read_survives_silence_then_answers),
        CASE(each_attempt_is_signed_anew),
        CASE(a_create_whose_answer_was_lost_is_not_resent),
        CASE(a_create_that_met_a_500_is_not_resent),
        CASE(a_create_that_was_not_executed_is_resent),
        CASE(a_create_with_a_token_is_resent_byte_for_byte),
        CASE(a_token_is_made_when_none_is_given),
        CASE(retry_after_is_honoured),
        CASE(a_long_retry_after_is_left_to_the_caller),
        CASE(a_throttle_slows_every_caller_of_the_service),
        CASE(a_broken_service_uses_up_the_store_of_retries),
        CASE(a_wrong_clock_is_mended_once),
        CASE(a_wrong_clock_that_stays_wrong_is_reported),
        CASE(a_bad_signature_with_a_good_clock_is_not_replayed),
        CASE(expired_keys_are_replaced_once),
        CASE(keys_that_are_always_refused_end_the_call),
        CASE(a_closed_gate_lets_no_byte_out),
        CASE(without_a_gate_there_are_no_writes),
        CASE(pages_are_joined_an_empty_one_among_them),
        CASE(a_token_that_comes_twice_is_an_error),
        CASE(more_without_a_token_is_an_error),
        CASE(a_page_that_fails_fails_the_list),
        CASE(who_names_the_token_turns_the_pages),
        CASE(two_tokens_travel_together),
        CASE(an_error_inside_a_200_is_an_error),
        CASE(a_bucket_elsewhere_names_its_region),
        CASE(a_bare_404_is_an_absence_only_from_s3_itself),
        CASE(the_endpoint_of_the_environment_is_used),
        CASE(identity_is_asked_once_for_the_same_keys),
        CASE(a_presigned_identity_sends_nothing),
        CASE(no_more_calls_run_than_a_service_bears),
        CASE(canceled_calls_leave_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
