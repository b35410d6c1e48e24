/*
 * test_aws_sigv4.c: signatures: the published example of the key chain, and
 * what must and must not be signed. check_aws_signer.py compares whole
 * signatures with another implementation.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/aws/sigv4.h"
#include "common/encode.h"

#define SECRET  "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define TIME_MS 1440938160000LL /* 2015-08-30T12:36:00Z */

static struct aws_keys keys;
static struct aws_to_sign what;

static int begin(void **state)
{
    (void)state;
    if (crypto_setup() < 0)
        return -1;
    keys = (struct aws_keys){.id = strdup("AKIDEXAMPLE"), .secret = secret_new_text(SECRET)};
    what = (struct aws_to_sign){.method = "GET",
                                .host = "iam.amazonaws.com",
                                .path = "/",
                                .service = "iam",
                                .region = "us-east-1",
                                .time_ms = TIME_MS,
                                .keys = &keys};
    return 0;
}

static int end(void **state)
{
    (void)state;
    aws_keys_done(&keys);
    return 0;
}

static const char *header(const struct strv *headers, const char *name)
{
    size_t size = strlen(name);

    for (size_t i = 0; i < headers->count; i++) {
        if (strncmp(headers->items[i], name, size) == 0 && headers->items[i][size] == ':')
            return headers->items[i] + size + 2;
    }
    return NULL;
}

/* The signature over @what, owned. */
static char *sign(void)
{
    struct strv headers CLEANUP_HEADERS = {0};

    assert_int_equal(aws_sign_headers(&what, &headers, NULL), 0);
    return strdup(strstr(header(&headers, "Authorization"), "Signature=") + strlen("Signature="));
}

