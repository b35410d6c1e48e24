/*
 * test_kind_random_password.c: what is generated, kept, seen, and refused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/js.h"
#include "common/str.h"
#include "kinds/registry-internal.h"

#define ADDRESS "random_password.db"

/* A host with one sealed place. */
static struct secret *kept;
static unsigned writes;
static bool refuse;

static int before_write(struct kind_op *op, const char *operation, struct err *err)
{
    (void)op;
    writes++;
    return refuse ? err_set(err, -EPERM, ERR_CANCELED, "%s: check mode", operation) : 0;
}

static int keep_secret(struct kind_op *op, const char *attribute, const struct secret *value, struct err *err)
{
    (void)op;
    (void)err;
    assert_string_equal(attribute, "result");
    secret_free(kept);
    kept = secret_copy(value);
    return 0;
}

static char *fingerprint(void *host_data, const struct secret *value)
{
    (void)host_data;
    return digest_text(secret_text(value));
}

static char *kept_secret(void *host_data, const char *address, const char *attribute)
{
    (void)host_data;
    assert_string_equal(address, ADDRESS);
    assert_string_equal(attribute, "result");
    return kept ? digest_text(secret_text(kept)) : NULL;
}

static const struct kind_host host = {
    .before_write = before_write,
    .keep_secret = keep_secret,
    .fingerprint = fingerprint,
    .kept_secret = kept_secret,
};

static int setup(void **state)
{
    (void)state;
    kept = secret_free(kept);
    writes = 0;
    refuse = false;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kept = secret_free(kept);
    return 0;
}

static struct json_object *parse(const char *text)
{
    struct json_object *object = NULL;

    assert_int_equal(js_parse_text(text, &object, NULL), 0);
    return object;
}

static void op_done(struct kind_op *op)
{
    json_object_put(op->desired);
    json_object_put(op->ret_attributes);
    json_object_put(op->ret_memory);
    free(op->ret_id);
    err_done(op->err);
}

static struct err op_err;

static int create(struct kind_op *op, const char *desired)
{
    *op = (struct kind_op){.kind = &random_password_kind,
                           .address = ADDRESS,
                           .desired = parse(desired),
                           .host = &host,
                           .err = &op_err};
    return random_password_kind.create(op);
}

/* Generate once; the text is borrowed until the next time. */
static const char *generated(const char *desired)
{
    struct kind_op op;

    assert_int_equal(create(&op, desired), 0);
    op_done(&op);
    return secret_text(kept);
}

static size_t count_of(const char *text, const char *characters)
{
    size_t count = 0;

    for (; *text; text++)
        count += strchr(characters, *text) != NULL;
    return count;
}

#define LOWER   "abcdefghijklmnopqrstuvwxyz"
#define UPPER   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"
#define SPECIAL "!@#$%&*()-_=+[]{}<>:?"

/* ---- generating ---- */

static void password_has_its_length_and_all_classes(void **state)
{
    const char *text = generated("{\"length\": 400}");

    (void)state;
    assert_int_equal(strlen(text), 400);
    assert_int_equal(count_of(text, LOWER UPPER DIGITS SPECIAL), 400);
    /* That one of these is missing by chance has a probability below 1e-20. */
    assert_true(count_of(text, LOWER) > 0 && count_of(text, UPPER) > 0);
    assert_true(count_of(text, DIGITS) > 0 && count_of(text, SPECIAL) > 0);
}

static void switched_off_classes_do_not_occur(void **state)
{
    const char *text = generated("{\"length\": 400, \"special\": false, \"upper\": false}");

    (void)state;
    assert_int_equal(count_of(text, LOWER DIGITS), 400);
    text = generated("{\"length\": 30, \"special\": false, \"upper\": false, \"lower\": false}");
    assert_int_equal(count_of(text, DIGITS), 30);
}

static void minimums_are_kept(void **state)
{
    const char *desired =
        "{\"length\": 10, \"min_special\": 4, \"min_numeric\": 3, \"min_upper\": 2, \"min_lower\": 1}";
    unsigned first_is_lower = 0;

    (void)state;
    for (int i = 0; i < 200; i++) {
        const char *text = generated(desired);

        assert_int_equal(strlen(text), 10);
        assert_int_equal(count_of(text, SPECIAL), 4);
        assert_int_equal(count_of(text, DIGITS), 3);
        assert_int_equal(count_of(text, UPPER), 2);
        first_is_lower += text[0] >= 'a' && text[0] <= 'z';
    }
    /* Shuffled: about 20 of 200 begin with the lower-case letter, not all of them. */
    assert_in_range(first_is_lower, 1, 80);
}

