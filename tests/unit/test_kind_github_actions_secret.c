/*
 * test_kind_github_actions_secret.c: every verdict and every trap about a value
 * that can not be read, against a small GitHub that keeps secrets, lags behind, and lets
 * others write.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/encode.h"
#include "common/js.h"
#include "kinds/registry-internal.h"
#include "tests/unit/github_sim.h"

#define REPOSITORY "john-doe/mlops-project"
#define STAMPS_MAX 32

/* ---- a small GitHub ---- */

/* One state of one secret, from @from_ms on (server's clock); deleted when @created_ms is 0. */
struct stamp {
    int64_t from_ms, created_ms, updated_ms;
};

static struct server {
    unsigned char public_key[32], private_key[32];
    struct stamp history[STAMPS_MAX]; /* of DB_PASSWORD */
    size_t stamps;
    char *value;    /* as last put by us */
    int64_t lag_ms; /* reads show the state so long ago */
    bool hidden;    /* the whole repository answers 404 */
    bool renamed;
    unsigned extra;           /* other secrets in the list */
    int put_status;           /* instead of storing; 0 = store */
    bool cut_put;             /* store, but never answer */
    int64_t foreign_after_ms; /* somebody writes so long after our PUT; 0 = nobody */
    const char *zone;         /* how stamps end: "Z" or "+00:00" */
    unsigned lists, gets, puts, deletes, keys;
} server;

static struct github_sim sim;

static void push(int64_t created_ms, int64_t updated_ms)
{
    assert_true(server.stamps < STAMPS_MAX);
    server.history[server.stamps++] = (struct stamp){sim_server_ms(&sim), created_ms, updated_ms};
}

static struct stamp newest(void)
{
    return server.stamps ? server.history[server.stamps - 1] : (struct stamp){0};
}

static struct stamp as_read(void)
{
    struct stamp found = {0};

    for (size_t i = 0; i < server.stamps; i++) {
        if (server.history[i].from_ms <= sim_server_ms(&sim) - server.lag_ms)
            found = server.history[i];
    }
    return found;
}

/* Somebody else: stamps have whole seconds. */
static void foreign_write(void)
{
    int64_t now_ms = sim_server_ms(&sim) / 1000 * 1000;

    push(newest().created_ms ? newest().created_ms : now_ms, now_ms);
}

static void foreign_delete(void)
{
    push(0, 0);
}

static void add_entry(struct buf *body, struct stamp stamp)
{
    char created[32], updated[32];

    clock_format_rfc3339(stamp.created_ms, created, sizeof(created));
    clock_format_rfc3339(stamp.updated_ms, updated, sizeof(updated));
    created[19] = updated[19] = '\0';
    buf_addf(body, "{\"name\": \"DB_PASSWORD\", \"created_at\": \"%s%s\", \"updated_at\": \"%s%s\"}", created,
             server.zone, updated, server.zone);
}

static int answer_list(struct http_answer *answer)
{
    struct buf body CLEANUP_BUF = BUF_INIT(65536);
    struct stamp stamp = as_read();
    unsigned total = server.extra + (stamp.created_ms != 0);

    server.lists++;
    buf_addf(&body, "{\"total_count\": %u, \"secrets\": [", total);
    for (unsigned i = 0; i < server.extra; i++)
        buf_addf(&body,
                 "%s{\"name\": \"X%u\", \"created_at\": \"2020-01-01T00:00:00Z\", \"updated_at\": "
                 "\"2020-01-01T00:00:00Z\"}",
                 i ? "," : "", i);
    if (stamp.created_ms) {
        buf_add_text(&body, server.extra ? "," : "");
        add_entry(&body, stamp);
    }
    buf_add_text(&body, "]}");
    return sim_answer(&sim, answer, 200, NULL, buf_text(&body));
}

static int answer_get(struct http_answer *answer)
{
    struct buf body CLEANUP_BUF = BUF_INIT(4096);
    struct stamp stamp = as_read();

    server.gets++;
    if (!stamp.created_ms)
        return sim_answer(&sim, answer, 404, NULL, "{\"message\": \"Not Found\"}");
    add_entry(&body, stamp);
    return sim_answer(&sim, answer, 200, NULL, buf_text(&body));
}

