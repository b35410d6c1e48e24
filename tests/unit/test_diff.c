/*
 * test_diff.c: the generic diff, on a kind made up for it: every field type,
 * every flag that matters to comparing, paths, severities, walks.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/js.h"
#include "kinds/diff.h"
#include "kinds/kind.h"

static const struct field rule_fields[] = {
    {.name = "name", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .doc = "x."},
    {.name = "port", .type = FIELD_INTEGER, .doc = "x."},
    {.name = "policy", .type = FIELD_POLICY, .flags = FIELD_SECURITY, .doc = "x."},
    {0},
};
static const struct field box_fields[] = {
    {.name = "size", .type = FIELD_INTEGER, .doc = "x."},
    {.name = "born", .type = FIELD_INTEGER, .flags = FIELD_CREATE_ONCE, .doc = "x."},
    {.name = "lock", .type = FIELD_STRING, .flags = FIELD_SECURITY, .fallback = "null", .doc = "x."},
    {0},
};
static const char *const identity[] = {"kind", "metadata.name", NULL};
static const struct field fields[] = {
    {.name = "name",
     .type = FIELD_STRING,
     .flags = FIELD_REQUIRED | FIELD_KEY | FIELD_IMMUTABLE,
     .doc = "x."},
    {.name = "nick", .type = FIELD_STRING, .flags = FIELD_IGNORE_CASE, .doc = "x."},
    {.name = "count", .type = FIELD_INTEGER, .flags = FIELD_SECURITY, .doc = "x."},
    {.name = "open", .type = FIELD_BOOLEAN, .doc = "x."},
    {.name = "engine", .type = FIELD_VERSION, .doc = "x."},
    {.name = "steps", .type = FIELD_LIST, .element = FIELD_STRING, .doc = "x."},
    {.name = "chain", .type = FIELD_LIST, .element = FIELD_STRING, .flags = FIELD_EXCLUSIVE, .doc = "x."},
    {.name = "users",
     .type = FIELD_SET,
     .element = FIELD_STRING,
     .flags = FIELD_EXCLUSIVE | FIELD_SECURITY,
     .fallback = "[]",
     .doc = "x."},
    {.name = "guests", .type = FIELD_SET, .element = FIELD_STRING, .doc = "x."},
    {.name = "rules",
     .type = FIELD_SET,
     .element = FIELD_OBJECT,
     .members = rule_fields,
     .key = "name",
     .flags = FIELD_EXCLUSIVE,
     .doc = "x."},
    {.name = "box", .type = FIELD_OBJECT, .members = box_fields, .doc = "x."},
    {.name = "labels", .type = FIELD_MAP, .element = FIELD_STRING, .flags = FIELD_EXCLUSIVE, .doc = "x."},
    {.name = "trust", .type = FIELD_POLICY, .flags = FIELD_SECURITY, .doc = "x."},
    {.name = "gate",
     .type = FIELD_POLICY,
     .flags = FIELD_EXCLUSIVE | FIELD_SECURITY,
     .fallback = "null",
     .doc = "x."},
    {.name = "note", .type = FIELD_STRING, .doc = "x."},
    {.name = "key", .type = FIELD_SECRET, .flags = FIELD_SECURITY, .doc = "x."},
    {.name = "token", .type = FIELD_STRING, .flags = FIELD_SENSITIVE, .doc = "x."},
    {.name = "force", .type = FIELD_BOOLEAN, .flags = FIELD_LOCAL, .doc = "x."},
    {.name = "tags", .type = FIELD_MAP, .element = FIELD_STRING, .doc = "x."},
    {.name = "manifest", .type = FIELD_DOCUMENT, .identity = identity, .doc = "x."},
    {0},
};
static const struct kind thing = {.type = "thing", .fields = fields};

static struct json_object *json(const char *text)
{
    struct json_object *object = NULL;
    struct err err = {0};

    if (js_parse_text(text, &object, &err) < 0)
        fail_msg("%s in %s", err_text(&err), text);
    return object;
}

/* The diff as lines "PATH WHAT SEVERITY DESIRED OBSERVED[ ?]", and "replace" at the end where it says so. */
static void expect_of(const struct kind *kind, const char *desired, const char *observed,
                      const char *expected)
{
    struct json_object *wanted CLEANUP_JS = json(desired);
    struct json_object *seen CLEANUP_JS = json(observed);
    char *before CLEANUP_FREE = js_canonical(wanted), *after CLEANUP_FREE = NULL;
    struct buf lines CLEANUP_BUF = BUF_INIT(65536);
    struct diff diff CLEANUP_DIFF = {0};

    assert_int_equal(diff_documents(kind, wanted, seen, &diff, NULL), 0);
    for (size_t i = 0; i < diff.count; i++) {
        const struct diff_entry *entry = &diff.entries[i];

        buf_addf(&lines, "%s %s %s %s %s%s\n", entry->path, diff_what_name(entry->what),
                 severity_name(entry->severity), entry->desired ? entry->desired : "-",
                 entry->observed ? entry->observed : "-", entry->unknown_after ? " ?" : "");
    }
    if (diff.replace)
        buf_add_text(&lines, "replace\n");
    assert_string_equal(buf_text(&lines), expected);
    after = js_canonical(wanted);
    assert_string_equal(before, after); /* read only */
}