static void own_special_characters_replace_the_usual(void **state)
{
    const char *text = generated("{\"length\": 300, \"override_special\": \"~^\", \"min_special\": 5}");

    (void)state;
    assert_int_equal(count_of(text, SPECIAL), 0);
    assert_true(count_of(text, "~^") >= 5);
    assert_int_equal(count_of(text, LOWER UPPER DIGITS "~^"), 300);
}

static void two_passwords_differ(void **state)
{
    char *first CLEANUP_FREE = strdup(generated("{\"length\": 32}"));

    (void)state;
    assert_string_not_equal(first, generated("{\"length\": 32}"));
}

static void impossible_arguments_keep_nothing(void **state)
{
    static const char *const bad[] = {
        "{\"length\": 0}",
        "{}",
        "{\"length\": 1025}",
        "{\"length\": 3, \"min_lower\": 2, \"min_upper\": 2}",
        "{\"length\": 3, \"special\": false, \"upper\": false, \"lower\": false, \"numeric\": false}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct kind_op op;

        assert_int_equal(create(&op, bad[i]), -EINVAL);
        assert_int_equal(op_err.class, ERR_INVALID);
        op_done(&op);
    }
    assert_null(kept);
}

static void refused_write_keeps_nothing(void **state)
{
    struct kind_op op;

    (void)state;
    refuse = true;
    assert_int_equal(create(&op, "{\"length\": 8}"), -EPERM);
    op_done(&op);
    assert_null(kept);
}

static void create_tells_id_notes_and_fingerprint_but_no_value(void **state)
{
    struct kind_op op;
    char *fp CLEANUP_FREE = NULL;
    const char *texts[2];

    (void)state;
    assert_int_equal(create(&op, "{\"length\": 20, \"keepers\": {\"a\": \"1\"}}"), 0);
    assert_string_equal(op.ret_id, ADDRESS);
    fp = digest_text(secret_text(kept));
    assert_string_equal(js_text(op.ret_attributes, "result.secret"), fp);
    assert_int_equal(js_int(op.ret_memory, "length", 0), 20);
    assert_string_equal(js_text(op.ret_memory, "keepers.a"), "1");
    assert_false(op.ret_settling);
    texts[0] = json_object_to_json_string(op.ret_memory);
    texts[1] = json_object_to_json_string(op.ret_attributes);
    for (int i = 0; i < 2; i++)
        assert_null(strstr(texts[i], secret_text(kept)));
    op_done(&op);
}

/* ---- looking ---- */

static struct kind_item item;

static void look(const char *desired, const char *memory, const char *id)
{
    struct kind_batch batch = {.kind = &random_password_kind, .items = &item, .count = 1, .host = &host};

    item = (struct kind_item){
        .address = ADDRESS, .desired = parse(desired), .memory = memory ? parse(memory) : NULL, .id = id};
    assert_int_equal(random_password_kind.observe(&batch), 0);
}

static void item_done(void)
{
    json_object_put(item.desired);
    json_object_put(item.memory);
    json_object_put(item.observed);
    free(item.ret_id);
    err_done(&item.err);
}

static size_t differences(bool *replace)
{
    struct diff diff CLEANUP_DIFF = {0};

    assert_int_equal(diff_documents(&random_password_kind, item.desired, item.observed, &diff, NULL), 0);
    *replace = diff.replace;
    return diff.count;
}

static void nothing_kept_is_absent(void **state)
{
    (void)state;
    look("{\"length\": 8}", NULL, NULL);
    assert_int_equal(item.state, ITEM_ABSENT);
    item_done();
}

static void lost_copy_of_a_known_password_is_unknown_not_absent(void **state)
{
    (void)state;
    look("{\"length\": 8}", "{\"length\": 8}", ADDRESS);
    assert_int_equal(item.state, ITEM_UNKNOWN);
    assert_int_equal(item.err.class, ERR_BUG);
    item_done();
}

static void unchanged_arguments_are_in_order(void **state)
{
    bool replace;
    char *fp CLEANUP_FREE = NULL;

    (void)state;
    kept = secret_new_text("abc");
    fp = digest_text("abc");
    look("{\"length\": 3, \"special\": true, \"keepers\": {}}",
         "{\"length\": 3, \"special\": true, \"keepers\": {}}", ADDRESS);
    assert_int_equal(item.state, ITEM_PRESENT);
    assert_string_equal(item.ret_id, ADDRESS);
    assert_string_equal(js_text(item.observed, "result.secret"), fp);
    assert_int_equal(differences(&replace), 0);
    item_done();
}

