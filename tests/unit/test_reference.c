/*
 * test_reference.c: finding references in text, and putting values in.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/js.h"
#include "desired/reference.h"

/* ---- finding ---- */

static void find_splits_addresses_and_attributes(void **state)
{
    struct references found = {0};

    (void)state;
    assert_int_equal(
        references_find(
            "a ${test_thing.x.arn}-${ test_thing.y[\"k}.1\"].box.depth }${credential.github-token}", &found,
            NULL),
        0);
    assert_int_equal(found.count, 3);
    assert_string_equal(found.items[0].text, "test_thing.x.arn");
    assert_string_equal(found.items[0].address, "test_thing.x");
    assert_string_equal(found.items[0].attribute, "arn");
    assert_int_equal(found.items[0].offset, 2);
    assert_int_equal(found.items[0].length, 19);
    assert_string_equal(found.items[1].text, "test_thing.y[\"k}.1\"].box.depth");
    assert_string_equal(found.items[1].address, "test_thing.y[\"k}.1\"]");
    assert_string_equal(found.items[1].attribute, "box.depth");
    assert_null(found.items[2].address);
    assert_string_equal(found.items[2].attribute, "credential.github-token");
    references_done(&found);
}

static void find_passes_over_escapes(void **state)
{
    struct references found = {0};

    (void)state;
    assert_int_equal(references_find("$${aws:username} $ $x $$ {} $$${var.a}", &found, NULL), 0);
    assert_int_equal(found.count, 0);
    references_done(&found);
}

static void find_refuses(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"a${b.c.d", "unclosed ${: a } is missing (a literal ${ is written $${)"},
        {"${a.b.c ${d.e.f}", "unclosed ${: a } is missing (a literal ${ is written $${)"},
        {"${}", "empty ${}: write ${TYPE.NAME.ATTRIBUTE}, or $${ for a literal ${"},
        {"${  }", "empty ${}: write ${TYPE.NAME.ATTRIBUTE}, or $${ for a literal ${"},
        {"${aws:username}",
         "${aws:username} is no reference; an IAM policy variable is written $${aws:username}"},
        {"${a.b}", "${a.b} is no reference: write ${TYPE.NAME.ATTRIBUTE}, or $${ for a literal ${"},
        {"${a.b.}", "${a.b.} is no reference: write ${TYPE.NAME.ATTRIBUTE}, or $${ for a literal ${"},
        {"${a.b[k].c}", "${a.b[k].c} is no reference: write ${TYPE.NAME.ATTRIBUTE}, or $${ for a literal ${"},
        {"${var.}", "${var.} is no reference: write ${TYPE.NAME.ATTRIBUTE}, or $${ for a literal ${"},
        {"${lower(a.b.c)}",
         "${lower(a.b.c)} is no reference: there are no functions or operators, only TYPE.NAME.ATTRIBUTE"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct references found = {0};
        struct err err = {0};

        assert_int_equal(references_find(cases[i].text, &found, &err), -EBADMSG);
        assert_string_equal(err_text(&err), cases[i].message);
        assert_int_equal(found.count, 0);
        err_done(&err);
    }
}

static void find_has_an_end(void **state)
{
    struct buf text = BUF_INIT(1 << 16);
    struct references found = {0};
    struct err err = {0};

    (void)state;
    for (int i = 0; i < 100; i++)
        assert_int_equal(buf_add_text(&text, "${a.b.c}"), 0);
    assert_int_equal(references_find(buf_text(&text), &found, &err), 0);
    assert_int_equal(found.count, 100);
    references_done(&found);
    assert_int_equal(buf_add_text(&text, "${a.b.c}"), 0);
    assert_int_equal(references_find(buf_text(&text), &found, &err), -EBADMSG);
    assert_string_equal(err_text(&err), "more than 100 references in one text");
    err_done(&err);
    buf_done(&text);
}

/* ---- resolving ---- */

/* A world: "arn" and the like are known, everything named "later" is not, "fail" fails. */
static int world_value(void *data, const struct reference *reference, struct json_object **ret,
                       struct err *err)
{
    (void)data;
    if (strstr(reference->text, "later"))
        return RESOLVE_LATER;
    if (strstr(reference->text, "fail"))
        return err_set(err, -EIO, ERR_RETRY, "no luck with %s", reference->text);
    if (strstr(reference->text, "number"))
        *ret = json_object_new_int64(7);
    else if (strstr(reference->text, "endpoints"))
        assert_int_equal(js_parse_text("[\"e1\",\"e2\"]", ret, NULL), 0);
    else if (strstr(reference->text, "detail"))
        assert_int_equal(js_parse_text("{\"deep\":true}", ret, NULL), 0);
    else if (strstr(reference->text, "null"))
        *ret = NULL;
    else
        *ret = json_object_new_string("arn:1");
    return RESOLVED;
}

static int world_secret(void *data, const struct reference *reference, struct secret **ret, struct err *err)
{
    (void)data;
    (void)err;
    if (strstr(reference->text, "later"))
        return RESOLVE_LATER;
    *ret = secret_new_text("s3cret");
    return *ret ? RESOLVED : -ENOMEM;
}