static void expect(const char *desired, const char *observed, const char *expected)
{
    expect_of(&thing, desired, observed, expected);
}

static void make(struct diff *diff, const char *desired, const char *observed)
{
    struct json_object *wanted CLEANUP_JS = json(desired);
    struct json_object *seen CLEANUP_JS = json(observed);

    assert_int_equal(diff_documents(&thing, wanted, seen, diff, NULL), 0);
}

static void diff_compares_declared_fields_only(void **state)
{
    (void)state;
    expect("{\"name\":\"a\"}",
           "{\"name\":\"a\",\"open\":true,\"note\":\"x\",\"labels\":{\"a\":\"b\"},\"other\":1}", "");
    expect("{\"name\":\"a\",\"note\":null}", "{\"name\":\"a\",\"note\":\"x\"}", "");
    expect("{\"name\":\"a\",\"force\":true}", "{\"name\":\"a\"}", "");
}

static void diff_names_changed_and_missing_scalars(void **state)
{
    (void)state;
    expect("{\"open\":true,\"count\":3}", "{\"open\":false,\"count\":4}",
           "count changed critical 3 4\nopen changed warning true false\n");
    expect("{\"note\":\"x\"}", "{}", "note missing warning \"x\" -\n");
    expect("{\"note\":\"x\"}", "{\"note\":null}", "note missing warning \"x\" -\n");
    expect("{\"note\":\"x\"}", "{\"note\":\"X\"}", "note changed warning \"x\" \"X\"\n");
    expect("{\"nick\":\"x\"}", "{\"nick\":\"X\"}", "");
}

static void diff_of_an_immutable_field_means_replace(void **state)
{
    (void)state;
    expect("{\"name\":\"a\",\"open\":true}", "{\"name\":\"b\",\"open\":false}",
           "name changed warning \"a\" \"b\"\nopen changed warning true false\nreplace\n");
}

static void diff_of_a_version_takes_the_prefix_and_never_lowers(void **state)
{
    (void)state;
    expect("{\"engine\":\"16\"}", "{\"engine\":\"16.4\"}", "");
    expect("{\"engine\":\"16.4\"}", "{\"engine\":\"16.10\"}", "");
    expect("{\"engine\":\"16.4\"}", "{\"engine\":\"16.3\"}", "engine changed warning \"16.4\" \"16.3\"\n");
    expect("{\"engine\":\"16\"}", "{\"engine\":\"17.1\"}", "");
    expect("{\"engine\":\"16\"}", "{\"engine\":\"1.6\"}", "engine changed warning \"16\" \"1.6\"\n");
    expect("{\"engine\":\"1.29\"}", "{\"engine\":\"1.3\"}", "engine changed warning \"1.29\" \"1.3\"\n");
}

static void diff_of_a_list_goes_by_place(void **state)
{
    (void)state;
    expect("{\"steps\":[\"a\",\"b\"]}", "{\"steps\":[\"b\",\"a\"]}",
           "steps[0] changed warning \"a\" \"b\"\nsteps[1] changed warning \"b\" \"a\"\n");
    expect("{\"steps\":[\"a\",\"b\"]}", "{\"steps\":[\"a\"]}", "steps[1] missing warning \"b\" -\n");
    expect("{\"steps\":[\"a\"]}", "{\"steps\":[\"a\",\"b\"]}", "");
    expect("{\"chain\":[\"a\"]}", "{\"chain\":[\"a\",\"b\"]}", "chain[1] extra warning - \"b\"\n");
}

