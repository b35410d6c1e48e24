/*
 * test_aws_endpoint.c: Regions, hosts, and addresses that people configure.
 * check_aws_codec.py compares the hosts of all Regions with another implementation.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/aws_sim.h"

static struct aws_sim sim; /* for its clean environment and its files */
static struct aws_endpoint endpoint;
static struct err err;

static int begin(void **state)
{
    (void)state;
    sim_begin(&sim, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    aws_endpoint_done(&endpoint);
    err_done(&err);
    sim_end(&sim);
    return 0;
}

static int resolve(enum aws_service service, const char *profile)
{
    struct aws_profiles *profiles CLEANUP(aws_profiles_freep) = NULL;
    int r = aws_profiles_load(profile, &profiles, &err);

    assert_int_equal(r, 0);
    aws_endpoint_done(&endpoint);
    return aws_endpoint_resolve(&aws_services[service], "eu-west-1", profiles, &endpoint, &err);
}

static void partitions_are_known_by_pattern(void **state)
{
    (void)state;
    assert_string_equal(aws_partition_of("us-east-1"), "aws");
    assert_string_equal(aws_partition_of("mx-central-1"), "aws");
    assert_string_equal(aws_partition_of("cn-northwest-1"), "aws-cn");
    assert_string_equal(aws_partition_of("us-gov-west-1"), "aws-us-gov");
    assert_string_equal(aws_partition_of("eusc-de-east-1"), "aws-eusc");
    assert_string_equal(aws_partition_of("us-isob-east-1"), "aws-iso-b");
    assert_null(aws_partition_of("us-east"));
    assert_null(aws_partition_of("us-east-1a"));
    assert_null(aws_partition_of("xx-east-1"));
    assert_null(aws_partition_of("us-east-1.evil.example"));
    assert_null(aws_partition_of(""));
    assert_null(aws_partition_of(NULL));
}

static void iam_is_global_and_sts_is_regional(void **state)
{
    (void)state;
    assert_int_equal(resolve(AWS_SERVICE_IAM, NULL), 0);
    assert_string_equal(endpoint.host, "iam.amazonaws.com");
    assert_string_equal(endpoint.region, "us-east-1");
    assert_int_equal(resolve(AWS_SERVICE_STS, NULL), 0);
    assert_string_equal(endpoint.host, "sts.eu-west-1.amazonaws.com");
    assert_string_equal(endpoint.region, "eu-west-1");
}

static void the_variable_of_a_service_wins_over_the_one_of_all(void **state)
{
    (void)state;
    setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1", 1);
    setenv("AWS_ENDPOINT_URL_RESOURCE_GROUPS_TAGGING_API", "https://Tag.example:443/x/", 1);
    assert_int_equal(resolve(AWS_SERVICE_TAGGING, NULL), 0);
    assert_string_equal(endpoint.scheme, "https");
    assert_string_equal(endpoint.host, "tag.example");
    assert_string_equal(endpoint.prefix, "/x");
    assert_string_equal(endpoint.region, "eu-west-1");
    assert_int_equal(resolve(AWS_SERVICE_IAM, NULL), 0);
    assert_string_equal(endpoint.host, "127.0.0.1:1");
    assert_string_equal(endpoint.region, "us-east-1"); /* the signature's, override or not */
}

#define PROFILE                                                                                              \
    "[default]\nendpoint_url = http://all:2\nservices = mine\n"                                              \
    "[services mine]\niam =\n  endpoint_url = http://iam-only:3\nother = x\n"

static void the_profile_and_its_services_section_count(void **state)
{
    (void)state;
    setenv("AWS_CONFIG_FILE", sim_file("config", PROFILE), 1);
    assert_int_equal(resolve(AWS_SERVICE_IAM, NULL), 0);
    assert_string_equal(endpoint.host, "iam-only:3");
    assert_int_equal(resolve(AWS_SERVICE_STS, NULL), 0);
    assert_string_equal(endpoint.host, "all:2");
    setenv("AWS_ENDPOINT_URL", "http://env:4", 1);
    assert_int_equal(resolve(AWS_SERVICE_IAM, NULL), 0);
    assert_string_equal(endpoint.host, "env:4");
}

static void configured_addresses_can_be_switched_off(void **state)
{
    (void)state;
    setenv("AWS_ENDPOINT_URL", "http://env:4", 1);
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "True", 1);
    assert_int_equal(resolve(AWS_SERVICE_STS, NULL), 0);
    assert_string_equal(endpoint.host, "sts.eu-west-1.amazonaws.com");
}

