/*
 * test_cases.c: kinds against recorded answers. A case is a folder
 * cases/KIND/CASE/ and no code:
 *
 *   desired.json   the desired document
 *   answers.json   what the cloud says, see fake_cloud.h
 *   observed.json  what observe() must report: the document, or a text: "absent", "ended", "unknown CLASS",
 *                  "settling STATUS"
 *   diff.json      the entries of the diff, as "PATH WHAT SEVERITY" texts, "replace" last
 *   requests.json  the calls that write, in order: [{"CreateRole": {...}}, ...]; the parameters
 *                  given must be there, and null means that there is none
 *   case.json      {"verb": "create" | "update" | "remove" | "farewell" (with "farewell": SORT, "says"), "id", "recent", "last": {what the look before
 *                  observed}, "thorough", "memory", "region", "intent", "intent_age_ms", "undeclared": true, "ignore": "PATH" of the diff; and
 *                  what must come of it: "ret_memory", "calls": N, "error": "CLASS", "says": "TEXT in
 *                  the error", "attributes": {...}}; all optional
 *
 * "@CASE@" in any of them is the folder's own path. observed.json and diff.json belong to a look, which precedes an update; create and remove are
 * run without one. Every case is run again with each of its calls failing: an error is never an
 * absence, nothing succeeds that did not, nothing leaks.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/js.h"
#include "common/yml.h"
#include "fake_cloud.h"

struct kind_case {
    char *folder;
    const struct kind *kind;
    struct json_object *desired, *answers, *observed, *diff, *requests, *options;
};

/** One run of a case, and what came of it. Nothing is asserted on a fiber. */
struct run {
    const struct kind_case *c;
    struct fake_cloud *cloud;
    struct kind_item item;
    struct kind_batch batch;
    struct err batch_err, op_err;
    struct diff diff;
    struct kind_op op;
    int look_result, op_result;
    bool looked, operated;
    struct farewell farewell;
};

/* @text with every "@CASE@" replaced by @folder; owned. */
static char *with_folder(const char *text, const char *folder)
{
    static const char mark[] = "@CASE@";
    struct buf result = BUF_INIT(1 << 20);
    const char *next;

    for (; (next = strstr(text, mark)); text = next + strlen(mark)) {
        buf_add(&result, text, (size_t)(next - text));
        buf_add_text(&result, folder);
    }
    buf_add_text(&result, text);
    return buf_take(&result);
}

static struct json_object *load(const char *folder, const char *name)
{
    char *path = str_format("%s/%s", folder, name), *text = NULL, *expanded = NULL;
    struct json_object *object = NULL;
    struct err err = {0};
    size_t size;

    if (file_read(path, 1 << 20, &text, &size, NULL) == 0) {
        expanded = with_folder(text, folder);
        if (js_parse_text(expanded, &object, &err) < 0)
            fail_msg("%s: %s", path, err_text(&err));
    }
    free(expanded);
    free(text);
    free(path);
    return object;
}

static bool has_verb(const struct kind_case *c, const char *verb)
{
    return str_equal(js_text(c->options, "verb"), verb);
}

/* ---- running ---- */

static void look(struct run *run)
{
    const struct kind_case *c = run->c;
    struct json_object *document;
    struct err err = {0};

    run->looked = true;
    run->look_result = c->kind->observe(&run->batch);
    document = run->item.observed;
    if (document && diff_documents(c->kind, c->desired, document, &run->diff, &err) < 0)
        run->look_result = err.code;
    if (js_text(c->options, "ignore"))
        diff_ignore(&run->diff, js_text(c->options, "ignore"));
    err_done(&err);
}

static void operate(struct run *run)
{
    const struct kind_case *c = run->c;

    run->operated = true;
    run->op.observed = run->item.observed;
    if (has_verb(c, "create"))
        run->op_result = c->kind->create(&run->op);
    else if (has_verb(c, "remove"))
        run->op_result = c->kind->remove(&run->op);
    else
        run->op_result = c->kind->update(&run->op, &run->diff);
}

