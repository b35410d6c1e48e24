/*
 * test_documents.c: what the control protocol carries: every document has just the members that io.mlopsd.varlink
 * declares, of the declared types; and no secret is in any of them, nor in what the store keeps.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/js.h"
#include "daemon/documents.h"
#include "daemon/io_mlopsd_varlink.h"
#include "tests/unit/engine_check.h"

#define SECRET "correct-horse-battery-staple"

/* ---- the interface, as far as needed: members and their types ---- */

/** Past white space and comments. */
static const char *past_blanks(const char *at)
{
    for (;;) {
        while (isspace((unsigned char)*at))
            at++;
        if (*at != '#')
            return at;
        at += strcspn(at, "\n");
    }
}

/** The body of "type NAME (" or of "method NAME(...) -> (". */
static const char *body_of(const char *name)
{
    char *type CLEANUP_FREE = str_format("\ntype %s (", name);
    char *method CLEANUP_FREE = str_format("\nmethod %s(", name);
    const char *at = strstr(io_mlopsd_varlink, type);

    if (at)
        return at + strlen(type);
    at = strstr(io_mlopsd_varlink, method);
    assert_non_null(at);
    return strstr(at, "-> (") + strlen("-> (");
}

static size_t word(const char *at)
{
    return strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
}

static void check_body(const char *body, struct json_object *object, const char *where);

/** Check a value against the type at @at; returns what stands behind the type. */
static const char *check_type(const char *at, struct json_object *value, bool present, const char *where)
{
    bool nullable = *at == '?';
    size_t size;

    at += nullable;
    if (!present || (!value && !nullable))
        fail_msg("%s is %s", where, present ? "null" : "missing");
    if (str_starts(at, "[]")) {
        const char *end = at + 2 + word(at + 2);

        if (value && !json_object_is_type(value, json_type_array))
            fail_msg("%s is no list", where);
        for (size_t i = 0; i < js_count(value, NULL); i++)
            (void)check_type(at + 2, js_at(value, i), true, where);
        return end;
    }
    if (*at == '(') { /* an enum */
        const char *end = strchr(at, ')') + 1;
        char *values CLEANUP_FREE = str_format("%.*s", (int)(end - at), at);

        if (value && !strstr(values, json_object_get_string(value)))
            fail_msg("%s is %s, which is none of %s", where, json_object_get_string(value), values);
        return end;
    }
    size = word(at);
    assert_true(size > 0);
    if (value && isupper((unsigned char)*at)) {
        char *name CLEANUP_FREE = str_format("%.*s", (int)size, at);

        if (!json_object_is_type(value, json_type_object))
            fail_msg("%s is no %s", where, name);
        check_body(body_of(name), value, name);
    } else if (value && !str_starts(js_type_name(value), at[0] == 's'   ? "string"
                                                         : at[0] == 'i' ? "int"
                                                                        : "bool")) {
        fail_msg("%s is %s, not %.*s", where, js_type_name(value), (int)size, at);
    }
    return at + size;
}

static void check_body(const char *body, struct json_object *object, const char *where)
{
    size_t members = 0;
    const char *at = past_blanks(body);

    while (*at != ')') {
        size_t size = word(at);
        char *name CLEANUP_FREE = str_format("%.*s", (int)size, at), *path CLEANUP_FREE = NULL;
        struct json_object *value = NULL;
        bool present = json_object_object_get_ex(object, name, &value);

        path = str_format("%s.%s", where, name);
        at = past_blanks(at + size);
        assert_int_equal(*at, ':');
        at = past_blanks(check_type(past_blanks(at + 1), value, present, path));
        members++;
        if (*at == ',')
            at = past_blanks(at + 1);
    }
    if (members != (size_t)json_object_object_length(object))
        fail_msg("%s has members that are not declared: %s", where, json_object_to_json_string(object));
}