static void diff_of_a_set_ignores_order_and_finds_extras(void **state)
{
    (void)state;
    expect("{\"users\":[\"a\",\"b\",\"a\"]}", "{\"users\":[\"b\",\"a\"]}", "");
    expect("{\"users\":[\"c\",\"b\"]}", "{\"users\":[\"z\",\"b\",\"a\"]}",
           "users[\"a\"] extra critical - \"a\"\nusers[\"c\"] missing critical \"c\" -\n"
           "users[\"z\"] extra critical - \"z\"\n");
    expect("{\"guests\":[\"a\"]}", "{\"guests\":[\"b\",\"a\"]}", "");
    expect("{\"users\":[\"a\"]}", "{}", "users[\"a\"] missing critical \"a\" -\n");
    expect("{\"users\":[]}", "{\"users\":[\"q\\\"]\"]}", "users[\"q\\\"]\"] extra critical - \"q\\\"]\"\n");
}

static void diff_of_a_declared_null_means_none(void **state)
{
    (void)state;
    expect("{\"users\":null}", "{\"users\":[\"a\"]}", "users[\"a\"] extra critical - \"a\"\n");
    expect("{\"users\":null}", "{\"users\":[]}", "");
    expect("{\"labels\":null}", "{\"labels\":{\"a\":\"b\"}}", "labels[\"a\"] extra warning - \"b\"\n");
    expect("{\"count\":null}", "{\"count\":4}", "count extra critical - 4\n");
}

static void diff_of_a_null_default_means_none_without_a_word(void **state)
{
    (void)state;
    expect("{}", "{\"gate\":{\"Statement\":[]}}", "gate extra critical - {\"Statement\":[]}\n");
    expect("{}", "{\"gate\":null}", "");
    expect("{\"box\":{\"size\":1}}", "{\"box\":{\"size\":1,\"lock\":\"x\"}}",
           "box.lock extra critical - \"x\"\n");
    expect("{\"box\":{\"size\":1}}", "{\"box\":{\"size\":1,\"lock\":\"\"}}", "");
}

static void diff_of_a_set_of_objects_goes_by_key(void **state)
{
    (void)state;
    expect("{\"rules\":[{\"name\":\"a\",\"port\":1},{\"name\":\"b\",\"port\":2}]}",
           "{\"rules\":[{\"name\":\"b\",\"port\":3},{\"name\":\"c\",\"port\":2}]}",
           "rules[\"a\"] missing warning {\"name\":\"a\",\"port\":1} -\n"
           "rules[\"b\"].port changed warning 2 3\n"
           "rules[\"c\"] extra warning - {\"name\":\"c\",\"port\":2}\n");
    expect(
        "{\"rules\":[{\"name\":\"a\",\"policy\":{\"Statement\":[]}}]}",
        "{\"rules\":[{\"name\":\"a\",\"policy\":{\"Statement\":{\"Effect\":\"Allow\"}}}]}",
        "rules[\"a\"].policy changed critical {\"Statement\":[]} {\"Statement\":{\"Effect\":\"Allow\"}}\n");
}

static void diff_of_an_object_goes_member_by_member(void **state)
{
    (void)state;
    expect("{\"box\":{\"size\":1,\"born\":5}}", "{\"box\":{\"size\":2,\"born\":9}}",
           "box.size changed warning 1 2\n");
    expect("{\"box\":{\"size\":1}}", "{}", "box missing warning {\"size\":1} -\n");
    expect("{\"box\":{\"size\":1}}", "{\"box\":3}", "box changed warning {\"size\":1} 3\n");
}

static void diff_of_tags_looks_at_declared_keys(void **state)
{
    (void)state;
    expect("{\"tags\":{\"a\":\"1\",\"b.c\":\"2\"}}",
           "{\"tags\":{\"a\":\"3\",\"aws:x\":\"4\",\"team\":\"5\"}}",
           "tags[\"a\"] changed notice \"1\" \"3\"\ntags[\"b.c\"] missing notice \"2\" -\n");
    expect("{\"labels\":{\"a\":\"1\"}}", "{\"labels\":{\"a\":\"1\",\"b\":\"2\"}}",
           "labels[\"b\"] extra warning - \"2\"\n");
}