static void run_on_fiber(void *arg)
{
    struct run *run = arg;
    bool update = has_verb(run->c, "update");

    if (has_verb(run->c, "farewell")) {
        run->item.observed = json_object_get(run->c->observed);
        run->c->kind->farewell(&run->batch, &run->item, &run->farewell);
        return;
    }
    if (update || !js_get(run->c->options, "verb"))
        look(run);
    if (js_get(run->c->options, "verb") && (!update || run->item.state == ITEM_PRESENT))
        operate(run);
}

static void run_begin(struct run *run, const struct kind_case *c, struct fake_cloud *cloud)
{
    bool undeclared = js_bool(c->options, "undeclared", false);

    *run = (struct run){.c = c, .cloud = cloud};
    run->item = (struct kind_item){.address = "kind.case",
                                   .desired = c->desired,
                                   .id = js_text(c->options, "id"),
                                   .memory = js_get(c->options, "memory"),
                                   .last = js_get(c->options, "last"),
                                   .thorough = js_bool(c->options, "thorough", false),
                                   .recent = js_bool(c->options, "recent", false),
                                   .intent = js_text(c->options, "intent"),
                                   .intent_age_ms = js_int(c->options, "intent_age_ms", 0)};
    run->batch = (struct kind_batch){.kind = c->kind,
                                     .items = &run->item,
                                     .count = 1,
                                     .clouds = fake_clouds(cloud),
                                     .host = &fake_host,
                                     .host_data = cloud,
                                     .err = &run->batch_err};
    run->op = (struct kind_op){.kind = c->kind,
                               .address = "kind.case",
                               .platform = "test",
                               .desired = undeclared ? NULL : c->desired,
                               .id = js_text(c->options, "id"),
                               .intent = "0123abcd",
                               .memory = js_get(c->options, "memory"),
                               .clouds = fake_clouds(cloud),
                               .host = &fake_host,
                               .host_data = cloud,
                               .err = &run->op_err};
    fake_cloud_again(cloud, c->answers);
    fake_run(cloud, run_on_fiber, run);
}

static void run_done(struct run *run)
{
    json_object_put(run->item.observed);
    json_object_put(run->item.ret_memory);
    free(run->item.ret_id);
    free(run->item.note);
    err_done(&run->item.err);
    err_done(&run->batch_err);
    err_done(&run->op_err);
    diff_done(&run->diff);
    farewell_done(&run->farewell);
    free(run->op.ret_id);
    json_object_put(run->op.ret_attributes);
    json_object_put(run->op.ret_memory);
}

/* ---- expectations ---- */

static void expect_json(const struct kind_case *c, const char *what, struct json_object *expected,
                        struct json_object *actual)
{
    if (!js_equal(expected, actual))
        fail_msg("%s: %s: expected\n%s\ngot\n%s", c->folder, what,
                 json_object_to_json_string_ext(expected, JSON_C_TO_STRING_PRETTY),
                 json_object_to_json_string_ext(actual, JSON_C_TO_STRING_PRETTY));
}

static void expect_look(const struct run *run)
{
    const struct kind_case *c = run->c;
    const struct err *why = run->item.err.code ? &run->item.err : &run->batch_err;
    struct json_object *said;

    if (run->item.state == ITEM_PRESENT) {
        expect_json(c, "observed", c->observed, run->item.observed);
        if (!run->item.ret_id)
            fail_msg("%s: it is there, and has no id: whoever adopts it could not name it", c->folder);
        return;
    }
    said = run->item.state == ITEM_ABSENT ? json_object_new_string(run->item.ended ? "ended" : "absent")
                                          : NULL;
    if (!said) {
        char *text = run->item.state == ITEM_SETTLING ? str_format("settling %s", run->item.note)
                                                      : str_format("unknown %s", err_class_name(why->class));

        said = json_object_new_string(text);
        free(text);
    }
    if (!js_equal(said, c->observed))
        fail_msg("%s: %s: %s", c->folder, json_object_get_string(said), err_text(why));
    json_object_put(said);
}

