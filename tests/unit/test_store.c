/*
 * test_store.c: what the store keeps, what it refuses, and that it writes nothing when nothing changed.
 */
#include "store_fixture.h"

#include <signal.h>
#include <sys/wait.h>

#include "common/log.h"

/* ---- rows ---- */

static void put_sample(struct fixture *f, const char *address)
{
    struct record record = sample_record(address);

    assert_int_equal(record_put(f->store, &record, NULL), 0);
}

static size_t count_records(struct fixture *f)
{
    struct record *records;
    size_t count;

    assert_int_equal(record_list(f->store, "p", &records, &count, NULL), 0);
    records_free(records, count);
    return count;
}

static void generation_numbers_grow_and_equal_text_is_not_stored_twice(void **state)
{
    struct fixture *f = *state;
    struct generation g = {0};
    int64_t number;

    fixture_open(f);
    assert_int_equal(generation_latest(f->store, "p", &g, NULL), -ENOENT);
    assert_int_equal(generation_put(f->store, "p", "d1", "text 1", "a.yaml", &number, NULL), 0);
    assert_int_equal(number, 1);
    assert_int_equal(generation_put(f->store, "p", "d2", "text 2", "a.yaml", &number, NULL), 0);
    assert_int_equal(number, 2);
    assert_int_equal(generation_put(f->store, "p", "d2", "text 2", "a.yaml", &number, NULL), 0);
    assert_int_equal(number, 2);
    assert_int_equal(generation_put(f->store, "other", "d2", "text 2", "b.yaml", &number, NULL), 0);
    assert_int_equal(number, 1);
    fixture_reopen(f);
    assert_int_equal(generation_latest(f->store, "p", &g, NULL), 0);
    assert_int_equal(g.number, 2);
    assert_string_equal(g.digest, "d2");
    assert_string_equal(g.text, "text 2");
    assert_string_equal(g.file, "a.yaml");
    assert_int_equal(g.created_ms, FIXTURE_WALL_MS);
    generation_done(&g);
}

static void generations_are_bounded_and_numbers_go_on(void **state)
{
    struct fixture *f = *state;
    char digest[16];
    int64_t number;

    fixture_open(f);
    assert_int_equal(store_begin(f->store, NULL), 0);
    for (int i = 1; i <= STORE_GENERATIONS_MAX + 5; i++) {
        (void)snprintf(digest, sizeof(digest), "d%d", i);
        assert_int_equal(generation_put(f->store, "p", digest, "t", "f", &number, NULL), 0);
        assert_int_equal(number, i);
    }
    assert_int_equal(store_commit(f->store, NULL), 0);
    assert_int_equal(raw_int(f->path, "SELECT count(*) FROM generations"), STORE_GENERATIONS_MAX);
}

static void record_comes_back_as_it_was_put(void **state)
{
    struct fixture *f = *state;
    struct record in = sample_record("aws_iam_role.b"), *out;
    char memory[] = "{\"n\":1}";
    size_t count;

    fixture_open(f);
    in.memory = memory;
    assert_int_equal(record_put(f->store, &in, NULL), 0);
    put_sample(f, "aws_iam_role.a");
    fixture_reopen(f);
    assert_int_equal(record_list(f->store, "p", &out, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_string_equal(out[0].address, "aws_iam_role.a");
    assert_null(out[0].memory);
    assert_string_equal(out[1].address, "aws_iam_role.b");
    assert_string_equal(out[1].platform, "p");
    assert_string_equal(out[1].type, "aws_iam_role");
    assert_string_equal(out[1].id, "AROA1");
    assert_string_equal(out[1].attributes, in.attributes);
    assert_string_equal(out[1].memory, memory);
    assert_string_equal(out[1].desired, in.desired);
    assert_string_equal(out[1].needs, in.needs);
    assert_string_equal(out[1].applied, in.applied);
    assert_int_equal(out[1].created_ms, 5);
    assert_int_equal(out[1].written_ms, 6);
    assert_int_equal(out[1].proof_ms, 7);
    assert_int_equal(out[1].sightings, 1);
    records_free(out, count);
    assert_int_equal(record_list(f->store, "other", &out, &count, NULL), 0);
    assert_int_equal(count, 0);
    records_free(out, count);
}

static void every_field_of_a_record_is_worth_a_commit(void **state)
{
    struct fixture *f = *state;
    struct record record = sample_record("t.a");
    char other[] = "other";
    char **texts[] = {&record.type,    &record.id,    &record.attributes, &record.memory,
                      &record.desired, &record.needs, &record.applied};
    int64_t *numbers[] = {&record.created_ms, &record.written_ms};
    uint64_t commits;

    fixture_open(f);
    assert_int_equal(record_put(f->store, &record, NULL), 0);
    commits = store_commits(f->store);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        *texts[i] = other;
        assert_int_equal(record_put(f->store, &record, NULL), 0);
        assert_int_equal(store_commits(f->store), ++commits);
    }
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        *numbers[i] = 1000;
        assert_int_equal(record_put(f->store, &record, NULL), 0);
        assert_int_equal(store_commits(f->store), ++commits);
    }
    record.sightings++;
    assert_int_equal(record_put(f->store, &record, NULL), 0);
    assert_int_equal(store_commits(f->store), ++commits);
}