static void assert_shape(struct json_object *take_document, const char *name)
{
    struct json_object *document CLEANUP_JS = take_document;
    char *text CLEANUP_FREE = js_canonical(document);

    assert_non_null(document);
    check_body(body_of(name), document, name);
    assert_null(strstr(text, SECRET));
}

/* ---- a platform with a bit of everything ---- */

static const char everything[] = "policy: {on_drift: alert}\n"
                                 "resources:\n"
                                 "  test_item.a: {name: a, key: " SECRET ", secure: true, tags: {team: ml}}\n"
                                 "  test_item.b: {name: b, from: \"${test_item.a.arn}\", shape: round, key: "
                                 "\"${random_password.p.result}\"}\n"
                                 "  test_item.gone: {name: gone}\n"
                                 "  test_item.blind: {name: blind}\n"
                                 "  random_password.p: {length: 20}\n"
                                 "outputs:\n"
                                 "  arn: {value: \"${test_item.a.arn}\"}\n"
                                 "  password: {value: \"${random_password.p.result}\", sensitive: true}\n";

static const char something_else[] =
    "policy: {on_drift: alert}\n"
    "resources:\n"
    "  test_item.a: {name: a, key: " SECRET ", secure: true, tags: {team: ml}}\n"
    "  test_item.b: {name: b, from: \"${test_item.a.arn}\", shape: square, key: " SECRET "-changed}\n"
    "  test_item.c: {name: c, from: \"${test_slow.s.arn}\", key: " SECRET "}\n"
    "  test_slow.s: {name: s}\n"
    "  test_item.gone: {name: gone}\n"
    "  test_item.blind: {name: blind}\n"
    "  test_item.taken: {name: taken}\n"
    "  random_password.p: {length: 20}\n"
    "outputs:\n"
    "  arn: {value: \"${test_item.a.arn}\"}\n"
    "  password: {value: \"${random_password.p.result}\", sensitive: true}\n";

/** Steady, then a changed file, drift, something unknown, something taken, a pause; looked at, nothing done. */
static int setup(void **state)
{
    struct engine *engine = calloc(1, sizeof(*engine));

    assert_non_null(engine);
    engine_init(engine, 5);
    engine_write(engine, everything);
    engine_start(engine);
    CHECK(engine, engine_until(engine, engine_converged, 60000));
    engine_run(engine, 150000);
    CHECK(engine, engine_until(engine, engine_rests, 60000));
    cloud_set(&engine->cloud, "test_item", "a", "secure", "false");
    cloud_set(&engine->cloud, "test_item", "a", "key", "{\"secret\":\"other\"}");
    cloud_lose(&engine->cloud, "test_item", "gone");
    (void)cloud_put(&engine->cloud, "test_item", "taken", "{\"name\":\"taken\"}");
    engine->cloud.always = CLOUD_DENIES;
    engine->cloud.always_operation = "Read";
    engine->cloud.always_name = "blind";
    engine_platform(engine)->paused = true;
    assert_int_equal(str_set(&engine_platform(engine)->paused_why, "for the test"), 0);
    engine_write(engine, something_else);
    (void)daemon_reload(engine->daemon);
    engine_run(engine, 2000);
    CHECK(engine, engine_until(engine, engine_rests, 60000));
    *state = engine;
    return 0;
}

static int teardown(void **state)
{
    engine_close(*state);
    free(*state);
    return 0;
}

static void the_platform_has_its_declared_shape(void **state)
{
    struct engine *engine = *state;
    struct json_object *document CLEANUP_JS = document_platform(engine_platform(engine));

    assert_shape(json_object_get(document), "Platform");
    assert_true(js_bool(document, "paused", false));
    assert_string_equal(js_text(document, "paused_why"), "for the test");
    assert_false(js_bool(document, "converged", true));
    assert_int_equal(js_int(document, "generation", 0), 2);
    assert_int_equal(js_int(document, "resources.total", 0), 8);
    assert_int_equal(js_int(document, "resources.ready", 0) + js_int(document, "resources.drifted", 0) +
                         js_int(document, "resources.pending", 0) + js_int(document, "resources.failed", 0),
                     8);
    assert_int_equal(js_count(document, "blocked"), 8 - js_int(document, "resources.ready", 0));
    assert_int_equal(js_int(document, "open_drifts", 0), 3); /* secure, key, gone */
}