static void expect_diff(const struct run *run)
{
    struct json_object *lines = json_object_new_array();

    for (size_t i = 0; i < run->diff.count; i++) {
        const struct diff_entry *entry = &run->diff.entries[i];
        char *line = str_format("%s %s %s", entry->path, diff_what_name(entry->what),
                                severity_name(entry->severity));

        js_add_text(lines, line);
        free(line);
    }
    if (run->diff.replace)
        js_add_text(lines, "replace");
    expect_json(run->c, "diff", run->c->diff, lines);
    json_object_put(lines);
}

/* Are all given parameters there? Others may be; null means that there must be none. */
static bool within(struct json_object *part, struct json_object *whole)
{
    if (!part)
        return !whole;
    if (!json_object_is_type(part, json_type_object))
        return js_equal(part, whole);
    js_each (part, key, value) {
        struct json_object *other = NULL;

        json_object_object_get_ex(whole, key, &other);
        if (!within(value, other))
            return false;
    }
    return true;
}

static void expect_requests(const struct run *run)
{
    const struct kind_case *c = run->c;
    struct json_object *writes = run->cloud->writes;
    bool good = js_count(writes, NULL) == js_count(c->requests, NULL);

    for (size_t i = 0; i < js_count(c->requests, NULL) && good; i++)
        good = within(js_at(c->requests, i), js_at(writes, i));
    if (!good)
        expect_json(c, "requests", c->requests, writes);
    assert_int_equal(run->cloud->gates, js_count(writes, NULL)); /* every write passed the gate */
}

static void expect_operation(const struct run *run)
{
    const struct kind_case *c = run->c;
    const char *error = js_text(c->options, "error");

    if (error) {
        assert_true(run->op_result < 0);
        assert_string_equal(err_class_name(run->op_err.class), error);
        if (js_text(c->options, "says"))
            assert_non_null(strstr(err_text(&run->op_err), js_text(c->options, "says")));
    } else if (run->op_result < 0) {
        fail_msg("%s: %s", c->folder, err_text(&run->op_err));
    } else {
        assert_int_equal(run->op_err.code, 0);
        assert_true(has_verb(c, "create") ? run->op.ret_id != NULL : true);
    }
    if (c->requests)
        expect_requests(run);
    if (js_get(c->options, "attributes"))
        expect_json(c, "attributes", js_get(c->options, "attributes"), run->op.ret_attributes);
}

static void expect_farewell(const struct run *run)
{
    const struct kind_case *c = run->c;
    const char *says = js_text(c->options, "says"), *words = run->farewell.words;

    assert_string_equal(farewell_name(run->farewell.sort), js_text(c->options, "farewell"));
    if (says && (!words || !strstr(words, says)))
        fail_msg("%s: \"%s\" is not in: %s", c->folder, says, words ? words : "(nothing)");
}

static void expect_all(const struct run *run)
{
    const struct kind_case *c = run->c;

    if (run->cloud->stray)
        fail_msg("%s: a call nobody expected: %s", c->folder, run->cloud->stray);
    if (run->looked && c->observed)
        expect_look(run);
    if (run->looked && c->diff)
        expect_diff(run);
    if (js_get(c->options, "calls"))
        assert_int_equal(run->cloud->calls, js_int(c->options, "calls", 0));
    if (js_get(c->options, "ret_memory"))
        expect_json(c, "ret_memory", js_get(c->options, "ret_memory"),
                    run->operated ? run->op.ret_memory : run->item.ret_memory);
    if (has_verb(c, "farewell")) {
        expect_farewell(run);
    } else if (js_get(c->options, "verb")) {
        assert_true(run->operated);
        expect_operation(run);
    }
}

/* ---- every call failing in turn ---- */

