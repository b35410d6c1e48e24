/*
 * credentials_files.c: keys from the environment and from profiles, and roles
 * that are assumed with them.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "cloud/aws/aws-internal.h"
#include "common/js.h"

#define TOKEN_FILE_MAX (64u << 10)
#define CHAIN_MAX      10 /* profiles in one chain of roles */
#define ROLE_SECONDS   3600
#define SESSION_NAME   "mlopsd"

/* The profiles on the way to this one. */
struct visit {
    const char *profile;
    const struct visit *from;
};

static int role_of(struct aws *aws, const struct visit *visit, struct aws_credentials *ret, struct err *err);

/* ---- environment ---- */

static int expiry_set(struct aws_credentials *credentials, const char *text, struct err *err)
{
    if (clock_parse_time(text, &credentials->expires_ms) < 0)
        return err_set(err, -EINVAL, ERR_CREDENTIALS, "%s: the expiry is no time", credentials->source);
    return 0;
}

int aws_source_environment(struct aws *aws, struct aws_credentials *ret, struct err *err)
{
    const char *id = aws_env("AWS_ACCESS_KEY_ID");
    const char *secret = aws_env("AWS_SECRET_ACCESS_KEY");
    const char *expiry = aws_env("AWS_CREDENTIAL_EXPIRATION");
    int r;

    if (!id && !secret)
        return 0;
    r = aws_credentials_set(ret, "the environment", id, secret, aws_env("AWS_SESSION_TOKEN"), NULL, err);
    if (r == 0 && expiry)
        r = expiry_set(ret, expiry, err);
    if (r < 0)
        return r;
    if (ret->expires_ms && ret->expires_ms <= clock_wall_ms(aws->clock) + aws->offset_ms)
        return err_set(err, -ENOKEY, ERR_CREDENTIALS, "the keys in the environment expired at %s", expiry);
    return 1;
}

/* ---- keys in a file ---- */

int aws_source_static(struct aws *aws, enum aws_file file, const char *profile, struct aws_credentials *ret,
                      struct err *err)
{
    const char *id = aws_profiles_get(aws->profiles, file, profile, "aws_access_key_id");
    const char *secret = aws_profiles_get(aws->profiles, file, profile, "aws_secret_access_key");
    int r;

    if (!id && !secret)
        return 0;
    r = aws_credentials_set(ret, "the profile", id, secret,
                            aws_profiles_get(aws->profiles, file, profile, "aws_session_token"), NULL, err);
    return r < 0 ? err_wrap(err, r, "profile %s", profile) : 1;
}

int aws_source_sso(struct aws *aws, const char *profile, struct err *err)
{
    if (!aws_profiles_get(aws->profiles, AWS_FILE_ANY, profile, "sso_session") &&
        !aws_profiles_get(aws->profiles, AWS_FILE_ANY, profile, "sso_start_url"))
        return 0;
    return err_set(
        err, -ENOTSUP, ERR_CREDENTIALS,
        "profile %s signs in through SSO, which a daemon can not: use a role, or credential_process "
        "with \"aws configure export-credentials --profile %s\"",
        profile, profile);
}

/* ---- assumed roles ---- */

/* The Credentials of an answer; wipes them there. */
static int take_answer(struct json_object *answer, const char *source, const char *identity,
                       struct aws_credentials *ret, struct err *err)
{
    struct json_object *given = js_get(answer, "Credentials");
    const char *expiry = js_text(given, "Expiration");
    int r = aws_credentials_set(ret, source, js_text(given, "AccessKeyId"), js_text(given, "SecretAccessKey"),
                                js_text(given, "SessionToken"), identity, err);

    if (r == 0)
        r = expiry_set(ret, expiry ? expiry : "", err);
    aws_wipe_member(given, "SecretAccessKey");
    aws_wipe_member(given, "SessionToken");
    return r;
}

/* The part of both calls that is the same; owned. NULL without memory. */
static struct json_object *role_params(struct aws *aws, const char *profile, const char *role,
                                       const char *session)
{
    const char *seconds_text = aws_profiles_get(aws->profiles, AWS_FILE_ANY, profile, "duration_seconds");
    struct json_object *params = json_object_new_object();
    long long seconds = ROLE_SECONDS;

    if (seconds_text && str_to_int64(seconds_text, 900, 43200, &seconds) < 0)
        seconds = ROLE_SECONDS;
    if (params && js_set_text(params, "RoleArn", role) == 0 &&
        js_set_text(params, "RoleSessionName", session) == 0 &&
        js_set_int(params, "DurationSeconds", seconds) == 0)
        return params;
    json_object_put(params);
    return NULL;
}

static int assume(struct aws *aws, enum aws_op op, struct json_object *params,
                  const struct aws_credentials *as, const char *source, struct aws_credentials *ret,
                  struct err *err)
{
    struct json_object *answer CLEANUP_JS = NULL;
    char *identity CLEANUP_FREE = str_format("%s as %s", js_text(params, "RoleArn"),
                                             js_text(params, "RoleSessionName"));
    int r;