static int answer_key(struct http_answer *answer)
{
    char *key CLEANUP_FREE = encode_base64(server.public_key, sizeof(server.public_key));
    char *body CLEANUP_FREE = str_format("{\"key_id\": \"1\", \"key\": \"%s\"}", key);

    server.keys++;
    return sim_answer(&sim, answer, 200, NULL, body);
}

static void open_box(const char *text)
{
    struct json_object *body CLEANUP_JS = NULL;
    unsigned char *box CLEANUP_FREE = NULL;
    size_t size;

    if (js_parse_text(text, &body, NULL) < 0 ||
        decode_base64(js_text(body, "encrypted_value"), &box, &size) < 0)
        return;
    free(server.value);
    server.value = calloc(1, size);
    if (crypto_box_seal_open((unsigned char *)server.value, box, size, server.public_key,
                             server.private_key) != 0)
        free(TAKE(server.value));
}

static int answer_put(const struct sim_request *request, struct http_answer *answer)
{
    int64_t now_ms = sim_server_ms(&sim) / 1000 * 1000;
    bool is_new = newest().created_ms == 0;

    server.puts++;
    if (server.put_status)
        return sim_answer(&sim, answer, server.put_status, NULL, "{\"message\": \"no\"}");
    open_box(request->body);
    push(is_new ? now_ms : newest().created_ms, now_ms);
    if (server.foreign_after_ms) {
        push(newest().created_ms, now_ms + server.foreign_after_ms);
        server.foreign_after_ms = 0;
    }
    if (server.cut_put)
        return -ECONNRESET;
    return sim_answer(&sim, answer, is_new ? 201 : 204, NULL, is_new ? "{}" : NULL);
}

static int answer_delete(struct http_answer *answer)
{
    server.deletes++;
    if (newest().created_ms == 0)
        return sim_answer(&sim, answer, 404, NULL, "{\"message\": \"Not Found\"}");
    push(0, 0);
    return sim_answer(&sim, answer, 204, NULL, NULL);
}

static int serve(struct github_sim *s, const struct sim_request *request, struct http_answer *answer)
{
    (void)s;
    if (server.hidden)
        return sim_answer(&sim, answer, 404, NULL, "{\"message\": \"Not Found\"}");
    if (server.renamed && !strstr(request->url, "/repositories/7"))
        return sim_answer(&sim, answer, 301,
                          "location: https://api.github.com/repositories/7/actions/secrets?per_page=100",
                          "{}");
    if (str_ends(request->url, "/actions/secrets?per_page=100"))
        return answer_list(answer);
    if (str_ends(request->url, "/public-key"))
        return answer_key(answer);
    if (str_ends(request->url, "/actions/secrets/DB_PASSWORD")) {
        if (str_equal(request->method, "PUT"))
            return answer_put(request, answer);
        return str_equal(request->method, "GET") ? answer_get(answer) : answer_delete(answer);
    }
    return sim_answer(&sim, answer, 200, NULL, "{}");
}

/* ---- a host ---- */

static const char *secret_value;
static unsigned noted; /* intents */

static int before_write(struct kind_op *op, const char *operation, struct err *err)
{
    (void)op;
    (void)operation;
    (void)err;
    noted++;
    return 0;
}

static int host_secret(struct kind_op *op, const char *field, struct secret **ret, struct err *err)
{
    (void)op;
    if (!str_equal(field, "plaintext_value"))
        return err_set(err, -EINVAL, ERR_BUG, "no such field");
    *ret = secret_new_text(secret_value);
    return 0;
}

static char *fingerprint(void *host_data, const struct secret *value)
{
    (void)host_data;
    return digest_text(secret_text(value));
}

static const struct kind_host host = {
    .before_write = before_write,
    .secret = host_secret,
    .fingerprint = fingerprint,
};

/* ---- running the kind ---- */

static struct json_object *desired, *memory, *observed;
static struct err op_err;
static struct kind_op op;
static struct kind_item item;
static int result;