static struct json_object *action_on(struct json_object *plan, const char *address)
{
    for (size_t i = 0; i < js_count(plan, "actions"); i++)
        if (str_equal(js_text(js_at(js_get(plan, "actions"), i), "address"), address))
            return js_at(js_get(plan, "actions"), i);
    return NULL;
}

static struct json_object *change_of(struct json_object *action, const char *path)
{
    for (size_t i = 0; i < js_count(action, "changes"); i++)
        if (str_equal(js_text(js_at(js_get(action, "changes"), i), "path"), path))
            return js_at(js_get(action, "changes"), i);
    return NULL;
}

static void the_plan_has_its_declared_shape(void **state)
{
    struct engine *engine = *state;
    struct json_object *plan CLEANUP_JS = document_plan(engine_platform(engine)), *action, *change;

    assert_shape(json_object_get(plan), "PlatformPlan");
    assert_string_equal(js_text(action_on(plan, "test_item.a"), "action"), "update");
    assert_string_equal(js_text(action_on(plan, "test_item.b"), "action"), "replace");
    assert_string_equal(js_text(action_on(plan, "test_item.c"), "action"), "create");
    assert_string_equal(js_text(action_on(plan, "test_item.gone"), "action"), "create");
    assert_string_equal(js_text(action_on(plan, "test_item.taken"), "action"), "none");
    assert_non_null(strstr(js_text(action_on(plan, "test_item.taken"), "held"), "adopt: true"));
    assert_null(action_on(plan, "random_password.p"));
    assert_int_equal(js_count(plan, "unknown"), 1);
    assert_string_equal(js_text(js_at(js_get(plan, "unknown"), 0), "address"), "test_item.blind");

    action = action_on(plan, "test_item.c");
    assert_true(js_bool(change_of(action, "from"), "known_after_apply", false));
    assert_null(js_get(change_of(action, "from"), "desired"));
    change = change_of(action, "key");
    assert_true(js_bool(change, "sensitive", false));
    assert_null(js_get(change, "desired"));

    change = change_of(action_on(plan, "test_item.a"), "key");
    assert_true(js_bool(change, "sensitive", false));
    assert_null(js_get(change, "desired"));
    assert_null(js_get(change, "observed"));
    change = change_of(action_on(plan, "test_item.a"), "secure");
    assert_string_equal(js_text(change, "severity"), "critical");
    assert_string_equal(js_text(change, "desired"), "true");
    assert_string_equal(js_text(change, "observed"), "false");
    assert_non_null(strstr(js_text(change, "place"), "p.yaml:4:"));
}

static void the_rest_has_its_declared_shape(void **state)
{
    struct engine *engine = *state;
    struct platform *platform = engine_platform(engine);
    struct event *events = NULL;
    size_t count = 0;

    assert_shape(document_result(platform), "Result");
    for (size_t i = 0; i < platform->count; i++) {
        assert_shape(document_resource(platform->resources[i]), "Resource");
        assert_shape(document_resource_details(platform->resources[i]), "StateShow");
    }
    for (size_t i = 0; i < platform->episodes_count; i++)
        assert_shape(document_episode(&platform->episodes[i]), "Drift");
    assert_int_equal(event_list(engine->daemon->store, "p", NULL, 0, 1000, &events, &count, NULL), 0);
    assert_true(count > 5);
    for (size_t i = 0; i < count; i++)
        assert_shape(document_event(events[i].time_ms, events[i].platform, events[i].address, events[i].event,
                                    events[i].detail, LOG_AT_NOTICE),
                     "Event");
    events_free(events, count);
}

