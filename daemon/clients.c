/*
 * clients.c: see clients.h.
 */
#include "daemon/clients.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/str.h"
#include "common/yml.h"
#include "daemon/daemon.h"

#define CREDENTIAL_MAX (64u << 10)

int clients_gate(struct platform *platform, const char *operation, struct err *err)
{
    if (platform->daemon->stopping)
        return err_set(err, -ECANCELED, ERR_CANCELED, "%s: not begun, mlopsd is stopping", operation);
    if (platform->mode != PASS_CONVERGE)
        return err_set(err, -EPERM, ERR_BUG, "%s: refused, this pass only looks", operation);
    if (!platform_watched(platform))
        return err_set(err, -ECANCELED, ERR_CANCELED, "%s: not begun, the platform's file was removed",
                       operation);
    return 0;
}

/* Whatever is reached as an AWS identity, clusters too. */
static int gate_of_account(struct platform *platform, const char *operation, struct err *err)
{
    if (platform->aws_blocked)
        return err_set(err, -EPERM, ERR_CONFLICT, "%s: refused: %s", operation,
                       platform->problem ? platform->problem : "AWS is blocked");
    return clients_gate(platform, operation, err);
}

static int aws_gate(void *data, const struct aws_operation *operation, struct err *err)
{
    return gate_of_account(data, operation->name, err);
}

static int kubernetes_gate(void *data, const char *what, struct err *err)
{
    return gate_of_account(data, what, err);
}

static int github_gate(void *data, const struct github_operation *operation, struct err *err)
{
    return clients_gate(data, operation->name, err);
}

/* Clusters know the daemon by its AWS identity: the one client comes with the other. */
static int new_kubernetes(struct platform *platform, struct err *err)
{
    struct kubernetes_options options = {
        .http = platform->daemon->http,
        .clock = platform->daemon->clock,
        .fibers = &platform->daemon->fibers,
        .aws = platform->clouds.aws,
        .gate = kubernetes_gate,
        .gate_data = platform,
    };

    return kubernetes_new(&options, &platform->clouds.kubernetes, err);
}

int clients_ready_aws(struct platform *platform, struct err *err)
{
    const struct graph *graph = platform->graph;
    struct aws_options options = {
        .http = platform->daemon->http,
        .clock = platform->daemon->clock,
        .fibers = &platform->daemon->fibers,
        .loop = &platform->daemon->loop,
        .region = graph->aws.region,
        .profile = graph->aws.profile,
        .gate = aws_gate,
        .gate_data = platform,
    };

    int r = 0;

    platform->clouds.http = platform->daemon->http;
    if (!graph->aws.configured)
        return 0;
    if (!platform->clouds.aws)
        r = aws_new(&options, &platform->clouds.aws, err);
    if (r == 0 && !platform->clouds.kubernetes)
        r = new_kubernetes(platform, err);
    return r;
}

/** The text of a credential, without the newline that an editor leaves at the end. */
static int secret_from_file(const char *path, bool private_only, struct secret **ret, struct err *err)
{
    char *text = NULL;
    size_t size = 0, whole;
    struct stat info;
    int r;

    if (private_only && stat(path, &info) == 0 && (info.st_mode & 077) != 0)
        return err_set(err, -EPERM, ERR_CREDENTIALS, "%s can be read by others (mode %04o): chmod 600 it",
                       path, (unsigned)(info.st_mode & 07777));
    r = file_read(path, CREDENTIAL_MAX, &text, &size, err);
    if (r < 0) {
        if (err)
            err->class = ERR_CREDENTIALS;
        return r;
    }
    whole = size;
    while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r'))
        size--;
    if (size == 0)
        r = err_set(err, -ENOENT, ERR_CREDENTIALS, "%s is empty", path);
    else if (!(*ret = secret_new(text, size)))
        r = err_no_memory(err);
    explicit_bzero(text, whole);
    free(text);
    return r;
}

static int from_environment(const char *name, struct secret **ret, struct err *err)
{
    const char *value = getenv(name);

    if (str_empty(value))
        return err_set(err, -ENOENT, ERR_CREDENTIALS, "the environment variable %s is not set", name);
    *ret = secret_new_text(value);
    return *ret ? 0 : err_no_memory(err);
}