static void set_desired(const char *value)
{
    char *fp CLEANUP_FREE = digest_text(value);

    secret_value = value;
    json_object_put(desired);
    desired = json_object_new_object();
    js_set_text(desired, "repository", REPOSITORY);
    js_set_text(desired, "secret_name", "db_password");
    js_set_text(desired, "plaintext_value.secret", fp);
}

static int setup(void **state)
{
    (void)state;
    memset(&sim, 0, sizeof(sim));
    memset(&server, 0, sizeof(server));
    crypto_box_keypair(server.public_key, server.private_key);
    server.zone = "Z";
    noted = 0;
    sim_open(&sim, NULL);
    sim.serve = serve;
    set_desired("s3cret");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    json_object_put(desired);
    json_object_put(memory);
    json_object_put(observed);
    desired = memory = observed = NULL;
    free(server.value);
    err_done(&op_err);
    sim_close(&sim);
    return 0;
}

static struct clouds clouds(void)
{
    return (struct clouds){.github = sim.github, .clock = &sim.clock.clock, .fibers = &sim.fibers};
}

static void adopt_memory(struct json_object **from)
{
    if (!*from)
        return;
    json_object_put(memory);
    memory = *from;
    *from = NULL;
}

enum verb { CREATE, UPDATE, REMOVE };
static enum verb verb;

static void op_fiber(void *arg)
{
    struct diff diff = {0};

    (void)arg;
    if (verb == CREATE)
        result = op.kind->create(&op);
    else if (verb == UPDATE)
        result = op.kind->update(&op, &diff);
    else
        result = op.kind->remove(&op);
}

/* Run an operation; its notes are kept as the engine would. Results stay in op until op_done(). */
static int operate(enum verb what)
{
    verb = what;
    err_done(&op_err);
    op = (struct kind_op){
        .kind = &github_actions_secret_kind,
        .address = "github_actions_secret.db",
        .desired = what == REMOVE ? NULL : desired,
        .observed = observed,
        .id = what == CREATE ? NULL : REPOSITORY ":DB_PASSWORD",
        .memory = memory,
        .clouds = clouds(),
        .host = &host,
        .err = &op_err,
    };
    assert_int_equal(fiber_spawn(&sim.fibers, "op", op_fiber, NULL, NULL), 0);
    sim_run(&sim);
    adopt_memory(&op.ret_memory);
    return result;
}

static void op_done(void)
{
    json_object_put(op.ret_attributes);
    free(op.ret_id);
    memset(&op, 0, sizeof(op));
}

static void item_done(void)
{
    json_object_put(item.observed);
    json_object_put(item.ret_memory);
    free(item.ret_id);
    free(item.note);
    err_done(&item.err);
    memset(&item, 0, sizeof(item));
}

static struct kind_batch batch;

static void look_fiber(void *arg)
{
    (void)arg;
    result = github_actions_secret_kind.observe(&batch);
}

static void observe(struct kind_item *items, size_t count)
{
    batch = (struct kind_batch){.kind = &github_actions_secret_kind,
                                .items = items,
                                .count = count,
                                .clouds = clouds(),
                                .host = &host,
                                .err = &op_err};
    assert_int_equal(fiber_spawn(&sim.fibers, "look", look_fiber, NULL, NULL), 0);
    sim_run(&sim);
}

/* One look; new notes are kept; the item stays for the assertions. */
static enum item_state look(void)
{
    item_done();
    item = (struct kind_item){.address = "github_actions_secret.db", .desired = desired, .memory = memory};
    observe(&item, 1);
    assert_int_equal(result, 0);
    json_object_put(observed);
    observed = item.observed ? json_object_get(item.observed) : NULL;
    adopt_memory(&item.ret_memory);
    return item.state;
}

/* Differences by the generic diff: 0 = in order. */
static size_t differences(void)
{
    struct diff diff CLEANUP_DIFF = {0};

    assert_int_equal(diff_documents(&github_actions_secret_kind, desired, item.observed, &diff, NULL), 0);
    assert_false(diff.replace);
    return diff.count;
}

