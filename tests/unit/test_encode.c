/*
 * test_encode.c: hex, base64, percent-encoding.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/encode.h"
#include "common/macro.h"

static void assert_text_and_free(char *text, const char *expected)
{
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

static void hex_is_lower_case(void **state)
{
    (void)state;
    assert_text_and_free(encode_hex("\x00\xff\xA5", 3), "00ffa5");
    assert_text_and_free(encode_hex(NULL, 0), "");
}

/* The vectors of RFC 4648, section 10. */
static const struct {
    const char *plain, *encoded, *url;
} base64_cases[] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
};

static void base64_follows_the_rfc(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(base64_cases); i++) {
        size_t length = strlen(base64_cases[i].plain);

        assert_text_and_free(encode_base64(base64_cases[i].plain, length), base64_cases[i].encoded);
        assert_text_and_free(encode_base64url(base64_cases[i].plain, length), base64_cases[i].url);
    }
    assert_text_and_free(encode_base64("\xfb\xff\xfe", 3), "+//+");
    assert_text_and_free(encode_base64url("\xfb\xff\xfe", 3), "-__-");
}

static void base64_comes_back(void **state)
{
    unsigned char bytes[256];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i * 7);
    for (size_t size = 0; size <= sizeof(bytes); size++) {
        char *text CLEANUP_FREE = encode_base64(bytes, size);
        unsigned char *back CLEANUP_FREE = NULL;
        size_t back_size = 999;

        assert_int_equal(decode_base64(text, &back, &back_size), 0);
        assert_int_equal(back_size, size);
        assert_memory_equal(back, bytes, size);
        assert_int_equal(back[size], 0);
    }
}

static void base64_with_any_fault_is_refused(void **state)
{
    static const char *const bad[] = {
        "Z",    "Zg",   "Zg=",      "Zm9vZg",   "Zg===",    "====",    "=",
        "Z===", "Zm=v", "Z=9v",     "Zm9v ",    " Zm9",     "Zm\n9",   "Zm-_",
        "Zh==", "Zm9=", "Zg==Zg==", "Zm9vZg=x", "Zm8=Zm9v", "Zm9\xc3", "Zm9v\n",
    };
    unsigned char *data = NULL;
    size_t size = 42;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(decode_base64(bad[i], &data, &size), -EINVAL);
    assert_null(data);
    assert_int_equal(size, 42);
}

static void percent_encoding_keeps_unreserved_bytes_only(void **state)
{
    char all[256];
    char *text;

    (void)state;
    assert_text_and_free(encode_percent("a-b_c.d~e F/g", false), "a-b_c.d~e%20F%2Fg");
    assert_text_and_free(encode_percent("/a b/", true), "/a%20b/");
    assert_text_and_free(encode_percent("\xc3\xa4", false), "%C3%A4");
    assert_text_and_free(encode_percent("", false), "");
    for (int i = 1; i < 256; i++)
        all[i - 1] = (char)i;
    all[255] = '\0';
    text = encode_percent(all, false);
    assert_int_equal(strlen(text), 66 + 3 * (255 - 66));
    assert_text_and_free(decode_percent(text), all);
    free(text);
}

static void percent_decoding_leaves_what_is_malformed(void **state)
{
    (void)state;
    assert_text_and_free(decode_percent("a%20b+c%2f%2F"), "a b+c//");
    assert_text_and_free(decode_percent("%"), "%");
    assert_text_and_free(decode_percent("%4"), "%4");
    assert_text_and_free(decode_percent("%zz%41%4g"), "%zzA%4g");
    assert_text_and_free(decode_percent("%%41"), "%A");
    assert_text_and_free(decode_percent("%00x"), "%00x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_is_lower_case),
        cmocka_unit_test(base64_follows_the_rfc),
        cmocka_unit_test(base64_comes_back),
        cmocka_unit_test(base64_with_any_fault_is_refused),
        cmocka_unit_test(percent_encoding_keeps_unreserved_bytes_only),
        cmocka_unit_test(percent_decoding_leaves_what_is_malformed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
