/*
 * credentials_process.c: keys printed by a program of the user's choice.
 *
 * The program runs without a shell, in a process group of its own, on a thread
 * of libuv's pool that reads its output and keeps the time. The fiber waits.
 * Whoever loses interest leaves a mark; the thread then kills the group, and
 * the job frees itself on the loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <spawn.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cloud/aws/aws-internal.h"
#include "common/js.h"
#include "common/log.h"

#define TIME_LIMIT_MS 60000
#define TICK_MS       200 /* how often the thread looks whether anybody still waits */
#define OUTPUT_MAX    (64u << 10)
#define STDERR_MAX    2048
#define WORDS_MAX     256

extern char **environ;

struct job {
    uv_work_t work;
    struct strv words;
    struct fiber *waiter; /* NULL: nobody waits any more */
    bool finished;        /* on the loop: the thread is done with it */
    atomic_bool abandoned;
    struct buf output;
    struct buf complaint;
    int result; /* 0 or a negative errno */
    int status; /* as waitpid() gives it */
    bool late;
};

/* ---- splitting ---- */

/* One word at *@line into @word; stops at a blank outside quotes. */
static int word_scan(const char **line, struct buf *word)
{
    const char *c = *line;
    char quote = '\0';

    for (; *c && (quote || !strchr(" \t\r\n", *c)); c++) {
        if (quote == '\0' && (*c == '\'' || *c == '"')) {
            quote = *c;
        } else if (*c == quote) {
            quote = '\0';
        } else if (*c == '\\' && quote != '\'') {
            if (c[1] == '\0')
                return -EINVAL;
            if (quote == '"' && c[1] != '"' && c[1] != '\\')
                buf_add_char(word, '\\');
            buf_add_char(word, *++c);
        } else {
            buf_add_char(word, *c);
        }
    }
    *line = c;
    return quote ? -EINVAL : word->failed;
}

int aws_process_split(const char *line, struct strv *ret)
{
    int r = 0;

    while (r == 0) {
        struct buf word CLEANUP_BUF = BUF_INIT(1u << 16);

        line += strspn(line, " \t\r\n");
        if (*line == '\0')
            return ret->count > 0 ? 0 : -EINVAL;
        r = word_scan(&line, &word);
        if (r == 0)
            r = ret->count < WORDS_MAX ? strv_add(ret, buf_text(&word)) : -E2BIG;
    }
    return r;
}

/* ---- parsing ---- */

static int parse_members(struct json_object *answer, struct aws_credentials *ret, struct err *err)
{
    const char *expiry = js_text(answer, "Expiration");
    int r;

    if (js_int(answer, "Version", 0) != 1)
        return err_set(err, -EBADMSG, ERR_CREDENTIALS, "its output is not of Version 1");
    r = aws_credentials_set(ret, "the program", js_text(answer, "AccessKeyId"),
                            js_text(answer, "SecretAccessKey"), js_text(answer, "SessionToken"), NULL, err);
    if (r == 0 && expiry && clock_parse_time(expiry, &ret->expires_ms) < 0) {
        aws_credentials_done(ret);
        return err_set(err, -EBADMSG, ERR_CREDENTIALS, "its Expiration is no time");
    }
    return r;
}

int aws_process_parse(const char *text, size_t size_bytes, struct aws_credentials *ret, struct err *err)
{
    struct json_object *answer CLEANUP_JS = NULL;
    int r;

    if (js_parse(text, size_bytes, &answer, NULL) < 0 || !json_object_is_type(answer, json_type_object))
        return err_set(err, -EBADMSG, ERR_CREDENTIALS, "its output is no JSON object");
    r = parse_members(answer, ret, err);
    aws_wipe_member(answer, "SecretAccessKey");
    aws_wipe_member(answer, "SessionToken");
    return r;
}

/* ---- on the thread ---- */

static int64_t thread_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int spawn_with(struct job *job, posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
                      const int out[2], const int complaints[2], pid_t *ret)
{
    char **argv CLEANUP_FREE = calloc(job->words.count + 1, sizeof *argv);
    sigset_t none;
    sigset_t all;

    if (!argv)
        return -ENOMEM;
    for (size_t i = 0; i < job->words.count; i++)
        argv[i] = job->words.items[i];
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setflags(attributes,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(actions, out[1], 1);
    posix_spawn_file_actions_adddup2(actions, complaints[1], 2);
    return -posix_spawnp(ret, argv[0], actions, attributes, argv, environ);
}

static int spawn_child(struct job *job, const int out[2], const int complaints[2], pid_t *ret)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int r;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return -ENOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return -ENOMEM;
    }
    r = spawn_with(job, &actions, &attributes, out, complaints, ret);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return r;
}

/* Read what is there; false at the end. What goes over the limit is read and dropped. */
static bool drain(int fd, struct buf *into)
{
    char chunk[2048];
    ssize_t size = read(fd, chunk, sizeof chunk);

    if (size < 0)
        return errno == EINTR || errno == EAGAIN;
    if (size > 0 && into->size + (size_t)size <= into->max_bytes)
        buf_add(into, chunk, (size_t)size);
    else if (size > 0)
        into->failed = into->failed ? into->failed : -EMSGSIZE;
    sodium_memzero(chunk, sizeof chunk);
    return size > 0;
}