static void diff_of_a_policy_goes_by_meaning(void **state)
{
    (void)state;
    expect("{\"trust\":{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"S3:Get*\"}}}",
           "{\"trust\":\"{\\\"Statement\\\":[{\\\"Action\\\":[\\\"s3:get*\\\"],\\\"Effect\\\":\\\"Allow\\\"}]"
           "}\"}",
           "");
    expect("{\"trust\":{\"rules\":[1,2]}}", "{\"trust\":\"{\\\"rules\\\":[1,2]}\"}", "");
    expect("{\"trust\":{\"rules\":[1,2]}}", "{\"trust\":\"{\\\"rules\\\":[2,1]}\"}",
           "trust changed critical {\"rules\":[1,2]} {\"rules\":[2,1]}\n");
    expect("{\"trust\":{\"Statement\":[]}}", "{\"trust\":\"garbage\"}",
           "trust changed critical {\"Statement\":[]} \"garbage\"\n");
}

static void diff_shows_no_secret(void **state)
{
    (void)state;
    expect("{\"key\":{\"secret\":\"f1\"}}", "{\"key\":{\"secret\":\"f1\"}}", "");
    expect("{\"key\":{\"secret\":\"f1\"}}", "{\"key\":{\"secret\":\"f2\"}}",
           "key changed critical \"(sensitive)\" \"(sensitive)\"\n");
    expect("{\"key\":{\"secret\":\"f1\"}}", "{\"key\":{\"secret\":null,\"note\":\"written outside\"}}",
           "key changed critical \"(sensitive)\" \"written outside\"\n");
    expect("{\"key\":{\"secret\":\"f1\"}}", "{}", "key missing critical \"(sensitive)\" -\n");
    expect("{\"token\":\"abc\"}", "{\"token\":\"def\"}",
           "token changed warning \"(sensitive)\" \"(sensitive)\"\n");
}

static void diff_of_what_is_not_known_yet_counts_where_something_is(void **state)
{
    (void)state;
    expect("{\"note\":{\"unknown\":\"a.b.c\"}}", "{\"note\":\"x\"}",
           "note changed warning {\"unknown\":\"a.b.c\"} \"x\" ?\n");
    expect("{\"note\":{\"unknown\":\"a.b.c\"}}", "{}", "");
    expect("{\"name\":{\"unknown\":\"a.b.c\"}}", "{\"name\":\"x\"}",
           "name changed warning {\"unknown\":\"a.b.c\"} \"x\" ?\n"); /* and no replace */
    expect("{\"trust\":{\"Statement\":[{\"Principal\":{\"unknown\":\"a.b.c\"}}]}}",
           "{\"trust\":{\"Statement\":[]}}",
           "trust changed critical {\"Statement\":[{\"Principal\":{\"unknown\":\"a.b.c\"}}]} "
           "{\"Statement\":[]} ?\n");
    expect("{\"users\":[\"a\",{\"unknown\":\"a.b.c\"}]}", "{\"users\":[\"a\"]}", "");
    expect("{\"users\":[\"a\",{\"unknown\":\"a.b.c\"}]}", "{\"users\":[\"a\",\"b\"]}",
           "users changed critical [\"a\",{\"unknown\":\"a.b.c\"}] [\"a\",\"b\"] ?\n");
}

static void diff_of_a_document_names_declared_leaves(void **state)
{
    (void)state;
    expect("{\"manifest\":{\"spec\":{\"replicas\":1,\"list\":[{\"image\":\"a\"},{\"image\":\"b\"}]}}}",
           "{\"manifest\":{\"spec\":{\"replicas\":2,\"more\":1,\"list\":[{\"image\":\"a\",\"x\":1},"
           "{\"image\":\"c\"}]},\"status\":{}}}",
           "manifest.spec.replicas changed warning 1 2\n"
           "manifest.spec.list.1.image changed warning \"b\" \"c\"\n");
    expect("{\"manifest\":{\"labels\":{\"a.b/c\":\"1\",\"d\":\"2\",\"e\":{}}}}",
           "{\"manifest\":{\"labels\":{\"a.b/c\":\"x\"}}}",
           "manifest.labels[\"a.b/c\"] changed warning \"1\" \"x\"\n"
           "manifest.labels.d missing warning \"2\" -\nmanifest.labels.e missing warning {} -\n");
    expect("{\"manifest\":{\"list\":[1,2],\"text\":\"a\",\"box\":{\"a\":1}}}",
           "{\"manifest\":{\"list\":[1],\"text\":{},\"box\":3}}",
           "manifest.list changed warning [1,2] [1]\nmanifest.text changed warning \"a\" {}\n"
           "manifest.box changed warning {\"a\":1} 3\n");
    expect("{\"manifest\":{\"a\":{\"unknown\":\"x.y.z\"},\"b\":{\"unknown\":\"x.y.z\"}}}",
           "{\"manifest\":{\"a\":1}}", "manifest.a changed warning {\"unknown\":\"x.y.z\"} 1 ?\n");
}

