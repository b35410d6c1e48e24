/*
 * engine_fixture.c: see engine_fixture.h.
 */
#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/crypto.h"
#include "common/log.h"
#include "tests/unit/engine_fixture.h"

#define START_MS 1000

/* ---- randomness from a seed ---- */

static uint64_t random_state;

static const char *seeded_name(void)
{
    return "seeded";
}

static uint32_t seeded_random(void)
{
    uint64_t z = random_state += 0x9E3779B97F4A7C15u;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (uint32_t)(z >> 32);
}

static void seeded_buf(void *const buf, const size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((unsigned char *)buf)[i] = (unsigned char)seeded_random();
}

static struct randombytes_implementation seeded = {
    .implementation_name = seeded_name,
    .random = seeded_random,
    .buf = seeded_buf,
};

/* ---- log ---- */

static void to_stderr(void *data, enum log_level level, const char *line)
{
    struct engine *engine = data;

    if (getenv("ENGINE_LOG"))
        (void)fprintf(stderr, "%9llu %d %s\n", (unsigned long long)engine->clock.now_ms, level, line);
}

static void hear(struct watcher *watcher, const struct platform *platform, const struct report *what,
                 int64_t time_ms, const char *detail)
{
    struct engine *engine = container_of(watcher, struct engine, watcher);
    struct engine_news *news = reallocarray(engine->news, engine->news_count + 1, sizeof(*news));

    (void)platform;
    assert(news);
    engine->news = news;
    news += engine->news_count++;
    *news = (struct engine_news){.event = what->event, .at_ms = (uint64_t)(time_ms - ENGINE_WALL_MS)};
    if (str_set(&news->address, what->address) < 0 || str_set(&news->field, what->field) < 0 ||
        str_set(&news->detail, detail) < 0)
        abort();
}

static void forget_news(struct engine *engine, size_t keep)
{
    while (engine->news_count > keep) {
        struct engine_news *news = &engine->news[--engine->news_count];

        free(news->address);
        free(news->field);
        free(news->detail);
    }
}

/* ---- directories ---- */

static int no_http(void *data, const struct http_request *request, struct http_answer *answer,
                   uint64_t *ret_delay_ms)
{
    (void)data;
    (void)request;
    (void)answer;
    *ret_delay_ms = 10;
    return -ECONNREFUSED;
}

void engine_init(struct engine *engine, uint64_t seed)
{
    const char *shm = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"; /* commits are many */

    *engine = (struct engine){.seed = seed};
    random_state = seed;
    (void)randombytes_set_implementation(&seeded);
    assert_int_equal(crypto_setup(), 0);
    unsetenv("CREDENTIALS_DIRECTORY");
    (void)snprintf(engine->root, sizeof(engine->root), "%s/mlopsd-engine-XXXXXX", shm);
    assert_non_null(mkdtemp(engine->root));
    (void)snprintf(engine->state, sizeof(engine->state), "%s/state", engine->root);
    (void)snprintf(engine->platforms, sizeof(engine->platforms), "%s/platforms.d", engine->root);
    (void)snprintf(engine->file, sizeof(engine->file), "%s/p.yaml", engine->platforms);
    assert_int_equal(mkdir(engine->platforms, 0700), 0);
    clock_virtual_init(&engine->clock, ENGINE_WALL_MS);
    http_sim_init(&engine->sim, &engine->clock.clock, no_http, engine);
    cloud_init(&engine->cloud, &engine->clock.clock, seed);
    the_cloud = &engine->cloud;
    engine->watcher.event = hear;
    engine->config = calloc(1, sizeof(*engine->config));
    assert_non_null(engine->config);
    engine->config->poll_interval_ms = 60000;
    assert_int_equal(str_set(&engine->config->platforms_dir, engine->platforms), 0);
    assert_int_equal(str_set(&engine->config->access_group, "mlopsd"), 0);
    log_setup(LOG_FORMAT_TEXT, getenv("ENGINE_LOG") ? LOG_AT_DEBUG : LOG_AT_CRITICAL);
    log_set_sink(to_stderr, engine);
}

static void empty_directory(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;

    while (directory && (entry = readdir(directory)))
        if (entry->d_name[0] != '.')
            (void)unlinkat(dirfd(directory), entry->d_name, 0);
    if (directory)
        closedir(directory);
}

void engine_close(struct engine *engine)
{
    if (engine->daemon)
        (void)engine_stop(engine);
    log_set_sink(NULL, NULL);
    forget_news(engine, 0);
    free(engine->news);
    cloud_done(&engine->cloud);
    daemon_config_free(engine->config);
    empty_directory(engine->state);
    (void)rmdir(engine->state);
    empty_directory(engine->platforms);
    (void)rmdir(engine->platforms);
    (void)rmdir(engine->root);
}