static void read_child(struct job *job, int out, int complaints)
{
    struct pollfd fds[] = {{.fd = out, .events = POLLIN}, {.fd = complaints, .events = POLLIN}};
    int64_t end_ms = thread_ms() + TIME_LIMIT_MS;

    while (fds[0].fd >= 0 || fds[1].fd >= 0) {
        if (atomic_load(&job->abandoned) || thread_ms() >= end_ms) {
            job->late = true;
            return;
        }
        if (poll(fds, 2, TICK_MS) <= 0)
            continue;
        if (fds[0].revents && !drain(out, &job->output))
            fds[0].fd = -1;
        if (fds[1].revents && !drain(complaints, &job->complaint))
            fds[1].fd = -1;
    }
}

/* Output is closed, the program may not be: give it the rest of a second, then kill. */
static void reap(struct job *job, pid_t child)
{
    int64_t end_ms = thread_ms() + 1000;
    pid_t r;

    if (job->late)
        kill(-child, SIGKILL);
    while ((r = waitpid(child, &job->status, WNOHANG)) == 0 || (r < 0 && errno == EINTR)) {
        if (thread_ms() >= end_ms)
            kill(-child, SIGKILL);
        poll(NULL, 0, 5);
    }
}

static void job_run(uv_work_t *work)
{
    struct job *job = work->data;
    int complaints[2];
    int out[2];
    pid_t child;

    if (pipe2(out, O_CLOEXEC) < 0) {
        job->result = -errno;
        return;
    }
    if (pipe2(complaints, O_CLOEXEC) < 0) {
        job->result = -errno;
        close(out[0]);
        close(out[1]);
        return;
    }
    job->result = spawn_child(job, out, complaints, &child);
    close(out[1]);
    close(complaints[1]);
    if (job->result == 0) {
        read_child(job, out[0], complaints[0]);
        reap(job, child);
    }
    close(out[0]);
    close(complaints[0]);
}

/* ---- on the loop ---- */

static void job_free(struct job *job)
{
    strv_done(&job->words);
    buf_wipe(&job->output);
    buf_done(&job->complaint);
    free(job);
}

static void job_finished(uv_work_t *work, int status)
{
    struct job *job = work->data;

    if (status < 0)
        job->result = status;
    job->finished = true;
    if (job->waiter)
        fiber_wake(job->waiter, 0);
    else
        job_free(job);
}

static int job_result(struct job *job, struct aws_credentials *ret, struct err *err)
{
    struct buf *said = &job->complaint;

    while (said->size > 0 && strchr(" \t\r\n", said->data[said->size - 1]))
        said->data[--said->size] = '\0';
    if (said->size > 0)
        log_warning("credential_process says: %s", buf_text(said));
    if (job->result < 0)
        return err_set(err, job->result, ERR_CREDENTIALS, "it can not be run: %s", strerror(-job->result));
    if (job->late)
        return err_set(err, -ETIMEDOUT, ERR_CREDENTIALS, "it took more than %d s", TIME_LIMIT_MS / 1000);
    if (!WIFEXITED(job->status) || WEXITSTATUS(job->status) != 0)
        return err_set(err, -ECHILD, ERR_CREDENTIALS, "it ended with %s %d",
                       WIFEXITED(job->status) ? "status" : "signal",
                       WIFEXITED(job->status) ? WEXITSTATUS(job->status) : WTERMSIG(job->status));
    if (job->output.failed)
        return err_set(err, -EMSGSIZE, ERR_CREDENTIALS, "it printed too much");
    return aws_process_parse(buf_text(&job->output), job->output.size, ret, err);
}

/* May wait. */
static int job_wait(struct aws *aws, struct job *job, struct aws_credentials *ret, struct err *err)
{
    int r;

    job->work.data = job;
    job->waiter = fiber_self();
    r = uv_queue_work(aws->loop, &job->work, job_run, job_finished);
    if (r < 0) {
        job_free(job);
        return err_set(err, r, ERR_RETRY, "no thread to run it: %s", uv_strerror(r));
    }
    fiber_set_where("credential_process");
    r = fiber_wait();
    if (r < 0) {
        job->waiter = NULL;
        atomic_store(&job->abandoned, true);
        if (job->finished) /* it ended in the same turn: nobody else will free it */
            job_free(job);
        return err_set(err, r, ERR_CANCELED, "canceled");
    }
    r = job_result(job, ret, err);
    job_free(job);
    return r;
}

static int process_run(struct aws *aws, const char *command, struct aws_credentials *ret, struct err *err)
{
    struct job *job;

    if (!aws->loop)
        return err_set(err, -ENOTSUP, ERR_CREDENTIALS, "there is no thread pool to run it");
    job = calloc(1, sizeof *job);
    if (!job)
        return err_no_memory(err);
    job->output = BUF_INIT(OUTPUT_MAX);
    job->complaint = BUF_INIT(STDERR_MAX);
    if (aws_process_split(command, &job->words) < 0) {
        job_free(job);
        return err_set(err, -EINVAL, ERR_CREDENTIALS, "its command line can not be understood");
    }
    return job_wait(aws, job, ret, err);
}

int aws_source_process(struct aws *aws, const char *profile, struct aws_credentials *ret, struct err *err)
{
    const char *command = aws_profiles_get(aws->profiles, AWS_FILE_ANY, profile, "credential_process");
    int r;

    if (!command)
        return 0;
    r = process_run(aws, command, ret, err);
    return r < 0 ? err_wrap(err, r, "profile %s: credential_process", profile) : 1;
}