static void password_without_notes_is_taken_as_it_is(void **state)
{
    bool replace;

    (void)state;
    kept = secret_new_text("abc");
    look("{\"length\": 3, \"keepers\": {\"a\": \"1\"}}", NULL, NULL);
    assert_int_equal(item.state, ITEM_PRESENT);
    assert_int_equal(differences(&replace), 0);
    item_done();
}

static void changed_argument_means_a_new_password(void **state)
{
    static const char *const changed[] = {
        "{\"length\": 4, \"special\": true, \"keepers\": {\"a\": \"1\"}}",
        "{\"length\": 3, \"special\": false, \"keepers\": {\"a\": \"1\"}}",
        "{\"length\": 3, \"special\": true, \"keepers\": {\"a\": \"2\"}}",
        "{\"length\": 3, \"special\": true, \"keepers\": {}}",
        "{\"length\": 3, \"special\": true, \"keepers\": {\"a\": \"1\", \"b\": \"1\"}}",
    };

    (void)state;
    kept = secret_new_text("abc");
    for (size_t i = 0; i < ARRAY_SIZE(changed); i++) {
        bool replace;

        look(changed[i], "{\"length\": 3, \"special\": true, \"keepers\": {\"a\": \"1\"}}", ADDRESS);
        assert_int_equal(differences(&replace), 1);
        assert_true(replace);
        item_done();
    }
}

/* ---- checking ---- */

static unsigned problems;
static char *last_problem;

static void problem(struct kind_check *check, const char *path, const char *format, ...)
{
    va_list arguments;
    char *text = NULL;

    (void)check;
    problems++;
    va_start(arguments, format);
    assert_true(vasprintf(&text, format, arguments) >= 0);
    va_end(arguments);
    free(last_problem);
    last_problem = str_format("%s: %s", path, text);
    free(text);
}

static unsigned problems_of(const char *document)
{
    struct kind_check check = {.document = parse(document), .problem = problem, .warning = problem};

    problems = 0;
    random_password_kind.check(&check);
    json_object_put(check.document);
    return problems;
}

static void check_finds_impossible_arguments(void **state)
{
    (void)state;
    assert_int_equal(problems_of("{\"length\": 8}"), 0);
    assert_int_equal(problems_of("{\"length\": 4, \"min_lower\": 4}"), 0);
    assert_int_equal(problems_of("{\"length\": 4, \"min_lower\": 3, \"min_upper\": 2}"), 1);
    assert_non_null(strstr(last_problem, "length: length is 4"));
    assert_int_equal(problems_of("{\"length\": 4, \"upper\": false, \"min_upper\": 1}"), 1);
    assert_non_null(strstr(last_problem, "min_upper: "));
    assert_int_equal(
        problems_of(
            "{\"length\": 4, \"upper\": false, \"lower\": false, \"numeric\": false, \"special\": false}"),
        1);
    /* references say nothing yet */
    assert_int_equal(problems_of("{\"length\": \"${var.n}\", \"min_upper\": 2, \"upper\": \"${var.b}\"}"), 0);
    free(TAKE(last_problem));
}

static void special_characters_are_printable_ascii(void **state)
{
    const struct field *field = field_find(random_password_kind.fields, "override_special");

    (void)state;
    assert_true(field->accepts("!~"));
    assert_false(field->accepts(""));
    assert_false(field->accepts("a b"));
    assert_false(field->accepts("\xc3\xa4"));
    assert_false(field->accepts("\n"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(password_has_its_length_and_all_classes),
        CASE(switched_off_classes_do_not_occur),
        CASE(minimums_are_kept),
        CASE(own_special_characters_replace_the_usual),
        CASE(two_passwords_differ),
        CASE(impossible_arguments_keep_nothing),
        CASE(refused_write_keeps_nothing),
        CASE(create_tells_id_notes_and_fingerprint_but_no_value),
        CASE(nothing_kept_is_absent),
        CASE(lost_copy_of_a_known_password_is_unknown_not_absent),
        CASE(unchanged_arguments_are_in_order),
        CASE(password_without_notes_is_taken_as_it_is),
        CASE(changed_argument_means_a_new_password),
        CASE(check_finds_impossible_arguments),
        CASE(special_characters_are_printable_ascii),
    };

    if (crypto_setup() < 0)
        return 1;
    return cmocka_run_group_tests_name("kind_random_password", tests, NULL, NULL);
}
