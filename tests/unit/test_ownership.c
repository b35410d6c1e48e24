/*
 * test_ownership.c: the marks on real resources: how an address stands in a tag, and whose a thing is.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/js.h"
#include "common/str.h"
#include "daemon/ownership.h"

static void assert_encoded(const char *address, const char *expected)
{
    char *got CLEANUP_FREE = ownership_encode(address);

    assert_non_null(got);
    assert_string_equal(got, expected);
}

static void plain_addresses_stand_as_they_are(void **state)
{
    (void)state;
    assert_encoded("aws_iam_role.github_actions", "aws_iam_role.github_actions");
    assert_encoded("t.n", "t.n");
}

static void keys_stand_behind_a_slash_with_odd_bytes_in_hex(void **state)
{
    (void)state;
    assert_encoded("aws_subnet.public[\"a\"]", "aws_subnet.public/a");
    assert_encoded("t.n[\"us-east-1_a.b\"]", "t.n/us-east-1_a.b");
    assert_encoded("t.n[\"a/b\"]", "t.n/a=2Fb");
    assert_encoded("t.n[\"a=2Fb\"]", "t.n/a=3D2Fb");
    assert_encoded("t.n[\"a b\"]", "t.n/a=20b");
    assert_encoded("t.n[\"\xC3\xA4\"]", "t.n/=C3=A4");
    assert_encoded("t.n[\"]\"]", "t.n/=5D");
    assert_encoded("t.n[\"\n\"]", "t.n/=0A");
    assert_encoded("t.n[\"\"]", "t.n/");
}

/** All keys of up to three characters of an awkward alphabet: no two alike, and all in the alphabet of a tag. */
static void different_addresses_never_look_alike(void **state)
{
    static const char alphabet[] = "aA2F=/\n\x01\"]";
    struct strv seen CLEANUP_STRV = {0};
    size_t n = strlen(alphabet);

    (void)state;
    for (size_t i = 0; i <= n; i++)
        for (size_t j = 0; j <= n; j++)
            for (size_t k = 0; k <= n; k++) {
                char key[4] = "";
                char *address CLEANUP_FREE = NULL, *encoded CLEANUP_FREE = NULL;

                if ((i == n && j < n) || (j == n && k < n))
                    continue;
                (void)snprintf(key, sizeof(key), "%.*s%.*s%.*s", i < n, &alphabet[i % n], j < n,
                               &alphabet[j % n], k < n, &alphabet[k % n]);
                address = str_format("t.n[\"%s\"]", key);
                encoded = ownership_encode(address);
                for (const char *c = encoded; *c; c++)
                    assert_true(isalnum((unsigned char)*c) || strchr("_.-/=", *c));
                assert_int_equal(strv_add(&seen, encoded), 0);
            }
    strv_sort(&seen);
    assert_true(seen.count > 1000);
    for (size_t i = 1; i < seen.count; i++)
        assert_string_not_equal(seen.items[i - 1], seen.items[i]);
}

static struct json_object *document(const char *text)
{
    struct json_object *object = NULL;

    assert_int_equal(js_parse_text(text, &object, NULL), 0);
    return object;
}

static void marks_are_added_to_the_declared_tags(void **state)
{
    struct json_object *with CLEANUP_JS = document("{\"tags\":{\"team\":\"ml\"}}");
    struct json_object *without CLEANUP_JS = document("{}"), *null CLEANUP_JS = document("{\"tags\":null}");
    char *text CLEANUP_FREE = NULL;

    (void)state;
    assert_int_equal(ownership_mark(with, "p", "t.n[\"k\"]"), 0);
    assert_int_equal(ownership_mark(without, "p", "t.n"), 0);
    assert_int_equal(ownership_mark(null, "p", "t.n"), 0);
    text = js_canonical(with);
    assert_string_equal(
        text, "{\"tags\":{\"mlopsd:address\":\"t.n/k\",\"mlopsd:platform\":\"p\",\"team\":\"ml\"}}");
    assert_true(js_equal(without, null));
    assert_int_equal(ownership_of(without, "p", "t.n"), OWNER_US);
}