void engine_write(struct engine *engine, const char *text)
{
    FILE *file;

    if (!text) {
        assert_int_equal(unlink(engine->file), 0);
        return;
    }
    file = fopen(engine->file, "we");
    assert_non_null(file);
    assert_true(fprintf(file, "platform: p\n%s", text) > 0);
    assert_int_equal(fclose(file), 0);
}

void engine_aws(struct engine *engine, http_sim_handler handler, const char *endpoint)
{
    setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "example", 1);
    setenv("AWS_CONFIG_FILE", "/dev/null", 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null", 1);
    if (endpoint)
        setenv("AWS_ENDPOINT_URL", endpoint, 1);
    else
        unsetenv("AWS_ENDPOINT_URL");
    engine->sim.handler = handler;
}

/* ---- start and stop ---- */

static void start_effects(struct engine *engine, struct daemon *daemon)
{
    uint64_t was_ms = engine->clock.now_ms;

    /* A process begins with a monotonic clock of its own; the wall clock is everybody's. */
    engine->clock.now_ms = START_MS;
    engine->clock.wall_offset_ms += (int64_t)was_ms - START_MS;
    assert_int_equal(uv_loop_init(&daemon->loop), 0);
    assert_int_equal(clock_real_init(&daemon->real_clock, &daemon->loop), 0);
    daemon->clock = &engine->clock.clock;
    fibers_init(&daemon->fibers);
    assert_int_equal(fibers_uv_init(&daemon->fibers_uv, &daemon->loop, &daemon->fibers), 0);
    daemon->http = &engine->sim.http;
}

void engine_start(struct engine *engine)
{
    struct daemon *daemon = calloc(1, sizeof(*daemon));
    struct store_options options = {.directory = engine->state, .clock = &engine->clock.clock};
    struct err err = {0};

    assert_null(engine->daemon);
    assert_non_null(daemon);
    engine->cloud.blind_names[0] = '\0';
    engine->daemon = daemon;
    engine->starts++;
    daemon->mode = RUN_SERVE;
    daemon->config = engine->config;
    start_effects(engine, daemon);
    daemon_watch(daemon, &engine->watcher);
    if (store_open(&options, &daemon->store, &err) < 0)
        fail_msg("store_open: %s", err_text(&err));
    (void)daemon_reload(daemon);
}

/** Turns until daemon.c closed everything, then what daemon_run() does at its end. */
static void wind_up(struct engine *engine)
{
    struct daemon *daemon = engine->daemon;

    while (daemon->count > 0 && engine_turn(engine))
        ;
    assert_int_equal(daemon->count, 0);
    assert_int_equal(daemon->fibers.living, 0);
    assert_int_equal(uv_run(&daemon->loop, UV_RUN_DEFAULT), 0);
    fibers_close(&daemon->fibers);
    assert_int_equal(uv_loop_close(&daemon->loop), 0);
    daemon->store = store_close(daemon->store);
    assert_null(engine->clock.clock.timers);
    daemon_unwatch(daemon, &engine->watcher);
    assert_null(daemon->watchers);
    free(daemon);
    engine->daemon = NULL;
}

uint64_t engine_stop(struct engine *engine)
{
    uint64_t before_ms = engine->clock.now_ms;

    daemon_stop(engine->daemon, 0);
    wind_up(engine);
    return engine->clock.now_ms - before_ms;
}

void engine_cancel(struct engine *engine)
{
    daemon_stop(engine->daemon, 0);
    engine->daemon->stop_deadline_ms = 0;
    wind_up(engine);
}

/* ---- moments ---- */

static void read_whole(const char *path, struct engine_file *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &info), 0);
    ret->size = (size_t)info.st_size;
    ret->data = malloc(ret->size + 1);
    assert_non_null(ret->data);
    assert_int_equal(read(fd, ret->data, ret->size), ret->size);
    ret->data[ret->size] = '\0';
    close(fd);
}

static bool is_kept(const char *name)
{
    return name[0] != '.' && !str_ends(name, "-shm") && !str_equal(name, "lock");
}