static void expect_in_order(void)
{
    assert_int_equal(look(), ITEM_PRESENT);
    assert_int_equal(differences(), 0);
    assert_false(item.unconfirmed);
}

static void expect_drift(const char *note)
{
    assert_int_equal(look(), ITEM_PRESENT);
    assert_int_equal(differences(), 1);
    assert_false(item.unconfirmed);
    assert_non_null(strstr(js_text(item.observed, "plaintext_value.note"), note));
    assert_null(js_text(item.observed, "plaintext_value.secret"));
}

/* A difference that must be put right without an alert. */
static void expect_own_business(void)
{
    assert_int_equal(look(), ITEM_PRESENT);
    assert_int_equal(differences(), 1);
    assert_true(item.unconfirmed);
}

static bool confirmed(void)
{
    return js_int(memory, "updated_ms", 0) != 0;
}

static void make(void)
{
    assert_int_equal(operate(CREATE), 0);
    op_done();
    clock_virtual_advance(&sim.clock, 10000);
}

/* ---- creating ---- */

static void create_puts_reads_back_and_remembers_no_value(void **state)
{
    char *fp CLEANUP_FREE = digest_text("s3cret");

    (void)state;
    assert_int_equal(operate(CREATE), 0);
    assert_string_equal(op.ret_id, REPOSITORY ":DB_PASSWORD");
    assert_string_equal(js_text(op.ret_attributes, "created_at"), "2026-11-22T17:30:00Z");
    assert_string_equal(js_text(op.ret_attributes, "updated_at"), "2026-11-22T17:30:00Z");
    assert_false(op.ret_settling);
    assert_int_equal(op_err.code, 0);
    op_done();
    assert_string_equal(server.value, "s3cret");
    assert_int_equal(noted, 1);
    assert_string_equal(js_text(memory, "fp"), fp);
    assert_int_equal(js_int(memory, "updated_ms", 0), SIM_WALL_MS);
    assert_null(strstr(json_object_to_json_string(memory), "s3cret"));
    expect_in_order();
    assert_string_equal(item.ret_id, REPOSITORY ":DB_PASSWORD");
    assert_string_equal(js_text(item.observed, "secret_name"), "DB_PASSWORD");
    assert_int_equal(item.created_wall_ms, SIM_WALL_MS);
    item_done();
}

static void failed_put_creates_nothing(void **state)
{
    (void)state;
    server.put_status = 500;
    assert_int_equal(operate(CREATE), -EIO);
    assert_int_equal(op_err.class, ERR_RETRY);
    assert_null(op.ret_id);
    assert_null(memory);
    assert_int_equal(server.gets, 0);
    op_done();
}

/* ---- the verdict table ---- */

static void not_in_the_complete_list_is_missing(void **state)
{
    (void)state;
    server.extra = 3;
    assert_int_equal(look(), ITEM_ABSENT);
    server.extra = 0;
    make();
    foreign_delete();
    assert_int_equal(look(), ITEM_ABSENT);
    assert_int_equal(server.lists, 2);
    item_done();
}

static void other_desired_value_is_our_own_change(void **state)
{
    (void)state;
    make();
    set_desired("n3w");
    expect_own_business();
    assert_null(js_text(item.observed, "plaintext_value.note"));
    assert_int_equal(operate(UPDATE), 0);
    op_done();
    assert_string_equal(server.value, "n3w");
    expect_in_order();
    item_done();
}

static void own_change_hides_no_foreign_write_behind_an_alert(void **state)
{
    (void)state;
    make();
    foreign_write();
    set_desired("n3w");
    expect_own_business();
    item_done();
}

static void later_updated_at_is_a_foreign_write(void **state)
{
    (void)state;
    make();
    expect_in_order();
    foreign_write();
    expect_drift("written outside mlopsd at 2026-11-22T17:30:10Z");
    expect_drift("written outside mlopsd"); /* until it is put right */
    clock_virtual_advance(&sim.clock, 5000);
    assert_int_equal(operate(UPDATE), 0);
    op_done();
    expect_in_order();
    item_done();
}