/* Tells the text, which a real one never would. */
static char *world_fingerprint(void *data, const struct secret *value)
{
    (void)data;
    return str_format("fp:%s", secret_text(value));
}

static const struct resolver world = {
    .value = world_value, .secret = world_secret, .fingerprint = world_fingerprint};

static void assert_resolves(const char *type, const char *body, const char *expected,
                            const char *expected_waiting)
{
    struct json_object *document = NULL;
    struct strv waiting = {0};
    struct buf names = BUF_INIT(1 << 12);
    struct err err = {0};
    char *text;

    assert_int_equal(resolve_body(kind_find(type), body, &world, &document, &waiting, &err), 0);
    text = js_canonical(document);
    assert_string_equal(text, expected);
    for (size_t i = 0; i < waiting.count; i++)
        assert_int_equal(buf_addf(&names, "%s%s", i > 0 ? " " : "", waiting.items[i]), 0);
    assert_string_equal(buf_text(&names), expected_waiting);
    free(text);
    buf_done(&names);
    strv_done(&waiting);
    json_object_put(document);
}

static void body_takes_values_with_their_types(void **state)
{
    (void)state;
    assert_resolves(
        "test_thing",
        "{\"engine\":\"${test_thing.x.number}\",\"labels\":\"${test_thing.x.endpoints}\","
        "\"name\":\"n-${test_thing.x.number}-$${x}\",\"size\":\"${test_thing.x.number}\","
        "\"policy\":{\"${test_thing.x.arn}:sub\":\"$${aws:username}\",\"n\":\"${test_thing.x.number}\"}}",
        "{\"engine\":\"7\",\"labels\":[\"e1\",\"e2\"],\"name\":\"n-7-${x}\","
        "\"policy\":{\"arn:1:sub\":\"${aws:username}\",\"n\":7},\"size\":7}",
        "");
}

static void body_marks_what_is_not_known_yet(void **state)
{
    (void)state;
    assert_resolves("test_thing",
                    "{\"labels\":[\"a-${test_thing.later.arn}\",\"b\"],\"name\":\"${test_thing.later.id}\","
                    "\"policy\":{\"a\":{\"${test_thing.later.id}:sub\":1}},"
                    "\"tags\":{\"x\":\"${test_thing.x.arn}${test_thing.later.arn}\"}}",
                    "{\"labels\":[{\"unknown\":\"test_thing.later.arn\"},\"b\"],"
                    "\"name\":{\"unknown\":\"test_thing.later.id\"},"
                    "\"policy\":{\"a\":{\"unknown\":\"test_thing.later.id\"}},"
                    "\"tags\":{\"x\":{\"unknown\":\"test_thing.later.arn\"}}}",
                    "test_thing.later.arn test_thing.later.id");
}

static void body_has_fingerprints_in_place_of_secrets(void **state)
{
    (void)state;
    assert_resolves("test_secret",
                    "{\"name\":\"n\",\"parts\":{\"a\":\"literal\",\"b\":\"${test_password.later.result}\"},"
                    "\"value\":\"u:${test_password.p.result}@${test_thing.x.number}$${\"}",
                    "{\"name\":\"n\",\"parts\":{\"a\":{\"secret\":\"fp:literal\"},"
                    "\"b\":{\"unknown\":\"test_password.later.result\"}},"
                    "\"value\":{\"secret\":\"fp:u:s3cret@7${\"}}",
                    "test_password.later.result");
}

static void body_never_holds_a_sensitive_value_elsewhere(void **state)
{
    (void)state;
    /* Refused when the file is read; and should it ever come here, still no clear text. */
    assert_resolves("test_thing", "{\"name\":\"x-${test_password.p.result}\"}",
                    "{\"name\":{\"secret\":\"fp:x-s3cret\"}}", "");
}

static void body_fails_with_the_resolver(void **state)
{
    static const struct {
        const char *body, *message;
        int code;
    } cases[] = {
        {"{\"name\":\"${test_thing.fail.arn}\"}", "no luck with test_thing.fail.arn", -EIO},
        {"{\"name\":\"x${test_thing.x.endpoints}\"}", "${test_thing.x.endpoints} is ", -EINVAL},
        {"{\"name\":\"${test_thing.x.endpoints}\"}", "${test_thing.x.endpoints} is ", -EINVAL},
        {"{\"size\":\"${test_thing.x.arn}\"}", "${test_thing.x.arn} is no integer", -EINVAL},
        {"{\"enabled\":\"${test_thing.x.arn}\"}", "${test_thing.x.arn} is neither true nor false", -EINVAL},
        {"{\"name\":\"x${test_thing.null.arn}\"}", "${test_thing.null.arn} is ", -EINVAL},
        {"{\"name\":\"${unclosed\"}", "unclosed ${", -EBADMSG},
        {"{\"policy\":{\"${test_thing.x.endpoints}\":1}}", "the key ", -EINVAL},
        {"{\"name\":", "", -EBADMSG},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct json_object *document = NULL;
        struct err err = {0};

        assert_int_equal(resolve_body(kind_find("test_thing"), cases[i].body, &world, &document, NULL, &err),
                         cases[i].code);
        assert_true(str_starts(err_text(&err), cases[i].message));
        assert_null(document);
        err_done(&err);
    }
}

