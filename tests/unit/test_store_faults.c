/*
 * test_store_faults.c: the store on disks and in memory that fail: at every write, statement and allocation
 * in turn.
 *
 * After each failure the same must hold: no transaction is open, what was committed is there, what was not
 * is not, and the next write works.
 */
#include "store_fixture.h"

#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "common/log.h"
#include "store_faults.h"

/* ---- one of each write ---- */

struct step {
    const char *name;
    int (*run)(struct store *store, int n, struct err *err); /* changes something when @n is new */
};

static int step_generation(struct store *store, int n, struct err *err)
{
    char digest[16];
    int64_t number;

    (void)snprintf(digest, sizeof(digest), "d%d", n);
    return generation_put(store, "p", digest, "text", "file", &number, err);
}

static int step_record(struct store *store, int n, struct err *err)
{
    struct record record = sample_record("t.a");

    record.written_ms = n;
    record.proof_ms = n;
    return record_put(store, &record, err);
}

static int step_record_delete(struct store *store, int n, struct err *err)
{
    (void)n;
    return record_delete(store, "p", "t.a", err);
}

static int step_intent(struct store *store, int n, struct err *err)
{
    char token[] = "00", platform[] = "p", address[] = "t.a", action[] = "create", operation[] = "X";
    struct intent intent = {.token = token,
                            .platform = platform,
                            .address = address,
                            .action = action,
                            .operation = operation,
                            .at_ms = n};

    return intent_put(store, &intent, err);
}

static int step_intent_clear(struct store *store, int n, struct err *err)
{
    (void)n;
    return intent_clear(store, "00", err);
}

static int step_sealed(struct store *store, int n, struct err *err)
{
    struct secret *secret CLEANUP_SECRET = secret_new(&n, sizeof(n));

    return secret ? sealed_put(store, "p", "s", secret, err) : -ENOMEM;
}

static int step_sealed_get(struct store *store, int n, struct err *err)
{
    struct secret *secret CLEANUP_SECRET = NULL;

    (void)n;
    return sealed_get(store, "p", "s", &secret, err);
}

static int step_output(struct store *store, int n, struct err *err)
{
    char value[16];

    (void)snprintf(value, sizeof(value), "%d", n);
    return output_put(store, "p", "o", "\"number\"", value, err);
}

static int step_output_secret(struct store *store, int n, struct err *err)
{
    struct secret *secret CLEANUP_SECRET = secret_new(&n, sizeof(n));

    return secret ? output_put_secret(store, "p", "s", "\"string\"", secret, err) : -ENOMEM;
}

static int step_outputs_delete(struct store *store, int n, struct err *err)
{
    (void)n;
    return output_delete_others(store, "p", NULL, 0, err);
}

static int step_episode(struct store *store, int n, struct err *err)
{
    char platform[] = "p", address[] = "t.a", type[] = "t", kind[] = "missing", severity[] = "notice";
    char open_state[] = "open";
    struct episode episode = {.platform = platform,
                              .address = address,
                              .type = type,
                              .kind = kind,
                              .severity = severity,
                              .state = open_state,
                              .first_seen_ms = n};

    return episode_put(store, &episode, err);
}

static int step_episodes(struct store *store, int n, struct err *err)
{
    struct episode *list;
    size_t count;
    int r;

    (void)n;
    r = episode_list_open(store, NULL, &list, &count, err);
    if (r == 0)
        episodes_free(list, count);
    return r;
}

static int step_event(struct store *store, int n, struct err *err)
{
    return event_add(store, n, "p", "t.a", "x", "detail", err);
}

static int step_events(struct store *store, int n, struct err *err)
{
    struct event *list;
    size_t count;
    int r;

    (void)n;
    r = event_list(store, "p", "t.a", 0, 5, &list, &count, err);
    if (r == 0)
        events_free(list, count);
    return r;
}

static int step_fact(struct store *store, int n, struct err *err)
{
    char value[16];

    (void)snprintf(value, sizeof(value), "%d", n);
    return fact_put(store, "p", "n", value, err);
}