static void expect_failure(const struct run *run, const struct run *good, size_t call)
{
    const struct kind_case *c = run->c;

    if (has_verb(c, "farewell") && run->farewell.sort == FAREWELL_NOTHING && run->cloud->calls > 0)
        fail_msg("%s: call %zu failed, and nothing is said to go with it", c->folder, call);
    if (run->looked && run->item.state == ITEM_ABSENT && good->item.state != ITEM_ABSENT)
        fail_msg("%s: call %zu failed, and the resource counts as absent", c->folder, call);
    if (run->looked && run->item.state == ITEM_PRESENT && !js_equal(run->item.observed, good->item.observed))
        fail_msg("%s: call %zu failed, and half a picture is shown", c->folder, call);
    if (run->looked && run->item.state == ITEM_UNKNOWN)
        assert_true(run->item.err.code < 0 || run->look_result < 0);
    if (run->operated && run->op_result == 0 && (run->cloud->write_failed || !run->looked))
        fail_msg("%s: call %zu failed, and the operation did not", c->folder, call);
    if (run->operated && run->op_result < 0)
        assert_true(run->op_err.code < 0 && run->op_err.text);
}

static void run_with_faults(const struct kind_case *c, struct fake_cloud *cloud, const struct run *good)
{
    static const char *const codes[] = {"InternalFailure", "AccessDenied", "ThrottlingException"};
    size_t calls = cloud->calls;

    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        for (size_t call = 1; call <= calls; call++) {
            struct run run;

            cloud->fail_at = call;
            cloud->fail_code = codes[i];
            run_begin(&run, c, cloud);
            expect_failure(&run, good, call);
            run_done(&run);
        }
    }
    cloud->fail_at = 0;
}

static void run_case(void **state)
{
    const struct kind_case *c = *state;
    struct fake_cloud cloud;
    struct run run;

    fake_cloud_begin(&cloud, c->answers);
    if (js_text(c->options, "region"))
        cloud.region = js_text(c->options, "region");
    run_begin(&run, c, &cloud);
    expect_all(&run);
    run_with_faults(c, &cloud, &run);
    run_done(&run);
    fake_cloud_end(&cloud);
}

/* ---- finding cases ---- */

static struct kind_case *case_load(const char *folder, const struct kind *kind)
{
    struct kind_case *c = calloc(1, sizeof(*c));

    c->folder = strdup(folder);
    c->kind = kind;
    c->desired = load(folder, "desired.json");
    c->answers = load(folder, "answers.json");
    c->observed = load(folder, "observed.json");
    c->diff = load(folder, "diff.json");
    c->requests = load(folder, "requests.json");
    c->options = load(folder, "case.json");
    return c;
}

static void case_free(struct kind_case *c)
{
    json_object_put(c->desired);
    json_object_put(c->answers);
    json_object_put(c->observed);
    json_object_put(c->diff);
    json_object_put(c->requests);
    json_object_put(c->options);
    free(c->folder);
    free(c);
}

static void list(const char *path, struct strv *ret)
{
    DIR *directory = opendir(path);
    struct dirent *entry;

    while (directory && (entry = readdir(directory))) {
        if (entry->d_name[0] != '.')
            strv_addf(ret, "%s/%s", path, entry->d_name);
    }
    if (directory)
        closedir(directory);
    strv_sort(ret);
}

int main(void)
{
    const char *source = getenv("srcdir");
    char *root = str_format("%s/tests/unit/cases", source ? source : ".");
    struct strv folders = {0}, types = {0};
    struct CMUnitTest *tests;
    size_t count = 0;
    int failed;

    list(root, &types);
    for (size_t i = 0; i < types.count; i++)
        list(types.items[i], &folders);
    tests = calloc(folders.count + 1, sizeof(*tests));
    for (size_t i = 0; i < folders.count; i++) {
        char *type = strdup(folders.items[i] + strlen(root) + 1);
        const struct kind *kind;

        type[strcspn(type, "/")] = '\0';
        kind = kind_find(type);
        free(type);
        if (!kind)
            continue; /* another test's */
        tests[count++] = (struct CMUnitTest){.name = folders.items[i] + strlen(root) + 1,
                                             .test_func = run_case,
                                             .initial_state = case_load(folders.items[i], kind)};
    }
    if (count == 0) {
        fprintf(stderr, "no cases under %s\n", root);
        return 1;
    }
    failed = _cmocka_run_group_tests("cases", tests, count, NULL, NULL);
    for (size_t i = 0; i < count; i++)
        case_free(tests[i].initial_state);
    free(tests);
    strv_done(&folders);
    strv_done(&types);
    free(root);
    return failed;
}