    if (!identity)
        return err_no_memory(err);
    r = aws_call_as(aws, &aws_operations[op], params, as, &answer, err);
    if (r == 0)
        r = take_answer(answer, source, identity, ret, err);
    if (r < 0) {
        /* Whoever asked for something else must not take the role's absence for its own. */
        if (err && err->class != ERR_RETRY && err->class != ERR_THROTTLED && err->class != ERR_CANCELED)
            err->class = ERR_CREDENTIALS;
        return r;
    }
    return 1;
}

/* Keys by the name that credential_source gives them. */
static int named_source(struct aws *aws, const char *name, struct aws_credentials *ret, struct err *err)
{
    int r;

    if (strcmp(name, "Environment") == 0)
        r = aws_source_environment(aws, ret, err);
    else if (strcmp(name, "EcsContainer") == 0)
        r = aws_source_container(aws, ret, err);
    else if (strcmp(name, "Ec2InstanceMetadata") == 0)
        r = aws_source_imds(aws, ret, err);
    else
        return err_set(err, -EINVAL, ERR_CREDENTIALS, "unknown credential_source %.100s", name);
    if (r == 0)
        return err_set(err, -ENOKEY, ERR_CREDENTIALS, "credential_source %s has no credentials", name);
    return r;
}

/* Everything but keys that lie in the open: role, web identity, process. */
static int profile_derived(struct aws *aws, const struct visit *visit, struct aws_credentials *ret,
                           struct err *err)
{
    int r = role_of(aws, visit, ret, err);

    if (r == 0)
        r = aws_source_web_identity(aws, visit->profile, true, ret, err);
    if (r == 0)
        r = aws_source_sso(aws, visit->profile, err);
    return r;
}

static int profile_plain(struct aws *aws, const char *profile, struct aws_credentials *ret, struct err *err)
{
    int r = aws_source_static(aws, AWS_FILE_CREDENTIALS, profile, ret, err);

    if (r == 0)
        r = aws_source_process(aws, profile, ret, err);
    if (r == 0)
        r = aws_source_static(aws, AWS_FILE_CONFIG, profile, ret, err);
    return r;
}

static bool was_visited(const struct visit *visit, const char *profile, size_t *ret_depth)
{
    *ret_depth = 0;
    for (; visit; visit = visit->from) {
        (*ret_depth)++;
        if (strcmp(visit->profile, profile) == 0)
            return true;
    }
    return false;
}

static bool has_static(struct aws *aws, const char *profile)
{
    return aws_profiles_get(aws->profiles, AWS_FILE_ANY, profile, "aws_access_key_id") != NULL;
}

/* Keys of the profile that another one names as its source. Keys in the open come first there. */
static int source_profile(struct aws *aws, const struct visit *from, const char *profile,
                          struct aws_credentials *ret, struct err *err)
{
    struct visit visit = {.profile = profile, .from = from};
    size_t depth;
    bool again = was_visited(from, profile, &depth);
    int r = 0;

    if (!aws_profiles_has(aws->profiles, profile))
        return err_set(err, -EINVAL, ERR_CREDENTIALS, "source_profile %s does not exist", profile);
    if (depth >= CHAIN_MAX)
        return err_set(err, -ELOOP, ERR_CREDENTIALS, "more than %d profiles in a chain", CHAIN_MAX);
    if (again && !(strcmp(from->profile, profile) == 0 && has_static(aws, profile)))
        return err_set(err, -ELOOP, ERR_CREDENTIALS, "source_profile %s leads back to itself", profile);
    if (!again && !has_static(aws, profile))
        r = profile_derived(aws, &visit, ret, err);
    if (r == 0)
        r = profile_plain(aws, profile, ret, err);
    if (r == 0)
        return err_set(err, -ENOKEY, ERR_CREDENTIALS, "source_profile %s holds no credentials", profile);
    return r;
}

/* What must hold before a role can be tried. */
static int role_check(struct aws *aws, const char *profile, const char *source, const char *named,
                      struct err *err)
{
    if (aws_profiles_get(aws->profiles, AWS_FILE_ANY, profile, "mfa_serial"))
        return err_set(err, -ENOTSUP, ERR_CREDENTIALS,
                       "mfa_serial asks for a person with a device, which a daemon has not: use a role that "
                       "needs none");
    if (!source == !named)
        return err_set(err, -EINVAL, ERR_CREDENTIALS,
                       "role_arn needs exactly one of source_profile and credential_source");
    return 0;
}