/* A group of two facts that must always be equal. */
static int step_pair(struct store *store, int n, struct err *err)
{
    char value[16];
    int r;

    (void)snprintf(value, sizeof(value), "%d", n);
    r = store_begin(store, err);
    if (r < 0)
        return r;
    r = fact_put(store, "p", "left", value, err);
    if (r == 0)
        r = step_record(store, n, err);
    if (r == 0)
        r = fact_put(store, "p", "right", value, err);
    if (r == 0)
        return store_commit(store, err);
    store_rollback(store);
    return r;
}

static const struct step steps[] = {
    {"generation", step_generation},
    {"record", step_record},
    {"intent", step_intent},
    {"sealed", step_sealed},
    {"sealed_get", step_sealed_get},
    {"output", step_output},
    {"output_secret", step_output_secret},
    {"episode", step_episode},
    {"episodes", step_episodes},
    {"event", step_event},
    {"events", step_events},
    {"fact", step_fact},
    {"pair", step_pair},
    {"record_delete", step_record_delete},
    {"intent_clear", step_intent_clear},
    {"outputs_delete", step_outputs_delete},
};

static void assert_pair(struct fixture *f)
{
    char *left CLEANUP_FREE = NULL;
    char *right CLEANUP_FREE = NULL;

    (void)fact_get(f->store, "p", "left", &left, NULL);
    (void)fact_get(f->store, "p", "right", &right, NULL);
    if (!str_equal(left, right))
        fail_msg("half a group: left %s, right %s", left ? left : "(none)", right ? right : "(none)");
}

static void assert_in_order(struct fixture *f, const struct step *step, int k, int n)
{
    struct err err = {0};
    int r;

    if (sqlite3_get_autocommit(f->store->db) != 1)
        fail_msg("%s: fault %d left a transaction open", step->name, k);
    assert_pair(f);
    r = step->run(f->store, n, &err);
    if (r < 0)
        fail_msg("%s: after fault %d: %s", step->name, k, err_text(&err));
}

/* ---- the disk fails ---- */

static int open_faulty(struct fixture *f, struct err *err)
{
    struct store_setup setup = store_setup_default;

    setup.vfs = FAULTY_VFS;
    return store_open_with(&f->options, &setup, &f->store, err);
}

static void every_write_may_fail_once(void **state)
{
    static const int codes[] = {SQLITE_IOERR_WRITE, SQLITE_FULL, SQLITE_IOERR_FSYNC};
    static const int errnos[] = {-EIO, -ENOSPC, -EIO};
    struct fixture *f = *state;
    int n = 0, hits = 0;

    assert_int_equal(open_faulty(f, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(steps) * ARRAY_SIZE(codes); i++) {
        const struct step *step = &steps[i % ARRAY_SIZE(steps)];
        size_t c = i / ARRAY_SIZE(steps);

        for (int k = 0;; k++) {
            struct err err = {0};
            int r;

            faults.hit = false;
            faults.writes_left = k;
            faults.code = codes[c];
            r = step->run(f->store, ++n, &err);
            faults.writes_left = -1;
            if (!faults.hit) {
                assert_int_equal(r, 0);
                break;
            }
            hits++;
            assert_int_equal(r, errnos[c]);
            assert_int_equal(err.code, r);
            err_done(&err);
            assert_in_order(f, step, k, ++n);
        }
    }
    assert_true(hits > 100);
    store_idle(f->store);
    faults_clear();
    fixture_reopen(f);
    assert_pair(f);
}

/* Run the whole life of a store with write k failing; from then on all of them, or that one only. */
static bool life_with_fault(struct fixture *f, int k, bool stays_broken)
{
    int done = 0, r;
    bool hit;

    faults = (struct faults){
        .writes_left = k, .stays_broken = stays_broken, .code = SQLITE_IOERR_WRITE, .allocations_left = -1};
    r = open_faulty(f, NULL);
    for (int n = 1; r == 0 && n <= 3; n++) {
        r = step_pair(f->store, n, NULL);
        if (r == 0)
            done = n;
        if (f->store)
            store_idle(f->store);
    }
    f->store = store_close(f->store);
    hit = faults.hit;
    faults_clear();
    fixture_open(f); /* sound disk: opens, and has what was promised */
    assert_pair(f);
    if (done > 0) {
        char *left CLEANUP_FREE = NULL;
        long long number;

        assert_int_equal(fact_get(f->store, "p", "left", &left, NULL), 0);
        assert_int_equal(str_to_int64(left, 1, 3, &number), 0);
        assert_true(number >= done);
    }
    f->store = store_close(f->store);
    directory_remove(f->directory);
    return hit;
}

static void sink_nothing(void *data, enum log_level level, const char *line)
{
    (void)level;
    (void)line;
    (*(int *)data)++;
}

static void disk_may_break_at_any_write(void **state)
{
    struct fixture *f = *state;
    int lines = 0, k = 0;

    log_set_sink(sink_nothing, &lines);
    while (life_with_fault(f, k, true))
        k++;
    assert_true(k > 20);
    for (k = 0; life_with_fault(f, k, false); k++)
        ;
    log_set_sink(NULL, NULL);
    assert_true(k > 20);
}

/* ---- statements fail ---- */

static int stop_at(void *data)
{
    int *left = data;

    return (*left)-- == 0;
}

static void every_statement_may_be_stopped_anywhere(void **state)
{
    struct fixture *f = *state;
    int n = 0, hits = 0;

    fixture_open(f);
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        assert_int_equal(steps[i].run(f->store, ++n, NULL), 0);
        for (int k = 0;; k++) {
            struct err err = {0};
            int left = k, r;

            sqlite3_progress_handler(f->store->db, 1, stop_at, &left);
            r = steps[i].run(f->store, ++n, &err);
            sqlite3_progress_handler(f->store->db, 0, NULL, NULL);
            if (left >= 0) {
                assert_int_equal(r, 0);
                break;
            }
            hits++;
            /* A look that fails before a write is no reason not to write. */
            if (r < 0)
                assert_int_equal(err.code, r);
            err_done(&err);
            if (steps[i].run == step_sealed_get)
                assert_int_equal(step_sealed(f->store, ++n, NULL), 0);
            assert_in_order(f, &steps[i], k, ++n);
        }
    }
    assert_true(hits > 300);
}