void engine_keep(struct engine *engine, struct engine_moment *ret)
{
    struct engine_file platform_file;
    DIR *directory = opendir(engine->state);
    struct dirent *entry;

    *ret = (struct engine_moment){.wall_ms = clock_wall_ms(&engine->clock.clock), .news = engine->news_count};
    while (directory && (entry = readdir(directory))) {
        char *path CLEANUP_FREE = str_format("%s/%s", engine->state, entry->d_name);

        if (!is_kept(entry->d_name))
            continue;
        assert_true(ret->count < ENGINE_FILES);
        ret->files[ret->count].name = strdup(entry->d_name);
        read_whole(path, &ret->files[ret->count++]);
    }
    if (directory)
        closedir(directory);
    cloud_init(&ret->cloud, &engine->clock.clock, 0);
    cloud_copy_things(&ret->cloud, &engine->cloud);
    read_whole(engine->file, &platform_file);
    ret->platform_file = platform_file.data;
}

void engine_moment_done(struct engine_moment *moment)
{
    for (size_t i = 0; i < moment->count; i++) {
        free(moment->files[i].name);
        free(moment->files[i].data);
    }
    cloud_done(&moment->cloud);
    free(moment->platform_file);
    *moment = (struct engine_moment){0};
}

static void write_whole(const char *path, const char *data, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), size);
    close(fd);
}

void engine_back(struct engine *engine, const struct engine_moment *moment)
{
    assert_null(engine->daemon);
    empty_directory(engine->state);
    (void)mkdir(engine->state, 0700);
    for (size_t i = 0; i < moment->count; i++) {
        char *path CLEANUP_FREE = str_format("%s/%s", engine->state, moment->files[i].name);

        write_whole(path, moment->files[i].data, moment->files[i].size);
    }
    write_whole(engine->file, moment->platform_file, strlen(moment->platform_file));
    cloud_copy_things(&engine->cloud, &moment->cloud);
    if (clock_wall_ms(&engine->clock.clock) < moment->wall_ms)
        engine->clock.wall_offset_ms += moment->wall_ms - clock_wall_ms(&engine->clock.clock);
    forget_news(engine, moment->news);
}

/* ---- turns ---- */

bool engine_turn(struct engine *engine)
{
    engine->turns++;
    fibers_run(&engine->daemon->fibers);
    return clock_virtual_step(&engine->clock);
}

bool engine_until(struct engine *engine, bool (*done)(struct engine *engine), uint64_t limit_ms)
{
    uint64_t limit = engine->clock.now_ms + limit_ms;

    for (;;) {
        fibers_run(&engine->daemon->fibers);
        if (done(engine))
            return true;
        if (engine->clock.now_ms > limit || !engine_turn(engine))
            return false;
    }
}

static bool never(struct engine *engine)
{
    (void)engine;
    return false;
}

void engine_run(struct engine *engine, uint64_t time_ms)
{
    (void)engine_until(engine, never, time_ms);
}

struct platform *engine_platform(struct engine *engine)
{
    return engine->daemon ? daemon_find(engine->daemon, "p") : NULL;
}

bool engine_rests(struct engine *engine)
{
    struct platform *platform = engine_platform(engine);

    return platform && !platform->fiber && !platform->next_graph && !platform->queued_any &&
           platform->pass_number > 0;
}

bool engine_converged(struct engine *engine)
{
    return engine_rests(engine) && engine_platform(engine)->converged;
}

void engine_pass(struct engine *engine, const struct pass_request *request)
{
    struct platform *platform = engine_platform(engine);
    uint64_t number = platform->pass_number;

    assert_true(engine_until(engine, engine_rests, 600000));
    schedule_pass(platform, request);
    while (platform->pass_number == number && engine_turn(engine))
        ;
    assert_true(engine_until(engine, engine_rests, 600000));
}

struct resource *engine_resource(struct engine *engine, const char *address)
{
    struct platform *platform = engine_platform(engine);

    return platform ? platform_find(platform, address) : NULL;
}

/* ---- what it said ---- */

size_t engine_told(const struct engine *engine, enum event_type event, const char *address)
{
    size_t count = 0;

    for (size_t i = 0; i < engine->news_count; i++)
        count += engine->news[i].event == event && (!address || str_equal(engine->news[i].address, address));
    return count;
}

const char *engine_last_words(const struct engine *engine, enum event_type event, const char *address)
{
    for (size_t i = engine->news_count; i > 0; i--)
        if (engine->news[i - 1].event == event &&
            (!address || str_equal(engine->news[i - 1].address, address)))
            return engine->news[i - 1].detail;
    return NULL;
}

char *engine_story(const struct engine *engine)
{
    struct buf out CLEANUP_BUF = BUF_INIT(1u << 20);

    for (size_t i = 0; i < engine->news_count; i++)
        (void)buf_addf(&out, "  %8llu %-10s %s: %s\n", (unsigned long long)engine->news[i].at_ms,
                       event_infos[engine->news[i].event].name,
                       engine->news[i].address ? engine->news[i].address : "-", engine->news[i].detail);
    return buf_take(&out);
}