static int role_assume(struct aws *aws, const char *profile, const struct aws_credentials *as,
                       struct aws_credentials *ret, struct err *err)
{
    const char *role = aws_profiles_get(aws->profiles, AWS_FILE_ANY, profile, "role_arn");
    const char *session = aws_profiles_get(aws->profiles, AWS_FILE_ANY, profile, "role_session_name");
    const char *external = aws_profiles_get(aws->profiles, AWS_FILE_ANY, profile, "external_id");
    struct json_object *params CLEANUP_JS = role_params(aws, profile, role, session ? session : SESSION_NAME);

    if (!params || (external && js_set_text(params, "ExternalId", external) < 0))
        return err_no_memory(err);
    return assume(aws, AWS_STS_ASSUME_ROLE, params, as, "the role", ret, err);
}

static int role_of(struct aws *aws, const struct visit *visit, struct aws_credentials *ret, struct err *err)
{
    struct aws_credentials base CLEANUP_CREDENTIALS = {0};
    const char *profile = visit->profile;
    const char *source = aws_profiles_get(aws->profiles, AWS_FILE_ANY, profile, "source_profile");
    const char *named = aws_profiles_get(aws->profiles, AWS_FILE_ANY, profile, "credential_source");
    int r;

    if (!aws_profiles_get(aws->profiles, AWS_FILE_ANY, profile, "role_arn") ||
        aws_profiles_get(aws->profiles, AWS_FILE_ANY, profile, "web_identity_token_file"))
        return 0;
    r = role_check(aws, profile, source, named, err);
    if (r == 0)
        r = source ? source_profile(aws, visit, source, &base, err) : named_source(aws, named, &base, err);
    if (r > 0)
        r = role_assume(aws, profile, &base, ret, err);
    return r < 0 ? err_wrap(err, r, "profile %s", profile) : r;
}

int aws_source_role(struct aws *aws, const char *profile, struct aws_credentials *ret, struct err *err)
{
    struct visit visit = {.profile = profile};

    return role_of(aws, &visit, ret, err);
}

int aws_source_profile(struct aws *aws, const char *profile, struct aws_credentials *ret, struct err *err)
{
    struct visit visit = {.profile = profile};
    int r = profile_derived(aws, &visit, ret, err);

    return r == 0 ? profile_plain(aws, profile, ret, err) : r;
}

/* ---- web identity ---- */

static int token_read(const char *path, struct buf *ret, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char chunk[1024];
    ssize_t size = 0;

    if (fd < 0)
        return err_set(err, -errno, ERR_CREDENTIALS, "%s: %s", path, strerror(errno));
    while (!ret->failed && (size = read(fd, chunk, sizeof chunk)) > 0)
        buf_add(ret, chunk, (size_t)size);
    close(fd);
    sodium_memzero(chunk, sizeof chunk);
    while (ret->size > 0 && strchr(" \t\r\n", ret->data[ret->size - 1]))
        ret->data[--ret->size] = '\0';
    if (size < 0 || ret->failed || ret->size == 0)
        return err_set(err, -EINVAL, ERR_CREDENTIALS, "%s holds no token", path);
    return 0;
}

static int web_identity(struct aws *aws, const char *profile, const char *path, const char *role,
                        const char *session, struct aws_credentials *ret, struct err *err)
{
    struct buf token CLEANUP(buf_wipe) = BUF_INIT(TOKEN_FILE_MAX);
    struct json_object *params CLEANUP_JS = NULL;
    int r;

    if (!role)
        return err_set(err, -EINVAL, ERR_CREDENTIALS, "a web identity token needs a role: set AWS_ROLE_ARN");
    r = token_read(path, &token, err);
    if (r < 0)
        return r;
    params = role_params(aws, profile, role, session ? session : SESSION_NAME);
    if (!params || js_set_text(params, "WebIdentityToken", buf_text(&token)) < 0)
        return err_no_memory(err);
    r = assume(aws, AWS_STS_ASSUME_ROLE_WITH_WEB_IDENTITY, params, NULL, "the web identity", ret, err);
    aws_wipe_member(params, "WebIdentityToken");
    return r;
}

int aws_source_web_identity(struct aws *aws, const char *profile, bool profile_only,
                            struct aws_credentials *ret, struct err *err)
{
    const char *path = profile_only ? NULL : aws_env("AWS_WEB_IDENTITY_TOKEN_FILE");
    const char *role = profile_only ? NULL : aws_env("AWS_ROLE_ARN");
    const char *session = profile_only ? NULL : aws_env("AWS_ROLE_SESSION_NAME");

    if (!path)
        path = aws_profiles_get(aws->profiles, AWS_FILE_ANY, profile, "web_identity_token_file");
    if (!path)
        return 0;
    if (!role)
        role = aws_profiles_get(aws->profiles, AWS_FILE_ANY, profile, "role_arn");
    if (!session)
        session = aws_profiles_get(aws->profiles, AWS_FILE_ANY, profile, "role_session_name");
    return web_identity(aws, profile, path, role, session, ret, err);
}