static void an_address_longer_than_a_tag_is_cut_and_still_ours(void **state)
{
    struct json_object *thing CLEANUP_JS = document("{}");
    char address[400];
    struct json_object *tags;

    (void)state;
    memset(address, 'x', sizeof(address));
    memcpy(address, "t.n[\"", 5);
    memcpy(address + sizeof(address) - 3, "\"]", 3);
    assert_int_equal(ownership_mark(thing, "p", address), 0);
    tags = js_get(thing, "tags");
    js_each (tags, key, value)
        assert_true(strlen(key) < 128 && json_object_get_string_len(value) <= 256);
    assert_int_equal(ownership_of(thing, "p", address), OWNER_US);
    address[sizeof(address) - 4] = 'y'; /* behind the cut */
    assert_int_equal(ownership_of(thing, "p", address), OWNER_OTHERS);
}

static void owners_are_told_apart(void **state)
{
    static const struct {
        const char *document;
        enum owner owner;
    } rows[] = {
        {"{}", OWNER_NOBODY},
        {"{\"tags\":{}}", OWNER_NOBODY},
        {"{\"tags\":null}", OWNER_NOBODY},
        {"{\"tags\":{\"team\":\"ml\"}}", OWNER_NOBODY},
        {"{\"tags\":{\"mlopsd:platform\":\"p\",\"mlopsd:address\":\"t.n\"}}", OWNER_US},
        {"{\"tags\":{\"mlopsd:platform\":\"q\",\"mlopsd:address\":\"t.n\"}}", OWNER_OTHERS},
        {"{\"tags\":{\"mlopsd:platform\":\"p\",\"mlopsd:address\":\"t.m\"}}", OWNER_OTHERS},
        {"{\"tags\":{\"mlopsd:platform\":\"P\",\"mlopsd:address\":\"t.n\"}}", OWNER_OTHERS},
        {"{\"tags\":{\"mlopsd:platform\":\"p\"}}", OWNER_OTHERS},
        {"{\"tags\":{\"mlopsd:address\":\"t.n\"}}", OWNER_OTHERS},
        {"{\"tags\":{\"mlopsd:platform\":1,\"mlopsd:address\":\"t.n\"}}", OWNER_OTHERS},
        {"{\"tags\":[\"mlopsd:platform\"]}", OWNER_NOBODY},
        {"{\"tags\":\"mlopsd:platform\"}", OWNER_NOBODY},
        {"[]", OWNER_NOBODY},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct json_object *object CLEANUP_JS = document(rows[i].document);

        if (ownership_of(object, "p", "t.n") != rows[i].owner)
            fail_msg("%s", rows[i].document);
    }
    assert_int_equal(ownership_of(NULL, "p", "t.n"), OWNER_NOBODY);
}

static void an_intent_is_known_by_its_token(void **state)
{
    struct json_object *object CLEANUP_JS = document("{\"tags\":{\"mlopsd:intent\":\"abc\"}}");
    struct json_object *bare CLEANUP_JS = document("{}");

    (void)state;
    assert_true(ownership_by_intent(object, "abc"));
    assert_false(ownership_by_intent(object, "abd"));
    assert_false(ownership_by_intent(object, NULL));
    assert_false(ownership_by_intent(bare, "abc"));
    assert_false(ownership_by_intent(NULL, "abc"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_addresses_stand_as_they_are),
        cmocka_unit_test(keys_stand_behind_a_slash_with_odd_bytes_in_hex),
        cmocka_unit_test(different_addresses_never_look_alike),
        cmocka_unit_test(marks_are_added_to_the_declared_tags),
        cmocka_unit_test(an_address_longer_than_a_tag_is_cut_and_still_ours),
        cmocka_unit_test(owners_are_told_apart),
        cmocka_unit_test(an_intent_is_known_by_its_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