static void diff_of_a_document_tells_identity_extras_and_culprits(void **state)
{
    struct diff diff CLEANUP_DIFF = {0};

    (void)state;
    expect("{\"manifest\":{\"kind\":\"a\",\"metadata\":{\"name\":\"n\",\"x\":1}}}",
           "{\"manifest\":{\"kind\":\"a\",\"metadata\":{\"name\":\"m\",\"x\":1}}}",
           "manifest.metadata.name changed warning \"n\" \"m\"\nreplace\n");
    expect("{\"manifest\":{\"kind\":\"a\"}}",
           "{\"manifest\":{\"kind\":\"a\",\"mlopsd:extra\":{\"spec.containers[\\\"miner\\\"]\":{\"image\":"
           "\"x\"}}}}",
           "manifest.spec.containers[\"miner\"] extra critical - {\"image\":\"x\"}\n");
    make(&diff, "{\"manifest\":{\"kind\":\"a\",\"spec\":{\"n\":1}}}",
         "{\"manifest\":{\"kind\":\"b\",\"spec\":{\"n\":2},\"mlopsd:by\":{\"spec.n\":\"kubectl\"}}}");
    assert_int_equal(diff.count, 2);
    assert_true(diff.replace);
    assert_null(diff.entries[0].by);
    assert_string_equal(diff.entries[1].by, "kubectl");
    diff_ignore(&diff, "manifest.kind");
    assert_int_equal(diff.count, 1);
    assert_false(diff.replace);
}

static void diff_refuses_documents_that_are_none(void **state)
{
    struct json_object *list CLEANUP_JS = json("[]");
    struct json_object *object CLEANUP_JS = json("{}");
    struct json_object *bad CLEANUP_JS = json("{\"users\":\"a\"}");
    struct err err CLEANUP_ERR = {0};
    struct diff diff = {0};

    (void)state;
    assert_int_equal(diff_documents(&thing, list, object, &diff, &err), -EINVAL);
    assert_int_equal(err.class, ERR_BUG);
    assert_int_equal(diff_documents(&thing, object, NULL, &diff, &err), -EINVAL);
    assert_int_equal(diff_documents(&thing, bad, object, &diff, &err), -EINVAL);
    assert_int_equal(diff.count, 0);
}

static void lower_note(struct json_object *desired, struct json_object *observed)
{
    (void)desired;
    js_set_text(observed, "note", "seen");
}

static void diff_normalises_copies(void **state)
{
    static const struct kind normal = {.type = "normal", .fields = fields, .normalise = lower_note};

    (void)state;
    expect_of(&normal, "{\"note\":\"seen\"}", "{\"note\":\"raw\"}", "");
}

static void diff_walks_elements_once_each(void **state)
{
    struct diff diff CLEANUP_DIFF = {0};
    size_t cursor = 0;

    (void)state;
    make(&diff,
         "{\"users\":[\"new\"],\"tags\":{\"t\":\"1\"},\"rules\":[{\"name\":\"m\",\"port\":1},{\"name\":"
         "\"two\","
         "\"port\":1,\"policy\":{\"Statement\":[]}}]}",
         "{\"users\":[\"old\",\"x.y\"],\"rules\":[{\"name\":\"two\",\"port\":2,\"policy\":{\"Statement\":{}}}"
         ",{\"name\":"
         "\"gone\"}]}");
    assert_string_equal(diff_next_added(&diff, "users", &cursor), "new");
    assert_null(diff_next_added(&diff, "users", &cursor));
    cursor = 0;
    assert_string_equal(diff_next_removed(&diff, "users", &cursor), "old");
    assert_string_equal(diff_next_removed(&diff, "users", &cursor), "x.y");
    assert_null(diff_next_removed(&diff, "users", &cursor));
    cursor = 0;
    assert_string_equal(diff_next_added(&diff, "rules", &cursor), "m");
    assert_string_equal(diff_next_added(&diff, "rules", &cursor), "two"); /* two entries, one element */
    assert_null(diff_next_added(&diff, "rules", &cursor));
    cursor = 0;
    assert_string_equal(diff_next_removed(&diff, "rules", &cursor), "gone");
    assert_null(diff_next_removed(&diff, "rules", &cursor));
    cursor = 0;
    assert_string_equal(diff_next_added(&diff, "tags", &cursor), "t");
    cursor = 0;
    assert_null(diff_next_added(&diff, "use", &cursor));
}