static void other_created_at_is_deleted_and_made_again(void **state)
{
    (void)state;
    make();
    foreign_delete();
    foreign_write();
    expect_drift("deleted and made again outside mlopsd at");
    item_done();
}

static void unknown_history_is_asserted_without_an_alert(void **state)
{
    (void)state;
    foreign_write();
    clock_virtual_advance(&sim.clock, 60000);
    expect_own_business();
    assert_int_equal(operate(UPDATE), 0);
    op_done();
    expect_in_order();
    item_done();
}

static void stamps_are_compared_as_instants(void **state)
{
    (void)state;
    make();
    server.zone = ".000+00:00";
    expect_in_order();
    item_done();
}

/* ---- the traps ---- */

static void a_read_back_may_lag(void **state)
{
    (void)state;
    server.lag_ms = 20000;
    assert_int_equal(operate(CREATE), 0);
    assert_true(op.ret_settling);
    assert_int_equal(op_err.code, 0);
    op_done();
    assert_false(confirmed());
    clock_virtual_advance(&sim.clock, 5000);
    assert_int_equal(look(), ITEM_SETTLING);
    assert_int_equal(server.puts, 1);
    clock_virtual_advance(&sim.clock, 20000);
    expect_in_order();
    assert_true(confirmed());
    item_done();
}

static void a_old_stamp_after_a_put_is_not_taken(void **state)
{
    (void)state;
    make();
    foreign_write();
    clock_virtual_advance(&sim.clock, 3000);
    look();
    server.lag_ms = 2500; /* reads still show the foreign write, three seconds old */
    assert_int_equal(operate(UPDATE), 0);
    assert_true(op.ret_settling);
    op_done();
    assert_false(confirmed());
    assert_int_equal(look(), ITEM_SETTLING);
    clock_virtual_advance(&sim.clock, 3000);
    expect_in_order();
    item_done();
}

static void a_put_that_never_shows_is_put_again(void **state)
{
    (void)state;
    server.lag_ms = 1000000;
    assert_int_equal(operate(CREATE), 0);
    op_done();
    clock_virtual_advance(&sim.clock, 59000);
    assert_int_equal(look(), ITEM_SETTLING);
    clock_virtual_advance(&sim.clock, 2000);
    assert_int_equal(look(), ITEM_ABSENT);
    item_done();
}

static void a_update_that_never_shows_is_put_again(void **state)
{
    (void)state;
    make();
    server.lag_ms = 1000;
    server.history[0].from_ms -= 2000;
    set_desired("n3w");
    assert_int_equal(operate(UPDATE), 0);
    op_done();
    server.stamps--; /* lost */
    clock_virtual_advance(&sim.clock, 61000);
    expect_own_business();
    assert_non_null(strstr(js_text(item.observed, "plaintext_value.note"), "never showed"));
    item_done();
}

static void b_foreign_write_before_the_read_back_is_never_blessed(void **state)
{
    (void)state;
    server.foreign_after_ms = 4000;
    assert_int_equal(operate(CREATE), 0);
    assert_true(op.ret_settling);
    op_done();
    assert_false(confirmed());
    clock_virtual_advance(&sim.clock, 10000);
    expect_own_business();
    assert_non_null(strstr(js_text(item.observed, "plaintext_value.note"), "right after mlopsd"));
    assert_false(confirmed());
    assert_int_equal(operate(UPDATE), 0);
    op_done();
    expect_in_order();
    item_done();
}

static void b_guard_uses_githubs_clock_on_both_sides(void **state)
{
    (void)state;
    sim.server_ahead_ms = -86400000;
    make();
    expect_in_order();
    sim.server_ahead_ms += 1; /* the same, a day off */
    foreign_write();
    expect_drift("written outside mlopsd");
    item_done();
}

