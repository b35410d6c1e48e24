/*
 * credentials_metadata.c: keys from the machine we run on: the container
 * agent, or the instance metadata service (version 2 only).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "cloud/aws/aws-internal.h"
#include "common/js.h"
#include "common/log.h"

#define CONTAINER_HOST       "http://169.254.170.2"
#define CONTAINER_TIMEOUT_MS 2000
#define CONTAINER_TRIES      3
#define IMDS_TIMEOUT_MS      1000
#define IMDS_TRIES           2
#define IMDS_TOKEN_S         "21600"
#define ANSWER_MAX           (64u << 10)
#define STRETCH_MS           (15 * 60 * 1000) /* what keys are given that the service could not renew */

/* ---- the answer ---- */

static int parse_members(struct json_object *answer, const char *source, struct aws_credentials *ret,
                         struct err *err)
{
    const char *code = js_text(answer, "Code");
    const char *expiry = js_text(answer, "Expiration");
    int r;

    if (code && strcmp(code, "Success") != 0)
        return err_set(err, -EREMOTEIO, ERR_CREDENTIALS, "%s answers %.100s", source, code);
    r = aws_credentials_set(ret, source, js_text(answer, "AccessKeyId"), js_text(answer, "SecretAccessKey"),
                            js_text(answer, "Token"), NULL, err);
    if (r == 0 && expiry && clock_parse_time(expiry, &ret->expires_ms) < 0) {
        aws_credentials_done(ret);
        return err_set(err, -EBADMSG, ERR_CREDENTIALS, "%s: the expiry is no time", source);
    }
    return r;
}

int aws_metadata_parse(const char *text, size_t size_bytes, const char *source, struct aws_credentials *ret,
                       struct err *err)
{
    struct json_object *answer CLEANUP_JS = NULL;
    int r;

    if (js_parse(text, size_bytes, &answer, NULL) < 0 || !json_object_is_type(answer, json_type_object))
        return err_set(err, -EBADMSG, ERR_CREDENTIALS, "%s: the answer can not be read", source);
    r = parse_members(answer, source, ret, err);
    aws_wipe_member(answer, "SecretAccessKey");
    aws_wipe_member(answer, "Token");
    return r;
}

/* May wait. Fetch with some tries; an answer of any status is an answer. */
static int fetch(struct aws *aws, const struct http_request *request, unsigned tries, struct http_answer *ret,
                 struct err *err)
{
    int r = 0;

    for (unsigned i = 0; i < tries; i++) {
        err_done(err);
        http_answer_done(ret);
        *ret = (struct http_answer){0};
        r = http_fetch(aws->http, request, ret, err);
        if (r == -ECANCELED || (r == 0 && ret->status < 500))
            return r;
    }
    if (r == 0)
        return err_set(err, -EREMOTEIO, ERR_RETRY, "HTTP %d", ret->status);
    return r;
}

/* ---- containers ---- */