static void the_published_key_is_derived(void **state)
{
    unsigned char key[DIGEST_SIZE];
    char *hex CLEANUP_FREE = NULL;

    (void)state;
    assert_int_equal(aws_derive_key(keys.secret, "20150830", "us-east-1", "iam", key), 0);
    hex = encode_hex(key, sizeof key);
    assert_string_equal(hex, "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
}

static void the_published_request_is_signed(void **state)
{
    static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded; charset=utf-8",
                                          NULL};
    char *signature CLEANUP_FREE = NULL;

    (void)state;
    what.query = "Action=ListUsers&Version=2010-05-08";
    what.headers = headers;
    signature = sign();
    assert_string_equal(signature, "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

static void a_parameter_without_value_is_signed_as_empty(void **state)
{
    char *bare CLEANUP_FREE = NULL;
    char *empty CLEANUP_FREE = NULL;

    (void)state;
    what.query = "versioning";
    bare = sign();
    what.query = "versioning=";
    empty = sign();
    assert_string_equal(bare, empty);
}

static void the_order_of_the_query_does_not_matter(void **state)
{
    char *one CLEANUP_FREE = NULL;
    char *other CLEANUP_FREE = NULL;

    (void)state;
    what.query = "b=2&a=1&b=1";
    one = sign();
    what.query = "a=1&b=1&b=2";
    other = sign();
    assert_string_equal(one, other);
}

static void a_path_is_tidied_except_for_s3(void **state)
{
    char *untidy CLEANUP_FREE = NULL;
    char *tidy CLEANUP_FREE = NULL;
    char *raw CLEANUP_FREE = NULL;

    (void)state;
    what.path = "/a/./b/..//c/";
    untidy = sign();
    what.path = "/a/c/";
    tidy = sign();
    assert_string_equal(untidy, tidy);
    what.path = "/a/./b/..//c/";
    what.raw_path = true;
    raw = sign();
    assert_string_not_equal(raw, tidy);
}

static void encoded_bytes_are_encoded_again_except_for_s3(void **state)
{
    char *twice CLEANUP_FREE = NULL;
    char *once CLEANUP_FREE = NULL;

    (void)state;
    what.path = "/tags/arn%3Aaws";
    twice = sign();
    what.raw_path = true;
    what.path = "/tags/arn%253Aaws"; /* what the first one must have signed */
    once = sign();
    assert_string_equal(twice, once);
}

static void the_token_is_sent_and_signed(void **state)
{
    struct strv headers CLEANUP_HEADERS = {0};

    (void)state;
    keys.token = secret_new_text("token==");
    assert_int_equal(aws_sign_headers(&what, &headers, NULL), 0);
    assert_string_equal(header(&headers, "X-Amz-Security-Token"), "token==");
    assert_non_null(
        strstr(header(&headers, "Authorization"), "SignedHeaders=host;x-amz-date;x-amz-security-token"));
}

static void blanks_and_repeated_names_are_signed_as_one(void **state)
{
    static const char *const plain[] = {"X-A: one two,three", "X-B:", NULL};
    static const char *const blanks[] = {"x-b: \t ", "x-A: \t one \t  two  ", "X-a:three", NULL};
    char *one CLEANUP_FREE = NULL;
    char *other CLEANUP_FREE = NULL;

    (void)state;
    what.headers = plain;
    one = sign();
    what.headers = blanks;
    other = sign();
    assert_string_equal(one, other);
}

static void headers_of_the_way_are_not_signed(void **state)
{
    static const char *const headers[] = {"User-Agent: x", "Connection: close", "Expect: 100-continue",
                                          "X-Amz-Target: t", NULL};
    struct strv made CLEANUP_HEADERS = {0};

    (void)state;
    what.headers = headers;
    assert_int_equal(aws_sign_headers(&what, &made, NULL), 0);
    assert_non_null(strstr(header(&made, "Authorization"), "SignedHeaders=host;x-amz-date;x-amz-target, "));
}

static void s3_gets_the_digest_of_the_body(void **state)
{
    struct strv headers CLEANUP_HEADERS = {0};

    (void)state;
    what.hash_header = true;
    assert_int_equal(aws_sign_headers(&what, &headers, NULL), 0);
    assert_string_equal(header(&headers, "X-Amz-Content-SHA256"),
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void a_cached_key_signs_the_same_and_follows_every_change(void **state)
{
    struct aws_key_cache cache = {0};
    char *fresh CLEANUP_FREE = sign();
    char *first CLEANUP_FREE = NULL;
    char *cached CLEANUP_FREE = NULL;
    char *next_day CLEANUP_FREE = NULL;
    char *next_day_fresh CLEANUP_FREE = NULL;

    (void)state;
    what.cache = &cache;
    first = sign();
    cached = sign();
    assert_string_equal(fresh, first);
    assert_string_equal(fresh, cached);
    what.time_ms += 86400000;
    next_day = sign();
    what.cache = NULL;
    next_day_fresh = sign();
    assert_string_equal(next_day, next_day_fresh);
    assert_string_equal(cache.date, "20150831");
    aws_key_cache_done(&cache);
    assert_null(cache.key);
}

static void a_presigned_query_ends_with_its_signature(void **state)
{
    struct secret *query CLEANUP_SECRET = NULL;

    (void)state;
    what.query = "Action=GetCallerIdentity";
    keys.token = secret_new_text("a/b=");
    assert_int_equal(aws_sign_query(&what, 60, false, &query, NULL), 0);
    assert_ptr_equal(strstr(secret_text(query), "Action=GetCallerIdentity&X-Amz-Algorithm=AWS4-HMAC-SHA256"),
                     secret_text(query));
    assert_non_null(strstr(secret_text(query), "&X-Amz-Expires=60&"));
    assert_non_null(strstr(secret_text(query), "&X-Amz-Security-Token=a%2Fb%3D&X-Amz-Signature="));
}

static void a_clock_outside_of_time_is_refused(void **state)
{
    struct strv headers CLEANUP_HEADERS = {0};

    (void)state;
    what.time_ms = -1;
    assert_int_equal(aws_sign_headers(&what, &headers, NULL), -EOVERFLOW);
    what.time_ms = 300000000000000;
    assert_int_equal(aws_sign_headers(&what, &headers, NULL), -EOVERFLOW);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_published_key_is_derived),
        CASE(the_published_request_is_signed),
        CASE(a_parameter_without_value_is_signed_as_empty),
        CASE(the_order_of_the_query_does_not_matter),
        CASE(a_path_is_tidied_except_for_s3),
        CASE(encoded_bytes_are_encoded_again_except_for_s3),
        CASE(the_token_is_sent_and_signed),
        CASE(blanks_and_repeated_names_are_signed_as_one),
        CASE(headers_of_the_way_are_not_signed),
        CASE(s3_gets_the_digest_of_the_body),
        CASE(a_cached_key_signs_the_same_and_follows_every_change),
        CASE(a_presigned_query_ends_with_its_signature),
        CASE(a_clock_outside_of_time_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