static void c_two_puts_of_one_name_lie_two_seconds_apart(void **state)
{
    (void)state;
    assert_int_equal(operate(CREATE), 0);
    op_done();
    clock_virtual_advance(&sim.clock, 500);
    assert_int_equal(operate(UPDATE), -EAGAIN);
    assert_int_equal(op_err.class, ERR_NOT_YET);
    assert_int_equal(op_err.retry_after_ms, 1500);
    op_done();
    assert_int_equal(server.puts, 1);
    clock_virtual_advance(&sim.clock, 1500);
    assert_int_equal(operate(UPDATE), 0);
    op_done();
    assert_int_equal(server.puts, 2);
}

static void d_lost_answer_is_put_again_and_ends_in_order(void **state)
{
    (void)state;
    make();
    expect_in_order();
    server.cut_put = true;
    set_desired("n3w");
    assert_int_equal(operate(UPDATE), -ECONNRESET);
    assert_int_equal(op_err.class, ERR_RETRY);
    op_done();
    server.cut_put = false;
    clock_virtual_advance(&sim.clock, 5000);
    expect_own_business(); /* the intent says the rest */
    assert_int_equal(operate(UPDATE), 0);
    op_done();
    expect_in_order();
    assert_string_equal(server.value, "n3w");
    item_done();
}

static void f_older_stamp_is_a_stale_replica_not_drift(void **state)
{
    (void)state;
    make();
    foreign_write();
    clock_virtual_advance(&sim.clock, 5000);
    look();
    assert_int_equal(operate(UPDATE), 0);
    op_done();
    clock_virtual_advance(&sim.clock, 3000);
    expect_in_order();
    server.gets = 0;
    server.lag_ms = 7000; /* back to the foreign write */
    assert_int_equal(look(), ITEM_UNKNOWN);
    assert_int_equal(item.err.class, ERR_RETRY);
    assert_int_equal(server.gets, 1); /* read again */
    assert_int_equal(server.puts, 2);
    server.lag_ms = 0;
    expect_in_order();
    item_done();
}

/* ---- what is no absence ---- */

static void hidden_repository_is_unknown_not_missing(void **state)
{
    (void)state;
    make();
    server.hidden = true;
    assert_int_equal(look(), ITEM_UNKNOWN);
    assert_int_equal(item.err.class, ERR_DENIED);
    assert_int_equal(operate(CREATE), -EPERM);
    assert_int_equal(op_err.class, ERR_DENIED);
    op_done();
    item_done();
}

static void renamed_repository_is_told(void **state)
{
    (void)state;
    make();
    server.renamed = true;
    assert_int_equal(look(), ITEM_UNKNOWN);
    assert_int_equal(item.err.class, ERR_INVALID);
    assert_non_null(strstr(err_text(&item.err), "renamed"));
    item_done();
}

static void more_than_a_hundred_are_refused_before_the_first_write(void **state)
{
    (void)state;
    server.extra = 99;
    assert_int_equal(look(), ITEM_ABSENT);
    server.extra = 100;
    assert_int_equal(look(), ITEM_UNKNOWN);
    assert_int_equal(item.err.class, ERR_LIMIT);
    item_done();
}

static void one_list_serves_all_secrets_of_a_repository(void **state)
{
    struct kind_item items[4];
    struct json_object *other = json_object_new_object();

    (void)state;
    make();
    server.lists = server.gets = 0;
    js_set_text(other, "repository", "John-Doe/MLOps-Project"); /* the same, spelled otherwise */
    js_set_text(other, "secret_name", "OTHER");
    for (int i = 0; i < 3; i++)
        items[i] = (struct kind_item){
            .address = "a", .desired = i ? other : desired, .memory = i ? NULL : memory};
    items[3] = (struct kind_item){.address = "b", .desired = memory}; /* no key: not looked at */
    observe(items, 4);
    assert_int_equal(result, 0);
    assert_int_equal(server.lists, 1);
    assert_int_equal(server.gets, 0);
    assert_int_equal(items[0].state, ITEM_PRESENT);
    assert_int_equal(items[1].state, ITEM_ABSENT);
    assert_int_equal(items[2].state, ITEM_ABSENT);
    assert_int_equal(items[3].state, ITEM_UNKNOWN);
    json_object_put(items[0].observed);
    free(items[0].ret_id);
    json_object_put(other);
}