static void value_resolves_outputs(void **state)
{
    struct json_object *value = NULL, *resolved = NULL;
    struct resolver without_secrets = world;
    struct err err = {0};
    char *text;

    (void)state;
    assert_int_equal(js_parse_text("{\"a\":\"${test_thing.x.detail}\",\"b\":[\"${test_password.p.result}\"]}",
                                   &value, NULL),
                     0);
    assert_int_equal(resolve_value(value, &world, &resolved, NULL, &err), 0);
    text = js_canonical(resolved);
    assert_string_equal(text, "{\"a\":{\"deep\":true},\"b\":[{\"secret\":\"fp:s3cret\"}]}");
    free(text);
    json_object_put(resolved);
    resolved = NULL;
    without_secrets.secret = NULL;
    assert_int_equal(resolve_value(value, &without_secrets, &resolved, NULL, &err), -EINVAL);
    assert_int_equal(err.class, ERR_BUG);
    err_done(&err);
    json_object_put(value);
}

static void secret_is_assembled(void **state)
{
    struct secret *secret = NULL;
    struct err err = {0};

    (void)state;
    assert_int_equal(
        resolve_secret("a$${b}$${${test_password.p.result}-${credential.x}$${", &world, &secret, &err),
        RESOLVED);
    assert_string_equal(secret_text(secret), "a${b}${s3cret-s3cret${");
    secret = secret_free(secret);
    assert_int_equal(resolve_secret("", &world, &secret, &err), RESOLVED);
    assert_int_equal(secret_size(secret), 0);
    secret = secret_free(secret);
    assert_int_equal(resolve_secret("x${test_password.later.result}", &world, &secret, &err), RESOLVE_LATER);
    assert_null(secret);
}

/* ---- documents ---- */

static void unknowns_are_found(void **state)
{
    static const struct {
        const char *document;
        bool unknown, key_known;
    } cases[] = {
        {"{\"name\":\"a\"}", false, true},
        {"{\"name\":{\"unknown\":\"x.y.z\"}}", true, false},
        {"{\"name\":\"a\",\"tags\":{\"x\":[{\"unknown\":\"x.y.z\"}]}}", true, true},
        {"{\"name\":\"a\",\"tags\":{\"unknown\":\"x\",\"other\":1}}", false, true},
        {"{\"size\":1}", false, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct json_object *document = NULL;

        assert_int_equal(js_parse_text(cases[i].document, &document, NULL), 0);
        assert_int_equal(document_has_unknown(document), cases[i].unknown);
        assert_int_equal(document_key_known(kind_find("test_thing"), document), cases[i].key_known);
        json_object_put(document);
    }
}

static void a_document_is_named_by_its_identity(void **state)
{
    static const char *const identity[] = {"kind", "metadata.name", NULL};
    static const struct field rows[] = {{.name = "manifest",
                                         .type = FIELD_DOCUMENT,
                                         .flags = FIELD_REQUIRED | FIELD_KEY,
                                         .identity = identity},
                                        {0}};
    static const struct kind kind = {.type = "documents", .fields = rows};
    static const struct {
        const char *document;
        bool key_known;
    } cases[] = {
        {"{\"manifest\":{\"kind\":\"a\",\"metadata\":{\"name\":\"n\"},\"spec\":{\"unknown\":\"x.y.z\"}}}",
         true},
        {"{\"manifest\":{\"kind\":\"a\",\"metadata\":{\"name\":{\"unknown\":\"x.y.z\"}}}}", false},
        {"{\"manifest\":{\"kind\":\"a\",\"metadata\":{\"unknown\":\"x.y.z\"}}}", false},
        {"{\"manifest\":{\"unknown\":\"x.y.z\"}}", false},
        {"{}", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct json_object *document = NULL;

        assert_int_equal(js_parse_text(cases[i].document, &document, NULL), 0);
        assert_int_equal(document_key_known(&kind, document), cases[i].key_known);
        json_object_put(document);
    }
}

static int setup(void **state)
{
    (void)state;
    return crypto_setup();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find_splits_addresses_and_attributes),
        cmocka_unit_test(find_passes_over_escapes),
        cmocka_unit_test(find_refuses),
        cmocka_unit_test(find_has_an_end),
        cmocka_unit_test(body_takes_values_with_their_types),
        cmocka_unit_test(body_marks_what_is_not_known_yet),
        cmocka_unit_test(body_has_fingerprints_in_place_of_secrets),
        cmocka_unit_test(body_never_holds_a_sensitive_value_elsewhere),
        cmocka_unit_test(body_fails_with_the_resolver),
        cmocka_unit_test(value_resolves_outputs),
        cmocka_unit_test(secret_is_assembled),
        cmocka_unit_test(unknowns_are_found),
        cmocka_unit_test(a_document_is_named_by_its_identity),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