static void times_are_rfc_3339_or_null(void **state)
{
    struct engine *engine = *state;
    struct json_object *event CLEANUP_JS = document_event(ENGINE_WALL_MS, "p", NULL, "pass", "d",
                                                          LOG_AT_INFO);
    struct episode open = {.first_seen_ms = ENGINE_WALL_MS};
    struct json_object *drift CLEANUP_JS = document_episode(&open);

    (void)engine;
    assert_true(str_starts(js_text(event, "time"), "2026-11-22T17:30:00"));
    assert_true(str_ends(js_text(event, "time"), "Z"));
    assert_null(js_get(event, "address"));
    assert_string_equal(js_text(event, "level"), "info");
    assert_null(js_get(drift, "resolved_at"));
}

static char *password_of(struct engine *engine)
{
    struct secret *secret CLEANUP_SECRET = NULL;

    assert_int_equal(sealed_get(engine->daemon->store, "p", "random_password.p.result", &secret, NULL), 0);
    return strdup(secret_text(secret));
}

static void outputs_are_revealed_only_on_request(void **state)
{
    struct engine *engine = *state;
    struct platform *platform = engine_platform(engine);
    char *password CLEANUP_FREE = password_of(engine);
    struct output *outputs = NULL;
    size_t count = 0;

    assert_int_equal(output_list(engine->daemon->store, "p", &outputs, &count, NULL), 0);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < count; i++) {
        struct json_object *hidden CLEANUP_JS = document_output(platform, &outputs[i], false, NULL);
        struct json_object *shown CLEANUP_JS = document_output(platform, &outputs[i], true, NULL);
        struct json_object *value CLEANUP_JS = NULL;

        assert_shape(json_object_get(hidden), "Output");
        assert_shape(json_object_get(shown), "Output");
        assert_int_equal(js_parse_text(js_text(shown, "value"), &value, NULL), 0);
        if (outputs[i].sensitive) {
            assert_null(js_get(hidden, "value"));
            assert_string_equal(json_object_get_string(value), password);
        } else {
            assert_string_equal(js_text(hidden, "value"), js_text(shown, "value"));
            assert_string_equal(json_object_get_string(value), "arn:i-1");
        }
    }
    outputs_free(outputs, count);
}

/** Looks for @text in every file of the state, and in all that was said. */
static void assert_nowhere(struct engine *engine, const char *text)
{
    struct engine_moment moment;
    char *story CLEANUP_FREE = engine_story(engine);

    assert_null(strstr(story, text));
    engine_keep(engine, &moment);
    assert_true(moment.count >= 2);
    for (size_t i = 0; i < moment.count; i++)
        if (memmem(moment.files[i].data, moment.files[i].size, text, strlen(text)))
            fail_msg("a secret is in %s", moment.files[i].name);
    engine_moment_done(&moment);
}

static void no_secret_is_kept_or_said_in_clear(void **state)
{
    struct engine *engine = *state;
    struct platform *platform = engine_platform(engine);
    char *password CLEANUP_FREE = password_of(engine);

    assert_nowhere(engine, SECRET);
    assert_nowhere(engine, password);
    for (size_t i = 0; i < platform->count; i++) {
        struct json_object *details CLEANUP_JS = document_resource_details(platform->resources[i]);

        assert_null(strstr(json_object_to_json_string(details), SECRET));
        assert_null(strstr(json_object_to_json_string(details), password));
    }
    for (size_t i = 0; i < engine->cloud.count; i++)
        assert_null(strstr(json_object_to_json_string(engine->cloud.things[i].document), SECRET));
    assert_nowhere(engine, "no such text"); /* the search itself works: */
    assert_non_null(
        strstr(engine_resource(engine, "test_item.a")->want->body, SECRET)); /* and it was there */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_platform_has_its_declared_shape),
        cmocka_unit_test(the_plan_has_its_declared_shape),
        cmocka_unit_test(the_rest_has_its_declared_shape),
        cmocka_unit_test(times_are_rfc_3339_or_null),
        cmocka_unit_test(outputs_are_revealed_only_on_request),
        cmocka_unit_test(no_secret_is_kept_or_said_in_clear),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