/* ---- removing ---- */

static void remove_deletes_by_the_recorded_id(void **state)
{
    (void)state;
    make();
    assert_int_equal(operate(REMOVE), 0);
    op_done();
    assert_int_equal(server.deletes, 1);
    assert_int_equal(newest().created_ms, 0);
    /* already gone is success, but only with proof that the repository is to be seen */
    assert_int_equal(operate(REMOVE), 0);
    op_done();
    server.hidden = true;
    assert_int_equal(operate(REMOVE), -EPERM);
    assert_int_equal(op_err.class, ERR_DENIED);
    op_done();
}

/* ---- the table ---- */

static void names_are_checked_as_github_does(void **state)
{
    const struct field *name = field_find(github_actions_secret_kind.fields, "secret_name");
    const struct field *repository = field_find(github_actions_secret_kind.fields, "repository");

    (void)state;
    assert_true(name->accepts("DB_PASSWORD"));
    assert_true(name->accepts("_x1"));
    assert_true(name->accepts("GH_PAT"));
    assert_false(name->accepts("GITHUB_TOKEN"));
    assert_false(name->accepts("github_x"));
    assert_false(name->accepts("1A"));
    assert_false(name->accepts("A-B"));
    assert_false(name->accepts(""));
    assert_true(repository->accepts("o/r"));
    assert_false(repository->accepts("r"));
    assert_false(repository->accepts("o/r/x"));
    assert_false(repository->accepts("/r"));
    assert_false(repository->accepts("o/"));
}

static unsigned warnings;

static void warn(struct kind_check *check, const char *path, const char *format, ...)
{
    (void)check;
    (void)format;
    assert_string_equal(path, "repository");
    warnings++;
}

static void another_repository_than_the_platforms_is_warned_about(void **state)
{
    struct kind_check check = {.document = desired, .warning = warn, .problem = warn};

    (void)state;
    warnings = 0;
    github_actions_secret_kind.check(&check);
    check.platform_repository = "John-Doe/mlops-project";
    github_actions_secret_kind.check(&check);
    assert_int_equal(warnings, 0);
    check.platform_repository = "john-doe/other";
    github_actions_secret_kind.check(&check);
    assert_int_equal(warnings, 1);
    js_set_text(desired, "repository", "${github.repository}");
    github_actions_secret_kind.check(&check);
    assert_int_equal(warnings, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(create_puts_reads_back_and_remembers_no_value),
        CASE(failed_put_creates_nothing),
        CASE(not_in_the_complete_list_is_missing),
        CASE(other_desired_value_is_our_own_change),
        CASE(own_change_hides_no_foreign_write_behind_an_alert),
        CASE(later_updated_at_is_a_foreign_write),
        CASE(other_created_at_is_deleted_and_made_again),
        CASE(unknown_history_is_asserted_without_an_alert),
        CASE(stamps_are_compared_as_instants),
        CASE(a_read_back_may_lag),
        CASE(a_old_stamp_after_a_put_is_not_taken),
        CASE(a_put_that_never_shows_is_put_again),
        CASE(a_update_that_never_shows_is_put_again),
        CASE(b_foreign_write_before_the_read_back_is_never_blessed),
        CASE(b_guard_uses_githubs_clock_on_both_sides),
        CASE(c_two_puts_of_one_name_lie_two_seconds_apart),
        CASE(d_lost_answer_is_put_again_and_ends_in_order),
        CASE(f_older_stamp_is_a_stale_replica_not_drift),
        CASE(hidden_repository_is_unknown_not_missing),
        CASE(renamed_repository_is_told),
        CASE(more_than_a_hundred_are_refused_before_the_first_write),
        CASE(one_list_serves_all_secrets_of_a_repository),
        CASE(remove_deletes_by_the_recorded_id),
        CASE(names_are_checked_as_github_does),
        CASE(another_repository_than_the_platforms_is_warned_about),
    };

    if (crypto_setup() < 0)
        return 1;
    return cmocka_run_group_tests_name("kind_github_actions_secret", tests, NULL, NULL);
}