static void every_allocation_of_a_statement_may_fail(void **state)
{
    struct fixture *f = *state;
    int n = 0, hits = 0;

    fixture_open(f);
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        for (int k = 0;; k++) {
            struct err err = {0};
            int r;

            statements_close(f->store); /* so that preparing is part of it */
            faults.allocation_hit = false;
            faults.allocations_left = k;
            r = steps[i].run(f->store, ++n, &err);
            faults.allocations_left = -1;
            if (!faults.allocation_hit)
                break;
            hits++;
            if (r < 0 && r != -ENOMEM)
                fail_msg("%s: allocation %d: %s", steps[i].name, k, err_text(&err));
            err_done(&err);
            assert_in_order(f, &steps[i], k, ++n);
        }
    }
    assert_true(hits > 100);
}

static void every_allocation_of_opening_may_fail(void **state)
{
    struct fixture *f = *state;
    int hits = 0;

    fixture_open(f);
    f->store = store_close(f->store);
    for (int round = 0; round < 2; round++) {
        f->options.read_only = round == 1;
        for (int k = 0;; k += 1 + k / 50) {
            struct err err = {0};
            int r;

            faults.allocation_hit = false;
            faults.allocations_left = k;
            r = store_open(&f->options, &f->store, &err);
            faults.allocations_left = -1;
            f->store = store_close(f->store);
            if (!faults.allocation_hit) {
                assert_int_equal(r, 0);
                break;
            }
            hits++;
            if (r < 0 && r != -ENOMEM)
                fail_msg("allocation %d: %s", k, err_text(&err));
            err_done(&err);
        }
    }
    assert_true(hits > 50);
}

/* ---- real disks ---- */

/* A small file system of our own where we may mount, else a limit on the size of files. */
static bool disk_make_small(struct fixture *f)
{
    struct rlimit limit;

    assert_int_equal(mkdir(f->directory, 0700), 0);
    if (mount("none", f->directory, "tmpfs", 0, "size=192k,mode=0700") == 0)
        return true;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = 128 * 1024;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    return false;
}