static bool is_local_host(const char *host)
{
    static const char *const known[] = {"localhost", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]",
                                        "[::1]"};
    struct in_addr address;

    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (str_equal_nocase(host, known[i]))
            return true;
    }
    return inet_pton(AF_INET, host, &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

bool aws_container_url_ok(const char *url)
{
    const char *rest;
    char *host CLEANUP_FREE = NULL;
    size_t size;

    if (str_starts(url, "https://"))
        return url[8] != '\0' && !strpbrk(url, "\r\n\\@");
    if (!str_starts(url, "http://") || strpbrk(url, "\r\n\\@"))
        return false;
    rest = url + 7;
    size = *rest == '[' ? strcspn(rest, "]") + 1 : strcspn(rest, ":/?#");
    if (size > strlen(rest) || (rest[size] && !strchr(":/?#", rest[size])))
        return false;
    host = strndup(rest, size);
    return host && is_local_host(host);
}

/* The token for the agent: from the file, read anew each time, or from the environment. NULL = none. */
static int agent_header(char **ret, struct err *err)
{
    const char *path = aws_env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *token = aws_env("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    char text[6144];
    ssize_t size;
    int fd;

    if (path) {
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
        if (fd >= 0)
            close(fd);
        if (size < 0)
            return err_set(err, -errno, ERR_CREDENTIALS, "%s: %s", path, strerror(errno));
        while (size > 0 && strchr(" \t\r\n", text[size - 1]))
            size--;
        text[size] = '\0';
        token = text;
    }
    if (!token)
        return 0;
    if (!*token || strpbrk(token, "\r\n"))
        return err_set(err, -EINVAL, ERR_CREDENTIALS, "the container's token is empty or holds a line break");
    *ret = str_format("Authorization: %s", token);
    if (path)
        sodium_memzero(text, sizeof text);
    return *ret ? 0 : err_no_memory(err);
}

static void free_secret_text(char **text)
{
    if (*text)
        sodium_memzero(*text, strlen(*text));
    free(*text);
}

static int container_fetch(struct aws *aws, const char *url, struct aws_credentials *ret, struct err *err)
{
    struct http_answer answer CLEANUP_ANSWER = {0};
    struct err failure CLEANUP_ERR = {0};
    char *token CLEANUP(free_secret_text) = NULL;
    const char *headers[] = {"Accept: application/json", NULL, NULL};
    struct http_request request = {.method = "GET",
                                   .url = url,
                                   .headers = headers,
                                   .timeout_ms = CONTAINER_TIMEOUT_MS,
                                   .connect_timeout_ms = CONTAINER_TIMEOUT_MS,
                                   .max_answer_bytes = ANSWER_MAX,
                                   .no_proxy = true};
    int r = agent_header(&token, err);

    if (r < 0)
        return r;
    headers[1] = token;
    r = fetch(aws, &request, CONTAINER_TRIES, &answer, &failure);
    if (r < 0) {
        if (err)
            err_move(err, &failure);
        return err_wrap(err, r, "the container's credentials");
    }
    if (answer.status != 200)
        return err_set(err, -EREMOTEIO, ERR_CREDENTIALS, "the container's credentials: HTTP %d",
                       answer.status);
    return aws_metadata_parse(answer.body, answer.body_size, "the container", ret, err);
}

int aws_source_container(struct aws *aws, struct aws_credentials *ret, struct err *err)
{
    const char *relative = aws_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = aws_env("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    char *url CLEANUP_FREE = NULL;
    int r;

    if (!relative && !full)
        return 0;
    if (relative && (*relative != '/' || strpbrk(relative, "\r\n ")))
        return err_set(err, -EINVAL, ERR_CREDENTIALS, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is no path");
    if (!relative && !aws_container_url_ok(full))
        return err_set(err, -EINVAL, ERR_CREDENTIALS,
                       "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor an address of this host");
    url = relative ? str_format("%s%s", CONTAINER_HOST, relative) : strdup(full);
    if (!url)
        return err_no_memory(err);
    r = container_fetch(aws, url, ret, err);
    return r < 0 ? r : 1;
}

/* ---- instances ---- */

static const char *imds_base(struct aws *aws)
{
    const char *given = aws_profiles_setting(aws->profiles, "AWS_EC2_METADATA_SERVICE_ENDPOINT",
                                             "ec2_metadata_service_endpoint");
    const char *mode = aws_profiles_setting(aws->profiles, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
                                            "ec2_metadata_service_endpoint_mode");

    if (given)
        return given;
    return str_equal_nocase(mode, "ipv6") ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
}

/* May wait. */
static int imds_request(struct aws *aws, const char *method, const char *path, const char *header,
                        struct http_answer *ret, struct err *err)
{
    const char *base = imds_base(aws);
    char *url CLEANUP_FREE = str_format("%s%s%s", base, str_ends(base, "/") ? "" : "/", path);
    const char *headers[] = {header, NULL};
    struct http_request request = {.method = method,
                                   .url = url,
                                   .headers = headers,
                                   .timeout_ms = IMDS_TIMEOUT_MS,
                                   .connect_timeout_ms = IMDS_TIMEOUT_MS,
                                   .max_answer_bytes = ANSWER_MAX,
                                   .no_proxy = true};

    if (!url)
        return err_no_memory(err);
    return fetch(aws, &request, IMDS_TRIES, ret, err);
}

/* The first word of an answer, if it can stand in a path or a header; owned. */
static char *word_of(const struct http_answer *answer)
{
    size_t size = strcspn(answer->body, " \t\r\n");

    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)answer->body[i] < '!' || (unsigned char)answer->body[i] > '~')
            return NULL;
    }
    return size > 0 ? strndup(answer->body, size) : NULL;
}

/* Keys that are past, or nearly, mean that the service can not renew them now: they still work for a while. */
static void stretch(struct aws *aws, struct aws_credentials *credentials)
{
    int64_t now_ms = clock_wall_ms(aws->clock) + aws->offset_ms;

    if (credentials->expires_ms == 0 || credentials->expires_ms > now_ms + STRETCH_MS)
        return;
    credentials->expires_ms = now_ms + STRETCH_MS + 120000 + random_below(480000);
    log_warning("the instance's credentials were not renewed in time: going on with the old ones");
}

static int imds_keys(struct aws *aws, const char *token_header, const char *role, struct aws_credentials *ret,
                     struct err *err)
{
    struct http_answer answer CLEANUP_ANSWER = {0};
    struct err failure CLEANUP_ERR = {0};
    char *path CLEANUP_FREE = str_format("latest/meta-data/iam/security-credentials/%s", role);
    char *identity = NULL;
    int r;

    if (!path)
        return err_no_memory(err);
    r = imds_request(aws, "GET", path, token_header, &answer, &failure);
    if (r == 0 && answer.status != 200)
        r = err_set(&failure, -EREMOTEIO, ERR_CREDENTIALS, "HTTP %d", answer.status);
    if (r < 0) {
        if (err)
            err_move(err, &failure);
        return err_wrap(err, r, "the instance's credentials");
    }
    r = aws_metadata_parse(answer.body, answer.body_size, "the instance", ret, err);
    if (r < 0)
        return r;
    identity = str_format("instance role %s", role);
    if (identity) {
        free(ret->identity);
        ret->identity = identity;
    }
    stretch(aws, ret);
    return 1;
}

static int imds_role(struct aws *aws, const char *token_header, struct aws_credentials *ret, struct err *err)
{
    struct http_answer answer CLEANUP_ANSWER = {0};
    struct err failure CLEANUP_ERR = {0};
    char *role CLEANUP_FREE = NULL;
    int r = imds_request(aws, "GET", "latest/meta-data/iam/security-credentials/", token_header, &answer,
                         &failure);

    if (r < 0) {
        if (err)
            err_move(err, &failure);
        return err_wrap(err, r, "the instance's role");
    }
    role = answer.status == 200 ? word_of(&answer) : NULL;
    if (!role || strchr(role, '/'))
        return 0; /* an instance without a role */
    return imds_keys(aws, token_header, role, ret, err);
}

int aws_source_imds(struct aws *aws, struct aws_credentials *ret, struct err *err)
{
    struct http_answer answer CLEANUP_ANSWER = {0};
    struct err failure CLEANUP_ERR = {0};
    char *token CLEANUP(free_secret_text) = NULL;
    char *header CLEANUP(free_secret_text) = NULL;
    int r;

    if (str_equal_nocase(aws_env("AWS_EC2_METADATA_DISABLED"), "true"))
        return 0;
    r = imds_request(aws, "PUT", "latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: " IMDS_TOKEN_S,
                     &answer, &failure);
    if (r == -ECANCELED || r == -ENOMEM) {
        if (err)
            err_move(err, &failure);
        return r;
    }
    /* No answer at all: no instance. That is not worth an error, unless our keys came from there. */
    if (r < 0 && !str_equal(aws->chain.current.source, "the instance"))
        return 0;
    if (r < 0) {
        if (err)
            err_move(err, &failure);
        return err_wrap(err, r, "the instance's metadata");
    }
    token = answer.status == 200 ? word_of(&answer) : NULL;
    if (!token)
        return 0;
    header = str_format("X-aws-ec2-metadata-token: %s", token);
    return header ? imds_role(aws, header, ret, err) : err_no_memory(err);
}