static void fips_and_dual_stack_apply_without_an_override_only(void **state)
{
    (void)state;
    setenv("AWS_USE_FIPS_ENDPOINT", "true", 1);
    setenv("AWS_USE_DUALSTACK_ENDPOINT", "true", 1);
    assert_int_equal(resolve(AWS_SERVICE_ECR, NULL), 0);
    assert_string_equal(endpoint.host, "ecr-fips.eu-west-1.api.aws");
    setenv("AWS_ENDPOINT_URL", "http://env:4", 1);
    assert_int_equal(resolve(AWS_SERVICE_ECR, NULL), 0);
    assert_string_equal(endpoint.host, "env:4");
}

static void an_address_that_is_none_is_refused(void **state)
{
    static const char *const bad[] = {
        "ftp://x", "x", "http://", "https://user:pw@host", "http://h/a?b", "http://h/a b", "http://h\\x"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        setenv("AWS_ENDPOINT_URL", bad[i], 1);
        assert_int_equal(resolve(AWS_SERVICE_STS, NULL), -EINVAL);
        assert_int_equal(err.class, ERR_INVALID);
        assert_null(strstr(err.text, "pw"));
    }
}

static void buckets_go_into_the_host_when_they_fit(void **state)
{
    struct aws_endpoint own = {0};
    struct aws_endpoint custom = {.custom = true};

    (void)state;
    assert_true(aws_endpoint_bucket_in_host(&own, "my-bucket-1"));
    assert_false(aws_endpoint_bucket_in_host(&own, "my.bucket"));
    assert_false(aws_endpoint_bucket_in_host(&own, "My-bucket"));
    assert_false(aws_endpoint_bucket_in_host(&own, "a/b"));
    assert_false(aws_endpoint_bucket_in_host(&own, "x@evil.example"));
    assert_false(aws_endpoint_bucket_in_host(&own, NULL));
    assert_false(aws_endpoint_bucket_in_host(&custom, "my-bucket-1"));
}

static void a_profile_that_is_named_must_exist(void **state)
{
    struct aws_profiles *profiles = NULL;

    (void)state;
    setenv("AWS_CONFIG_FILE", sim_file("config", "[profile a]\nregion = x\n[b]\nregion = y\n"), 1);
    setenv("AWS_PROFILE", "a", 1);
    assert_int_equal(aws_profiles_load(NULL, &profiles, &err), 0);
    assert_string_equal(aws_profiles_name(profiles), "a");
    aws_profiles_free(profiles);
    setenv("AWS_PROFILE", "b", 1); /* in the config file a section needs the word "profile" */
    assert_int_equal(aws_profiles_load(NULL, &profiles, &err), -EINVAL);
    assert_int_equal(err.class, ERR_CREDENTIALS);
}

static void the_dialect_of_the_files_is_read(void **state)
{
    static const char text[] = "# c\n; c\n\n[ profile \"my name\" ]\nA_Key = v = 1 # not a comment\r\n"
                               "s3 =\n  endpoint_url=http://x\n  max = 2\nlast : colon\n"
                               "[profile my name]\nlast = second\n";
    struct aws_ini ini = {0};

    (void)state;
    assert_int_equal(aws_ini_parse(text, strlen(text), &ini, &err), 0);
    assert_int_equal(ini.count, 1);
    assert_string_equal(aws_ini_get(&ini, "profile my name", "a_key"), "v = 1 # not a comment");
    assert_string_equal(aws_ini_get(&ini, "profile my name", "s3.endpoint_url"), "http://x");
    assert_string_equal(aws_ini_get(&ini, "profile my name", "s3.max"), "2");
    assert_string_equal(aws_ini_get(&ini, "profile my name", "last"), "second");
    aws_ini_done(&ini);
}

static void a_broken_file_is_told_by_line_without_its_content(void **state)
{
    static const char *const bad[] = {"[a\nx=1\n", "x = 1\n", "[a]\nsecret-without-equals\n", "[]\n"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct aws_ini ini = {0};

        assert_int_equal(aws_ini_parse(bad[i], strlen(bad[i]), &ini, &err), -EINVAL);
        assert_non_null(strstr(err.text, "line "));
        assert_null(strstr(err.text, "secret"));
        assert_int_equal(ini.count, 0);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(partitions_are_known_by_pattern),
        CASE(iam_is_global_and_sts_is_regional),
        CASE(the_variable_of_a_service_wins_over_the_one_of_all),
        CASE(the_profile_and_its_services_section_count),
        CASE(configured_addresses_can_be_switched_off),
        CASE(fips_and_dual_stack_apply_without_an_override_only),
        CASE(an_address_that_is_none_is_refused),
        CASE(buckets_go_into_the_host_when_they_fit),
        CASE(a_profile_that_is_named_must_exist),
        CASE(the_dialect_of_the_files_is_read),
        CASE(a_broken_file_is_told_by_line_without_its_content),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