static void disk_make_large(struct fixture *f, bool is_mounted)
{
    struct rlimit limit;

    if (is_mounted) {
        assert_int_equal(mount("none", f->directory, "tmpfs", MS_REMOUNT, "size=4m,mode=0700"), 0);
        return;
    }
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int put_many(struct fixture *f, struct err *err)
{
    static char padding[4000];
    char value[4200];
    int r = 0;

    memset(padding, 'x', sizeof(padding) - 1);
    for (int i = 0; i < 200 && r == 0; i++) {
        (void)snprintf(value, sizeof(value), "%d %s", i, padding);
        r = fact_put(f->store, "p", "big", value, err);
    }
    return r;
}

static void full_disk_says_so_and_passes(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    bool is_mounted;
    int r;

    is_mounted = disk_make_small(f);
    fixture_open(f);
    put_fact(f, "small", "1");
    r = put_many(f, &err);
    if (is_mounted) {
        assert_int_equal(r, -ENOSPC);
        assert_non_null(strstr(err_text(&err), "free some space"));
    }
    assert_true(r == -ENOSPC || r == -EIO);
    assert_int_equal(err.class, ERR_RETRY);
    err_done(&err);
    assert_int_equal(sqlite3_get_autocommit(f->store->db), 1);
    assert_fact(f, "small", "1"); /* reading goes on */
    disk_make_large(f, is_mounted);
    put_fact(f, "small", "2"); /* and so does writing, without a restart */
    fixture_reopen(f);
    assert_fact(f, "small", "2");
    f->store = store_close(f->store);
    if (is_mounted)
        assert_int_equal(umount(f->directory), 0);
}

static void full_disk_at_the_first_start_leaves_nothing_half(void **state)
{
    struct fixture *f = *state;
    int r = -ENOSPC, odd = 0, failures = 0;
    struct rlimit limit;
    rlim_t old;

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    old = limit.rlim_cur;
    for (rlim_t size = 0; r < 0; size += 7 * 1024) {
        limit.rlim_cur = size;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        r = store_open(&f->options, &f->store, NULL);
        if (r == 0)
            break;
        /* A limit is not always told apart from a failing disk; what counts is that nothing stays half. */
        if (r != -ENOSPC && r != -EFBIG && r != -EIO)
            odd = r;
        failures++;
    }
    limit.rlim_cur = old;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(odd, 0); /* told only now: the message needs a file that may grow */
    assert_true(failures > 3);
    put_fact(f, "a", "1");
    fixture_reopen(f);
    assert_fact(f, "a", "1");
}

static void file_remove(struct fixture *f, const char *name)
{
    char *path CLEANUP_FREE = str_format("%s/%s", f->directory, name);

    assert_int_equal(unlink(path), 0);
}

static void read_only_directory_is_named(void **state)
{
    struct fixture *f = *state;

    fixture_open(f);
    put_fact(f, "a", "1");
    f->store = store_close(f->store);
    if (geteuid() != 0) {
        file_remove(f, "lock");
        assert_int_equal(chmod(f->directory, 0500), 0);
        assert_refused(f, -EACCES, f->directory);
        assert_int_equal(chmod(f->directory, 0700), 0);
        return;
    }
    if (mount(f->directory, f->directory, NULL, MS_BIND, NULL) < 0)
        skip();
    assert_int_equal(mount(NULL, f->directory, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
    assert_refused(f, -EROFS, f->directory);
    f->options.read_only = true; /* looking is still possible */
    fixture_open(f);
    assert_fact(f, "a", "1");
    f->store = store_close(f->store);
    assert_int_equal(umount(f->directory), 0);
}

static void directory_that_can_not_be_made_is_named(void **state)
{
    struct fixture *f = *state;

    f->options.directory = "/nowhere/at/all";
    assert_refused(f, -ENOENT, "/nowhere/at/all");
    f->options.directory = "/dev/null";
    assert_refused(f, -ENOTDIR, "/dev/null");
}

/* ---- damage ---- */

static void fill(struct fixture *f)
{
    char name[16];

    fixture_open(f);
    assert_int_equal(store_begin(f->store, NULL), 0);
    for (int i = 0; i < 2000; i++) {
        (void)snprintf(name, sizeof(name), "n%d", i);
        put_fact(f, name, "some value that takes its place in a page");
    }
    assert_int_equal(store_commit(f->store, NULL), 0);
    f->store = store_close(f->store);
}

static void overwrite(const char *path, off_t offset, const char *data, size_t size)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, data, size, offset), size);
    close(fd);
}