static void record_delete_takes_one_only(void **state)
{
    struct fixture *f = *state;

    fixture_open(f);
    put_sample(f, "t.a");
    put_sample(f, "t.b");
    assert_int_equal(record_delete(f->store, "p", "t.a", NULL), 0);
    assert_int_equal(count_records(f), 1);
    assert_int_equal(record_delete(f->store, "p", "t.a", NULL), 0); /* again: nothing to do */
    assert_int_equal(count_records(f), 1);
}

static int64_t first_proof(struct fixture *f)
{
    struct record *records;
    int64_t proof_ms;
    size_t count;

    assert_int_equal(record_list(f->store, "p", &records, &count, NULL), 0);
    assert_int_equal(count, 1);
    proof_ms = records[0].proof_ms;
    records_free(records, count);
    return proof_ms;
}

static void proof_time_alone_waits_for_another_commit(void **state)
{
    struct fixture *f = *state;
    struct record record = sample_record("t.a");
    uint64_t commits;

    fixture_open(f);
    assert_int_equal(record_put(f->store, &record, NULL), 0);
    commits = store_commits(f->store);
    record.proof_ms = 100;
    assert_int_equal(record_put(f->store, &record, NULL), 0);
    assert_int_equal(store_commits(f->store), commits);
    assert_int_equal(first_proof(f), 100); /* known at once */
    fixture_reopen(f);
    assert_int_equal(first_proof(f), 7); /* but not on the disk */

    assert_int_equal(record_put(f->store, &record, NULL), 0);
    put_fact(f, "a", "b");
    assert_int_equal(store_commits(f->store), 1);
    fixture_reopen(f);
    assert_int_equal(first_proof(f), 100);
}

static void proof_of_a_deleted_record_is_not_inherited(void **state)
{
    struct fixture *f = *state;
    struct record record = sample_record("t.a");

    fixture_open(f);
    assert_int_equal(record_put(f->store, &record, NULL), 0);
    record.proof_ms = 100;
    assert_int_equal(record_put(f->store, &record, NULL), 0);
    assert_int_equal(record_delete(f->store, "p", "t.a", NULL), 0);
    record = sample_record("t.b");
    record.proof_ms = 0;
    assert_int_equal(record_put(f->store, &record, NULL), 0);
    assert_int_equal(first_proof(f), 0);
}