static void diff_has_knows_paths(void **state)
{
    struct diff diff CLEANUP_DIFF = {0};

    (void)state;
    make(&diff, "{\"box\":{\"size\":1},\"tags\":{\"Name\":\"1\"}}", "{\"box\":{\"size\":2}}");
    assert_true(diff_has(&diff, "box"));
    assert_true(diff_has(&diff, "box.size"));
    assert_false(diff_has(&diff, "bo"));
    assert_false(diff_has(&diff, "box.siz"));
    assert_false(diff_has(&diff, "box.sizes"));
    assert_false(diff_has(&diff, "box.size.more"));
    assert_true(diff_has(&diff, "tags"));
    assert_true(diff_has(&diff, "tags.Name"));
    assert_true(diff_has(&diff, "tags[\"Name\"]"));
    assert_false(diff_has(&diff, "tags[\"Nam\"]"));
    assert_false(diff_has(&diff, "users"));
}

static void diff_ignore_drops_what_lies_under(void **state)
{
    struct diff diff CLEANUP_DIFF = {0};

    (void)state;
    make(&diff,
         "{\"name\":\"a\",\"box\":{\"size\":1,\"lock\":\"l\"},\"tags\":{\"Name\":\"1\",\"b.c\":\"2\"}}",
         "{\"name\":\"b\",\"box\":{\"size\":2}}");
    assert_int_equal(diff.count, 5);
    assert_true(diff.replace);
    diff_ignore(&diff, "tags.Name");
    assert_int_equal(diff.count, 4);
    diff_ignore(&diff, "tags.b.c"); /* a dot in a key needs the brackets */
    assert_int_equal(diff.count, 4);
    diff_ignore(&diff, "tags[\"b.c\"]");
    assert_int_equal(diff.count, 3);
    diff_ignore(&diff, "box.size");
    assert_int_equal(diff.count, 2);
    assert_true(diff.replace);
    diff_ignore(&diff, "name");
    assert_int_equal(diff.count, 1);
    assert_false(diff.replace);
    assert_string_equal(diff.entries[0].path, "box.lock");
    assert_string_equal(diff.entries[0].field->name, "lock");
    assert_string_equal(diff.entries[0].top->name, "box");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(diff_compares_declared_fields_only),
        cmocka_unit_test(diff_names_changed_and_missing_scalars),
        cmocka_unit_test(diff_of_an_immutable_field_means_replace),
        cmocka_unit_test(diff_of_a_version_takes_the_prefix_and_never_lowers),
        cmocka_unit_test(diff_of_a_list_goes_by_place),
        cmocka_unit_test(diff_of_a_set_ignores_order_and_finds_extras),
        cmocka_unit_test(diff_of_a_declared_null_means_none),
        cmocka_unit_test(diff_of_a_null_default_means_none_without_a_word),
        cmocka_unit_test(diff_of_a_set_of_objects_goes_by_key),
        cmocka_unit_test(diff_of_an_object_goes_member_by_member),
        cmocka_unit_test(diff_of_tags_looks_at_declared_keys),
        cmocka_unit_test(diff_of_a_policy_goes_by_meaning),
        cmocka_unit_test(diff_shows_no_secret),
        cmocka_unit_test(diff_of_what_is_not_known_yet_counts_where_something_is),
        cmocka_unit_test(diff_of_a_document_names_declared_leaves),
        cmocka_unit_test(diff_of_a_document_tells_identity_extras_and_culprits),
        cmocka_unit_test(diff_refuses_documents_that_are_none),
        cmocka_unit_test(diff_normalises_copies),
        cmocka_unit_test(diff_walks_elements_once_each),
        cmocka_unit_test(diff_has_knows_paths),
        cmocka_unit_test(diff_ignore_drops_what_lies_under),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