static void assert_damage_refused(struct fixture *f)
{
    size_t before_size, after_size;
    char *before = slurp(f->path, &before_size), *after;

    assert_refused(f, -EUCLEAN, "is damaged");
    assert_refused(f, -EUCLEAN, "move it away");
    f->options.read_only = true;
    assert_refused(f, -EUCLEAN, "is damaged");
    f->options.read_only = false;
    after = slurp(f->path, &after_size);
    assert_int_equal(after_size, before_size);
    assert_memory_equal(after, before, before_size);
    free(before);
    free(after);
}

static void damaged_page_is_refused_and_left(void **state)
{
    struct fixture *f = *state;
    char garbage[4096];
    size_t size;
    char *data;

    memset(garbage, 0xA5, sizeof(garbage));
    fill(f);
    data = slurp(f->path, &size);
    free(data);
    overwrite(f->path, (off_t)(size / 4096 / 2 * 4096), garbage, sizeof(garbage));
    assert_damage_refused(f);
}

static void damaged_header_is_refused_and_left(void **state)
{
    struct fixture *f = *state;

    fill(f);
    overwrite(f->path, 0, "not a database at all", 21);
    assert_damage_refused(f);
}

static void truncated_file_is_refused_and_left(void **state)
{
    static const int shares[] = {50, 90, 10, 1};
    struct fixture *f = *state;
    size_t size;
    char *data;

    fill(f);
    data = slurp(f->path, &size);
    free(data);
    for (size_t i = 0; i < ARRAY_SIZE(shares); i++) {
        if (i > 0) {
            assert_int_equal(unlink(f->path), 0);
            file_remove(f, "state.key");
            fill(f);
        }
        assert_int_equal(truncate(f->path, (off_t)(size * (size_t)shares[i] / 100)), 0);
        assert_damage_refused(f);
    }
    assert_int_equal(truncate(f->path, 100), 0);
    assert_damage_refused(f);
}

/* ---- slow disks ---- */

struct heard {
    int warnings;
    char last[256];
};

static void hear(void *data, enum log_level level, const char *line)
{
    struct heard *heard = data;

    if (level == LOG_AT_WARNING)
        heard->warnings++;
    (void)snprintf(heard->last, sizeof(heard->last), "%s", line);
}

static void slow_commit_is_reported(void **state)
{
    struct fixture *f = *state;
    struct heard heard = {0};

    assert_int_equal(open_faulty(f, NULL), 0);
    log_set_sink(hear, &heard);
    faults.clock = &f->clock;
    faults.sync_takes_ms = 100;
    put_fact(f, "a", "1");
    faults.sync_takes_ms = 0;
    put_fact(f, "a", "2");
    assert_int_equal(heard.warnings, 0);
    faults.sync_takes_ms = 101;
    put_fact(f, "a", "3");
    assert_int_equal(heard.warnings, 1);
    assert_non_null(strstr(heard.last, "a commit took"));
    log_set_sink(NULL, NULL);
}

static int setup_case(void **state)
{
    faults_clear();
    return fixture_setup(state);
}

static int teardown_case(void **state)
{
    faults_clear();
    return fixture_teardown(state);
}

static int setup_all(void **state)
{
    (void)state;
    return crypto_setup();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup_case, teardown_case)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_write_may_fail_once),
        CASE(disk_may_break_at_any_write),
        CASE(every_statement_may_be_stopped_anywhere),
        CASE(every_allocation_of_a_statement_may_fail),
        CASE(every_allocation_of_opening_may_fail),
        CASE(full_disk_says_so_and_passes),
        CASE(full_disk_at_the_first_start_leaves_nothing_half),
        CASE(read_only_directory_is_named),
        CASE(directory_that_can_not_be_made_is_named),
        CASE(damaged_page_is_refused_and_left),
        CASE(damaged_header_is_refused_and_left),
        CASE(truncated_file_is_refused_and_left),
        CASE(slow_commit_is_reported),
    };

    faults_install();
    return cmocka_run_group_tests(tests, setup_all, NULL);
}