static void intent_is_kept_until_it_is_cleared(void **state)
{
    struct fixture *f = *state;
    char token[] = "00112233445566778899aabbccddeeff", platform[] = "p", address[] = "t.a",
         action[] = "create";
    char operation[] = "CreateRole", wrong[] = "dance";
    struct intent intent = {.token = token,
                            .platform = platform,
                            .address = address,
                            .action = action,
                            .operation = operation,
                            .was_absent = true,
                            .at_ms = 9};
    struct intent *list;
    struct err err = {0};
    size_t count;

    fixture_open(f);
    assert_int_equal(intent_put(f->store, &intent, NULL), 0);
    fixture_reopen(f);
    assert_int_equal(intent_list(f->store, "p", &list, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_string_equal(list[0].token, token);
    assert_string_equal(list[0].address, address);
    assert_string_equal(list[0].action, action);
    assert_string_equal(list[0].operation, operation);
    assert_true(list[0].was_absent);
    assert_int_equal(list[0].at_ms, 9);
    intents_free(list, count);
    assert_int_equal(intent_clear(f->store, token, NULL), 0);
    assert_int_equal(intent_list(f->store, "p", &list, &count, NULL), 0);
    assert_int_equal(count, 0);
    intents_free(list, count);
    intent.action = wrong;
    assert_int_equal(intent_put(f->store, &intent, &err), -EINVAL);
    assert_int_equal(err.class, ERR_BUG);
    assert_non_null(strstr(err_text(&err), "known_action"));
    err_done(&err);
}

static struct episode sample_episode(void)
{
    static char platform[] = "p", address[] = "t.a", type[] = "t", field[] = "name", kind[] = "changed";
    static char severity[] = "warning", desired[] = "1", observed[] = "2", open_state[] = "open";

    return (struct episode){.platform = platform,
                            .address = address,
                            .type = type,
                            .field = field,
                            .kind = kind,
                            .severity = severity,
                            .desired = desired,
                            .observed = observed,
                            .state = open_state,
                            .first_seen_ms = 10,
                            .last_change_ms = 11,
                            .reminded_ms = 12,
                            .flips = 3};
}

static void episode_moves_from_the_open_to_the_closed(void **state)
{
    struct fixture *f = *state;
    struct episode episode = sample_episode(), other = sample_episode(), *list;
    char resolved[] = "resolved", other_platform[] = "q";
    size_t count;

    fixture_open(f);
    other.first_seen_ms = 5;
    other.platform = other_platform;
    assert_int_equal(episode_put(f->store, &episode, NULL), 0);
    assert_true(episode.id > 0);
    assert_int_equal(episode_put(f->store, &other, NULL), 0);
    assert_int_equal(episode_list_open(f->store, NULL, &list, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_int_equal(list[0].id, other.id); /* the older one */
    assert_string_equal(list[1].field, "name");
    assert_string_equal(list[1].desired, "1");
    assert_string_equal(list[1].observed, "2");
    assert_int_equal(list[1].flips, 3);
    assert_int_equal(list[1].reminded_ms, 12);
    episodes_free(list, count);

    episode.state = resolved;
    episode.closed_ms = 50;
    assert_int_equal(episode_put(f->store, &episode, NULL), 0);
    assert_int_equal(episode_list_open(f->store, "p", &list, &count, NULL), 0);
    assert_int_equal(count, 0);
    episodes_free(list, count);
    assert_int_equal(episode_list_closed(f->store, "p", 50, 10, &list, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_string_equal(list[0].state, "resolved");
    episodes_free(list, count);
    assert_int_equal(episode_list_closed(f->store, "p", 51, 10, &list, &count, NULL), 0);
    assert_int_equal(count, 0);
    episodes_free(list, count);
}

static void episode_of_an_unknown_id_is_refused(void **state)
{
    struct fixture *f = *state;
    struct episode episode = sample_episode();

    fixture_open(f);
    episode.id = 77;
    assert_int_equal(episode_put(f->store, &episode, NULL), -ENOENT);
    assert_int_equal(sqlite3_get_autocommit(f->store->db), 1);
}

static void events_come_newest_first_and_filtered(void **state)
{
    struct fixture *f = *state;
    struct event *list;
    int64_t middle_id;
    size_t count;

    fixture_open(f);
    assert_int_equal(event_add(f->store, 1, "p", NULL, "start", "one", NULL), 0);
    assert_int_equal(event_add(f->store, 2, "p", "t.a", "create", "two", NULL), 0);
    assert_int_equal(event_add(f->store, 3, "q", "t.a", "create", "three", NULL), 0);
    assert_int_equal(event_list(f->store, NULL, NULL, 0, 10, &list, &count, NULL), 0);
    assert_int_equal(count, 3);
    assert_string_equal(list[0].detail, "three");
    assert_null(list[2].address);
    assert_int_equal(list[2].time_ms, 1);
    middle_id = list[1].id;
    events_free(list, count);
    assert_int_equal(event_list(f->store, "p", "t.a", 0, 10, &list, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_string_equal(list[0].detail, "two");
    events_free(list, count);
    assert_int_equal(event_list(f->store, NULL, NULL, middle_id, 10, &list, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_string_equal(list[0].detail, "one");
    events_free(list, count);
    assert_int_equal(event_list(f->store, NULL, NULL, 0, 2, &list, &count, NULL), 0);
    assert_int_equal(count, 2);
    events_free(list, count);
}

static void events_are_bounded_and_the_newest_stay(void **state)
{
    struct fixture *f = *state;
    struct event *list;
    size_t count;

    fixture_open(f);
    f->store = store_close(f->store);
    raw_sql(f->path, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
                     " INSERT INTO events (time_ms, platform, event, detail) SELECT i, 'p', 'x', '' FROM n");
    fixture_open(f);
    assert_int_equal(event_add(f->store, 7, "p", NULL, "late", "", NULL), 0);
    assert_int_equal(event_add(f->store, 8, "p", NULL, "later", "", NULL), 0);
    assert_int_equal(store_commits(f->store), 2);
    assert_int_equal(event_list(f->store, NULL, NULL, 0, 1, &list, &count, NULL), 0);
    assert_string_equal(list[0].event, "later");
    events_free(list, count);
    store_idle(f->store);
    f->store = store_close(f->store);
    assert_int_equal(raw_int(f->path, "SELECT count(*) FROM events"), STORE_EVENTS_MAX);
    assert_int_equal(raw_int(f->path, "SELECT min(id) FROM events"), 3);
}

static void fact_is_replaced_and_deleted(void **state)
{
    struct fixture *f = *state;

    fixture_open(f);
    assert_fact(f, "paused", NULL);
    put_fact(f, "paused", "why");
    put_fact(f, "paused", "because");
    fixture_reopen(f);
    assert_fact(f, "paused", "because");
    put_fact(f, "paused", NULL);
    assert_fact(f, "paused", NULL);
}

/* ---- secrets ---- */

#define PLAIN "correct-horse-battery-staple"

static struct secret *plain_secret(void)
{
    struct secret *secret = secret_new_text(PLAIN);

    assert_non_null(secret);
    return secret;
}

static void put_secrets(struct fixture *f)
{
    struct secret *secret CLEANUP_SECRET = plain_secret();

    assert_int_equal(sealed_put(f->store, "p", "random_password.db.result", secret, NULL), 0);
    assert_int_equal(output_put_secret(f->store, "p", "password", "\"string\"", secret, NULL), 0);
}

static void sealed_value_comes_back_after_a_restart(void **state)
{
    struct fixture *f = *state;
    struct secret *secret CLEANUP_SECRET = NULL;
    struct secret *output CLEANUP_SECRET = NULL;

    fixture_open(f);
    assert_int_equal(sealed_get(f->store, "p", "random_password.db.result", &secret, NULL), -ENOENT);
    put_secrets(f);
    fixture_reopen(f);
    assert_int_equal(sealed_get(f->store, "p", "random_password.db.result", &secret, NULL), 0);
    assert_string_equal(secret_text(secret), PLAIN);
    assert_int_equal(output_secret(f->store, "p", "password", &output, NULL), 0);
    assert_string_equal(secret_text(output), PLAIN);
    assert_int_equal(sealed_delete(f->store, "p", "random_password.db.result", NULL), 0);
    secret = secret_free(secret);
    assert_int_equal(sealed_get(f->store, "p", "random_password.db.result", &secret, NULL), -ENOENT);
}

static bool file_holds(const char *path, const char *text)
{
    size_t size;
    char *data = slurp(path, &size);
    bool found = memmem(data, size, text, strlen(text)) != NULL;

    free(data);
    return found;
}

static bool directory_holds(struct fixture *f, const char *text)
{
    DIR *directory = opendir(f->directory);
    struct dirent *entry;
    bool found = false;
    char path[400];

    assert_non_null(directory);
    while ((entry = readdir(directory))) {
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", f->directory, entry->d_name);
        found |= file_holds(path, text);
    }
    closedir(directory);
    return found;
}

static void sealed_value_is_in_no_file(void **state)
{
    struct fixture *f = *state;

    fixture_open(f);
    put_secrets(f);
    put_fact(f, "open", "open-sesame");
    assert_true(directory_holds(f, "open-sesame")); /* the search itself works, in the log */
    assert_false(directory_holds(f, PLAIN));
    store_idle(f->store);
    assert_false(directory_holds(f, PLAIN));
    f->store = store_close(f->store);
    assert_true(directory_holds(f, "open-sesame"));
    assert_false(directory_holds(f, PLAIN));
}

static void assert_secret_refused(struct fixture *f, const char *platform, const char *name)
{
    struct secret *secret = NULL;
    struct err err = {0};

    assert_int_equal(sealed_get(f->store, platform, name, &secret, &err), -EBADMSG);
    assert_null(secret);
    assert_int_equal(err.class, ERR_BUG);
    err_done(&err);
}

static void moved_sealed_row_is_refused(void **state)
{
    struct fixture *f = *state;
    struct secret *secret = NULL;

    fixture_open(f);
    put_secrets(f);
    f->store = store_close(f->store);
    raw_sql(f->path,
            "INSERT INTO secrets SELECT 'q', name, key_id, sealed FROM secrets WHERE platform = 'p';"
            "INSERT INTO secrets SELECT 'p', 'other', key_id, sealed FROM secrets WHERE platform = 'p';"
            "UPDATE outputs SET name = 'renamed'");
    fixture_open(f);
    assert_secret_refused(f, "q", "random_password.db.result");
    assert_secret_refused(f, "p", "other");
    assert_int_equal(output_secret(f->store, "p", "renamed", &secret, NULL), -EBADMSG);
    assert_int_equal(sealed_get(f->store, "p", "random_password.db.result", &secret, NULL), 0);
    secret_free(secret);
}

static void changed_sealed_row_is_refused(void **state)
{
    struct fixture *f = *state;

    fixture_open(f);
    put_secrets(f);
    f->store = store_close(f->store);
    raw_sql(f->path, "UPDATE secrets SET sealed = zeroblob(length(sealed))");
    fixture_open(f);
    assert_secret_refused(f, "p", "random_password.db.result");
}

static void outputs_are_listed_without_secrets_and_old_ones_go(void **state)
{
    struct fixture *f = *state;
    const char *keep[] = {"arn"};
    struct secret *secret = NULL;
    struct output *list;
    size_t count;

    fixture_open(f);
    put_secrets(f);
    assert_int_equal(output_put(f->store, "p", "arn", "\"string\"", "\"a\"", NULL), 0);
    assert_int_equal(output_list(f->store, "p", &list, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_string_equal(list[0].name, "arn");
    assert_string_equal(list[0].value, "\"a\"");
    assert_false(list[0].sensitive);
    assert_string_equal(list[0].type, "\"string\"");
    assert_string_equal(list[1].name, "password");
    assert_null(list[1].value);
    assert_true(list[1].sensitive);
    outputs_free(list, count);
    assert_int_equal(output_secret(f->store, "p", "arn", &secret, NULL), -ENOENT);
    assert_int_equal(output_delete_others(f->store, "p", keep, 1, NULL), 0);
    assert_int_equal(output_list(f->store, "p", &list, &count, NULL), 0);
    assert_int_equal(count, 1);
    outputs_free(list, count);
    assert_int_equal(output_secret(f->store, "p", "password", &secret, NULL), -ENOENT);
}

static void output_may_become_sensitive_and_back(void **state)
{
    struct fixture *f = *state;
    struct secret *secret = NULL;

    fixture_open(f);
    assert_int_equal(output_put(f->store, "p", "password", "\"string\"", "\"a\"", NULL), 0);
    put_secrets(f);
    assert_int_equal(output_secret(f->store, "p", "password", &secret, NULL), 0);
    secret = secret_free(secret);
    assert_int_equal(output_put(f->store, "p", "password", "\"string\"", "\"a\"", NULL), 0);
    assert_int_equal(output_secret(f->store, "p", "password", &secret, NULL), -ENOENT);
}

/* ---- the key ---- */

static char *key_path(struct fixture *f)
{
    char *path = str_format("%s/state.key", f->directory);

    assert_non_null(path);
    return path;
}

static void write_file(const char *path, const void *data, size_t size, mode_t mode)
{
    int fd;

    (void)unlink(path); /* the old one may not be writable */
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), size);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void wrong_key_is_refused(void **state)
{
    struct fixture *f = *state;
    char *path CLEANUP_FREE = key_path(f);
    unsigned char key[SEAL_KEY_SIZE] = {1};
    size_t size;
    char *old;

    fixture_open(f);
    put_secrets(f);
    f->store = store_close(f->store);
    old = slurp(path, &size);
    assert_int_equal(size, SEAL_KEY_SIZE);
    write_file(path, key, sizeof(key), 0600);
    assert_refused(f, -EKEYREJECTED, "does not fit");
    unlink(path);
    assert_refused(f, -EKEYREJECTED, "is missing");
    assert_int_equal(access(path, F_OK), -1); /* no new key was made in its place */
    write_file(path, old, size, 0600);
    free(old);
    fixture_open(f);
}

static void key_that_others_can_read_is_refused(void **state)
{
    struct fixture *f = *state;
    char *path CLEANUP_FREE = key_path(f);

    fixture_open(f);
    f->store = store_close(f->store);
    assert_int_equal(chmod(path, 0640), 0);
    assert_refused(f, -EPERM, "chmod 0600");
    assert_int_equal(chmod(path, 0600), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 12345, 0), 0);
        assert_refused(f, -EPERM, "belongs to uid 12345");
        assert_int_equal(chown(path, 0, 0), 0);
    }
    fixture_open(f);
}

static void key_file_that_is_a_link_is_refused(void **state)
{
    struct fixture *f = *state;
    char *path CLEANUP_FREE = key_path(f);
    char *moved CLEANUP_FREE = str_format("%s.moved", path);

    fixture_open(f);
    f->store = store_close(f->store);
    assert_int_equal(rename(path, moved), 0);
    assert_int_equal(symlink("state.key.moved", path), 0);
    assert_refused(f, -ELOOP, "state.key");
}

static void half_a_key_is_refused_and_a_draft_is_replaced(void **state)
{
    struct fixture *f = *state;
    char *path CLEANUP_FREE = key_path(f);
    char *draft CLEANUP_FREE = str_format("%s.new", path);

    assert_int_equal(mkdir(f->directory, 0700), 0);
    write_file(draft, "half", 4, 0600);
    fixture_open(f);
    f->store = store_close(f->store);
    assert_int_equal(access(draft, F_OK), -1);
    write_file(path, "half", 4, 0600);
    assert_refused(f, -EINVAL, "32 bytes or 64 hex digits");
}

static void credential_is_taken_raw_or_in_hex(void **state)
{
    struct fixture *f = *state;
    char *path CLEANUP_FREE = str_format("%s/mlopsd-state-key", f->root);
    char *file CLEANUP_FREE = key_path(f);
    unsigned char raw[SEAL_KEY_SIZE];
    char hex[2 * SEAL_KEY_SIZE + 2];

    for (size_t i = 0; i < SEAL_KEY_SIZE; i++) {
        raw[i] = (unsigned char)(i * 7 + 1);
        (void)snprintf(hex + 2 * i, 3, i % 2 ? "%02x" : "%02X", raw[i]);
    }
    hex[64] = '\n';
    setenv("CREDENTIALS_DIRECTORY", f->root, 1);
    write_file(path, raw, sizeof(raw), 0440);
    fixture_open(f);
    f->store = store_close(f->store);
    assert_int_equal(access(file, F_OK), -1); /* no key file beside a credential */
    write_file(path, hex, 64, 0440);
    fixture_reopen(f);
    f->store = store_close(f->store);
    write_file(path, hex, 65, 0440);
    fixture_reopen(f);
    f->store = store_close(f->store);
    hex[5] = 'g';
    write_file(path, hex, 64, 0440);
    assert_refused(f, -EINVAL, "mlopsd-state-key");
    hex[5] = '0';
    hex[6] = hex[6] == '1' ? '2' : '1';
    write_file(path, hex, 64, 0440);
    assert_refused(f, -EKEYREJECTED, "does not fit");
    unlink(path);
    unsetenv("CREDENTIALS_DIRECTORY");
}

static void assert_mode(const char *directory, const char *name, mode_t mode)
{
    char *path CLEANUP_FREE = str_format("%s/%s", directory, name);
    struct stat info;

    if (stat(path, &info) < 0)
        fail_msg("%s: %s", path, strerror(errno));
    assert_int_equal(info.st_mode & 07777, mode);
}

static void files_are_private_whatever_the_umask(void **state)
{
    static const mode_t masks[] = {0, 0777, 022};
    struct fixture *f = *state;
    mode_t old;

    for (size_t i = 0; i < ARRAY_SIZE(masks); i++) {
        old = umask(masks[i]);
        fixture_open(f);
        put_fact(f, "a", "b");
        umask(old);
        assert_mode(f->directory, "", 0700);
        assert_mode(f->directory, "state.db", 0600);
        assert_mode(f->directory, "state.db-wal", 0600);
        assert_mode(f->directory, "state.db-shm", 0600);
        assert_mode(f->directory, "state.key", 0600);
        assert_mode(f->directory, "lock", 0600);
        f->store = store_close(f->store);
        directory_remove(f->directory);
    }
}

/* ---- commits ---- */

static void unchanged_puts_make_no_commit(void **state)
{
    struct fixture *f = *state;
    struct record record = sample_record("t.a");
    struct episode episode = sample_episode();
    const char *keep[] = {"arn", "password"};
    char *wal CLEANUP_FREE = str_format("%s-wal", f->path);
    char *before CLEANUP_FREE = NULL;
    char *after CLEANUP_FREE = NULL;
    size_t before_size = 0, after_size;
    uint64_t commits = 0;
    int64_t number;

    fixture_open(f);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(record_put(f->store, &record, NULL), 0);
        assert_int_equal(generation_put(f->store, "p", "d", "t", "f", &number, NULL), 0);
        assert_int_equal(episode_put(f->store, &episode, NULL), 0);
        assert_int_equal(output_put(f->store, "p", "arn", "\"string\"", "\"a\"", NULL), 0);
        put_secrets(f);
        put_fact(f, "a", "b");
        assert_int_equal(output_delete_others(f->store, "p", keep, 2, NULL), 0);
        assert_int_equal(record_delete(f->store, "p", "t.none", NULL), 0);
        assert_int_equal(intent_clear(f->store, "none", NULL), 0);
        assert_int_equal(sealed_delete(f->store, "p", "none", NULL), 0);
        if (round == 0) {
            commits = store_commits(f->store);
            before = slurp(wal, &before_size);
        }
    }
    assert_int_equal(commits, 7 + 1); /* the canary is the first */
    assert_int_equal(store_commits(f->store), commits);
    after = slurp(wal, &after_size);
    assert_int_equal(after_size, before_size);
    assert_memory_equal(after, before, before_size);
}

static void group_is_one_commit_or_none(void **state)
{
    struct fixture *f = *state;
    uint64_t commits;

    fixture_open(f);
    commits = store_commits(f->store);
    assert_int_equal(store_begin(f->store, NULL), 0);
    put_fact(f, "a", "1");
    put_fact(f, "b", "2");
    assert_int_equal(event_add(f->store, 1, "p", NULL, "x", "", NULL), 0);
    assert_int_equal(store_commit(f->store, NULL), 0);
    assert_int_equal(store_commits(f->store), commits + 1);

    assert_int_equal(store_begin(f->store, NULL), 0);
    put_fact(f, "a", "9");
    store_rollback(f->store);
    assert_fact(f, "a", "1");

    assert_int_equal(store_begin(f->store, NULL), 0);
    put_fact(f, "a", "1");
    assert_int_equal(store_commit(f->store, NULL), 0);
    assert_int_equal(store_commits(f->store), commits + 1);
    store_rollback(f->store); /* outside of a group: nothing */
}

static void failure_in_a_group_undoes_all_of_it(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};

    fixture_open(f);
    assert_int_equal(store_begin(f->store, NULL), 0);
    put_fact(f, "a", "1");
    assert_int_equal(fact_put(f->store, "p", "", "no name", &err), -EINVAL);
    assert_int_equal(sqlite3_get_autocommit(f->store->db), 1);
    err_done(&err);
    assert_int_equal(fact_put(f->store, "p", "late", "1", &err), -EINVAL);
    assert_non_null(strstr(err_text(&err), "CHECK"));
    err_done(&err);
    assert_int_equal(store_commit(f->store, &err), -EINVAL);
    assert_non_null(strstr(err_text(&err), "CHECK"));
    err_done(&err);
    assert_fact(f, "a", NULL);
    assert_fact(f, "late", NULL);
    assert_int_equal(store_begin(f->store, NULL), 0); /* the same for a caller who asks for no text */
    assert_int_equal(fact_put(f->store, "p", "", "no name", NULL), -EINVAL);
    assert_int_equal(fact_put(f->store, "p", "late", "1", NULL), -EINVAL);
    assert_int_equal(store_commit(f->store, NULL), -EINVAL);
    assert_fact(f, "late", NULL);
    put_fact(f, "a", "2"); /* and life goes on */
    assert_fact(f, "a", "2");
}

/* The child's last words would only confuse. */
static void be_quiet(void)
{
    (void)!freopen("/dev/null", "w", stderr);
    signal(SIGABRT, SIG_DFL);
}

static void nested_begin_aborts(void **state)
{
    struct fixture *f = *state;
    int status;
    pid_t child;

    fixture_open(f);
    child = fork();
    if (child == 0) {
        be_quiet();
        (void)store_begin(f->store, NULL);
        (void)store_begin(f->store, NULL);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void assert_killed_child(struct fixture *f, bool commits, size_t expected)
{
    char address[32], byte;
    struct record record;
    int status, ready[2];
    pid_t child;

    assert_int_equal(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        if (store_open(&f->options, &f->store, NULL) < 0 || store_begin(f->store, NULL) < 0)
            _exit(1);
        for (int i = 0; i < 500; i++) {
            (void)snprintf(address, sizeof(address), "t.n%d", i);
            record = sample_record(address);
            if (record_put(f->store, &record, NULL) < 0)
                _exit(1);
        }
        if (commits && store_commit(f->store, NULL) < 0)
            _exit(1);
        (void)!write(ready[1], "x", 1);
        pause();
        _exit(1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    fixture_open(f);
    assert_int_equal(count_records(f), expected);
    f->store = store_close(f->store);
}

static void kill_in_a_transaction_leaves_nothing_of_it(void **state)
{
    assert_killed_child(*state, false, 0);
}

static void close_moves_the_log_into_the_file(void **state)
{
    struct fixture *f = *state;
    char *wal CLEANUP_FREE = str_format("%s-wal", f->path);

    fixture_open(f);
    put_fact(f, "a", "1");
    assert_int_equal(access(wal, F_OK), 0);
    f->store = store_close(f->store);
    assert_int_equal(access(wal, F_OK), -1);
}

static void kill_after_a_commit_loses_nothing(void **state)
{
    assert_killed_child(*state, true, 500);
}

/* ---- who may open ---- */

static void second_store_on_a_directory_is_told_who_holds_it(void **state)
{
    struct fixture *f = *state;
    char *expected CLEANUP_FREE = str_format("another mlopsd (pid %ld) holds %s", (long)getpid(),
                                             f->directory);

    fixture_open(f);
    assert_refused(f, -EBUSY, expected);
    put_fact(f, "still", "mine");
    f->store = store_close(f->store);
    fixture_open(f);
}

static size_t count_files(const char *path)
{
    DIR *directory = opendir(path);
    size_t count = 0;

    assert_non_null(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static void reader_sees_a_running_store_and_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct store *writer, *reader;
    struct err err = {0};
    size_t files;

    fixture_open(f);
    put_fact(f, "a", "1");
    put_secrets(f);
    files = count_files(f->directory);
    writer = f->store;
    f->options.read_only = true;
    fixture_open(f);
    reader = f->store;
    assert_fact(f, "a", "1");
    assert_int_equal(fact_put(reader, "p", "a", "2", &err), -EROFS);
    err_done(&err);
    assert_int_equal(store_begin(reader, NULL), -EROFS);
    store_idle(reader);
    assert_int_equal(count_files(f->directory), files);
    f->store = writer;
    put_fact(f, "a", "3");
    store_idle(writer);
    f->store = reader;
    assert_fact(f, "a", "1"); /* the picture it took */
    store_close(reader);
    f->store = writer;
    assert_fact(f, "a", "3");
}

static void reader_leaves_a_stopped_store_as_it_is(void **state)
{
    struct fixture *f = *state;
    struct secret *secret = NULL;
    size_t files;

    fixture_open(f);
    put_fact(f, "a", "1");
    put_secrets(f);
    f->store = store_close(f->store);
    files = count_files(f->directory);
    f->options.read_only = true;
    fixture_open(f);
    assert_fact(f, "a", "1");
    assert_int_equal(sealed_get(f->store, "p", "random_password.db.result", &secret, NULL), 0);
    secret_free(secret);
    f->store = store_close(f->store);
    assert_int_equal(count_files(f->directory), files);
}

static void reader_without_a_store_finds_it_empty_and_makes_none(void **state)
{
    struct fixture *f = *state;

    f->options.read_only = true;
    fixture_open(f);
    assert_fact(f, "a", NULL);
    assert_int_equal(count_records(f), 0);
    assert_non_null(store_key(f->store));
    assert_int_equal(access(f->directory, F_OK), -1);
}

/* ---- versions ---- */

static void newer_file_is_refused_untouched(void **state)
{
    struct fixture *f = *state;
    size_t before_size, after_size;
    char *before, *after;

    fixture_open(f);
    put_fact(f, "a", "1");
    f->store = store_close(f->store);
    raw_sql(f->path, "PRAGMA user_version = 99");
    before = slurp(f->path, &before_size);
    assert_refused(f, -ENOTSUP, "newer mlopsd");
    f->options.read_only = true;
    assert_refused(f, -ENOTSUP, "newer mlopsd");
    after = slurp(f->path, &after_size);
    assert_int_equal(before_size, after_size);
    assert_memory_equal(before, after, before_size);
    free(before);
    free(after);
}

/* What a newer mlopsd that was killed leaves: its version is in the log only. */
static void leave_a_newer_log(struct fixture *f)
{
    pid_t child = fork();
    sqlite3 *db;
    int status;

    if (child == 0) {
        if (sqlite3_open(f->path, &db) != SQLITE_OK ||
            sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL) != SQLITE_OK)
            _exit(1);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void newer_file_with_a_log_keeps_both(void **state)
{
    struct fixture *f = *state;
    char *wal CLEANUP_FREE = str_format("%s-wal", f->path);
    char *file_before CLEANUP_FREE = NULL, *file_after CLEANUP_FREE = NULL;
    char *wal_before CLEANUP_FREE = NULL, *wal_after CLEANUP_FREE = NULL;
    size_t file_size, wal_size, size;

    fixture_open(f);
    f->store = store_close(f->store);
    leave_a_newer_log(f);
    file_before = slurp(f->path, &file_size);
    wal_before = slurp(wal, &wal_size);
    assert_true(wal_size > 0);
    assert_refused(f, -ENOTSUP, "newer mlopsd");
    file_after = slurp(f->path, &size);
    assert_int_equal(size, file_size);
    assert_memory_equal(file_after, file_before, size);
    wal_after = slurp(wal, &size);
    assert_int_equal(size, wal_size);
    assert_memory_equal(wal_after, wal_before, size);
}

static void file_of_another_program_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(mkdir(f->directory, 0700), 0);
    raw_sql(f->path, "CREATE TABLE bookmarks (url TEXT)");
    assert_refused(f, -EUCLEAN, "not made by mlopsd");
    assert_int_equal(raw_int(f->path, "SELECT count(*) FROM sqlite_schema"), 1);
}

static int open_with_step(struct fixture *f, const char *sql, struct store **ret, struct err *err)
{
    struct migration steps[] = {store_setup_default.migrations[0], {sql}};
    struct store_setup setup = {.migrations = steps, .migration_count = 2};

    return store_open_with(&f->options, &setup, ret, err);
}

static void older_file_is_migrated_after_a_backup(void **state)
{
    struct fixture *f = *state;
    char *backup CLEANUP_FREE = str_format("%s.v1.backup", f->path);
    char *draft CLEANUP_FREE = str_format("%s.new", backup);

    fixture_open(f);
    put_fact(f, "a", "1");
    f->store = store_close(f->store);
    write_file(draft, "left by a crash", 15, 0644);
    assert_int_equal(open_with_step(f, "ALTER TABLE facts ADD COLUMN extra TEXT", &f->store, NULL), 0);
    assert_fact(f, "a", "1");
    f->store = store_close(f->store);
    assert_int_equal(raw_int(f->path, "PRAGMA user_version"), 2);
    assert_int_equal(raw_int(f->path, "SELECT count(extra) FROM facts"), 0);
    assert_int_equal(raw_int(backup, "PRAGMA user_version"), 1);
    assert_int_equal(raw_int(backup, "SELECT count(*) FROM facts"), 1);
    assert_mode(f->directory, "state.db.v1.backup", 0600);
    assert_int_equal(access(draft, F_OK), -1);
    assert_refused(f, -ENOTSUP, "newer"); /* today's program meets tomorrow's file */
}

static void failed_migration_leaves_the_old_version(void **state)
{
    static const char *const broken[] = {
        "CREATE TABLE half (x TEXT); CREATE TABLE facts (again TEXT)",
        "CREATE TABLE half (x TEXT); PRAGMA foreign_keys = OFF; INSERT INTO proofs VALUES (4711, 1)",
    };
    static const int codes[] = {-EINVAL, -EUCLEAN};
    struct fixture *f = *state;
    struct err err = {0};

    fixture_open(f);
    put_fact(f, "a", "1");
    f->store = store_close(f->store);
    for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
        assert_int_equal(open_with_step(f, broken[i], &f->store, &err), codes[i]);
        assert_non_null(strstr(err_text(&err), "schema 1 to 2"));
        err_done(&err);
        assert_int_equal(raw_int(f->path, "PRAGMA user_version"), 1);
        assert_int_equal(raw_int(f->path, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), 0);
        fixture_open(f);
        assert_fact(f, "a", "1");
        f->store = store_close(f->store);
    }
}

static void reader_migrates_its_copy_only(void **state)
{
    struct fixture *f = *state;
    size_t files;

    fixture_open(f);
    f->store = store_close(f->store);
    files = count_files(f->directory);
    f->options.read_only = true;
    assert_int_equal(open_with_step(f, "ALTER TABLE facts ADD COLUMN extra TEXT", &f->store, NULL), 0);
    assert_int_equal(count_files(f->directory), files);
    assert_int_equal(raw_int(f->path, "PRAGMA user_version"), 1);
}

static int setup_all(void **state)
{
    (void)state;
    return crypto_setup();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(generation_numbers_grow_and_equal_text_is_not_stored_twice),
        CASE(generations_are_bounded_and_numbers_go_on),
        CASE(record_comes_back_as_it_was_put),
        CASE(every_field_of_a_record_is_worth_a_commit),
        CASE(record_delete_takes_one_only),
        CASE(proof_time_alone_waits_for_another_commit),
        CASE(proof_of_a_deleted_record_is_not_inherited),
        CASE(intent_is_kept_until_it_is_cleared),
        CASE(episode_moves_from_the_open_to_the_closed),
        CASE(episode_of_an_unknown_id_is_refused),
        CASE(events_come_newest_first_and_filtered),
        CASE(events_are_bounded_and_the_newest_stay),
        CASE(fact_is_replaced_and_deleted),
        CASE(sealed_value_comes_back_after_a_restart),
        CASE(sealed_value_is_in_no_file),
        CASE(moved_sealed_row_is_refused),
        CASE(changed_sealed_row_is_refused),
        CASE(outputs_are_listed_without_secrets_and_old_ones_go),
        CASE(output_may_become_sensitive_and_back),
        CASE(wrong_key_is_refused),
        CASE(key_that_others_can_read_is_refused),
        CASE(key_file_that_is_a_link_is_refused),
        CASE(half_a_key_is_refused_and_a_draft_is_replaced),
        CASE(credential_is_taken_raw_or_in_hex),
        CASE(files_are_private_whatever_the_umask),
        CASE(unchanged_puts_make_no_commit),
        CASE(group_is_one_commit_or_none),
        CASE(failure_in_a_group_undoes_all_of_it),
        CASE(nested_begin_aborts),
        CASE(kill_in_a_transaction_leaves_nothing_of_it),
        CASE(close_moves_the_log_into_the_file),
        CASE(kill_after_a_commit_loses_nothing),
        CASE(second_store_on_a_directory_is_told_who_holds_it),
        CASE(reader_sees_a_running_store_and_changes_nothing),
        CASE(reader_leaves_a_stopped_store_as_it_is),
        CASE(reader_without_a_store_finds_it_empty_and_makes_none),
        CASE(newer_file_is_refused_untouched),
        CASE(newer_file_with_a_log_keeps_both),
        CASE(file_of_another_program_is_refused),
        CASE(older_file_is_migrated_after_a_backup),
        CASE(failed_migration_leaves_the_old_version),
        CASE(reader_migrates_its_copy_only),
    };

    return cmocka_run_group_tests(tests, setup_all, NULL);
}