static int from_credentials_directory(const char *name, struct secret **ret, struct err *err)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    char *path CLEANUP_FREE = NULL;
    int r;

    if (str_empty(directory))
        return err_set(err, -ENOENT, ERR_CREDENTIALS,
                       "credential \"%s\" is not there: CREDENTIALS_DIRECTORY is not set; give the service "
                       "LoadCredential=%s:/path/to/file (systemctl edit mlopsd)",
                       name, name);
    path = str_format("%s/%s", directory, name);
    if (!path)
        return err_no_memory(err);
    r = secret_from_file(path, false, ret, err);
    if (r == -ENOENT)
        return err_set(
            err, -ENOENT, ERR_CREDENTIALS,
            "credential \"%s\" is not there or empty: give the service LoadCredential=%s:/path/to/file "
            "(systemctl edit mlopsd)",
            name, name);
    return r;
}

int credential_read(const struct credential_source *source, struct secret **ret, struct err *err)
{
    if (source->credential)
        return from_credentials_directory(source->credential, ret, err);
    if (source->file)
        return secret_from_file(source->file, true, ret, err);
    if (source->environment)
        return from_environment(source->environment, ret, err);
    return err_set(err, -EINVAL, ERR_INVALID, "no source for the credential");
}

static int read_github_secret(const struct graph *graph, struct secret **ret, struct err *err)
{
    int r = graph->github.has_token ? credential_read(&graph->github.token, ret, err)
                                    : credential_read(&graph->github.app_private_key, ret, err);

    return r < 0 ? err_wrap(err, r, "GitHub") : 0;
}

static int new_github(struct platform *platform, const struct secret *secret, struct err *err)
{
    const struct graph *graph = platform->graph;
    const char *from_environment_url = getenv("GITHUB_API_URL");
    struct github_options options = {
        .http = platform->daemon->http,
        .clock = platform->daemon->clock,
        .fibers = &platform->daemon->fibers,
        .api_url = graph->github.api_url ? graph->github.api_url : from_environment_url,
        .gate = github_gate,
        .gate_data = platform,
        .write_interval_ms = (uint32_t)graph->github.write_interval_ms,
    };
    int r;

    if (str_empty(options.api_url))
        options.api_url = NULL;
    if (graph->github.has_token) {
        options.token = secret;
    } else {
        options.app_id = graph->github.app_id;
        options.app_installation_id = graph->github.app_installation_id;
        options.app_private_key = secret;
        options.app_repository = graph->github.repository;
    }
    r = github_new(&options, &platform->clouds.github, err);
    return r < 0 ? err_wrap(err, r, "GitHub") : 0;
}

/**
 * GitHub locks out whoever keeps knocking with a bad token: after a refusal a new client is made only for another
 * token than the one that was refused.
 */
int clients_ready_github(struct platform *platform, struct err *err)
{
    const struct graph *graph = platform->graph;
    struct secret *secret CLEANUP_SECRET = NULL;
    char *mark CLEANUP_FREE = NULL;
    int r;

    if (!graph->github.configured || (!graph->github.has_token && !graph->github.app_id))
        return 0; /* the repository is only named, never called */
    if (platform->clouds.github && !platform->github_refused)
        return 0;
    r = read_github_secret(graph, &secret, err);
    if (r < 0)
        return r;
    mark = seal_fingerprint(store_key(platform->daemon->store), "github token", secret_text(secret),
                            secret_size(secret));
    if (!mark)
        return err_no_memory(err);
    if (platform->clouds.github && str_equal(mark, platform->github_token_mark))
        return err_set(err, -EACCES, ERR_CREDENTIALS,
                       "GitHub refused the token (401): put a new one in place; nothing is sent until then");
    platform->clouds.github = github_free(platform->clouds.github);
    platform->github_refused = false;
    free(platform->github_token_mark);
    platform->github_token_mark = TAKE(mark);
    return new_github(platform, secret, err);
}

void clients_drop(struct platform *platform)
{
    platform->clouds.kubernetes = kubernetes_free(
        platform->clouds.kubernetes); /* it signs with the next one */
    platform->clouds.aws = aws_free(platform->clouds.aws);
    platform->clouds.github = github_free(platform->clouds.github);
    platform->github_refused = false;
}
