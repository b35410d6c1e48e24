/*
 * operations.c: the calls that mlopsd makes to GitHub, as a table, and how a
 * row and its parameters become a URL. Sending is client.c's.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "cloud/github/github-internal.h"
#include "common/encode.h"

#define VALUE_MAX 255u /* bytes of one path parameter; GitHub's own names are shorter */

const struct github_operation github_operations[GITHUB_OP_MAX] = {
    [GITHUB_GET_REPOSITORY] = {.name = "GET repository",
                               .method = "GET",
                               .path = "/repos/{repository}",
                               .permission = "Metadata: read",
                               .tagged = true},
    [GITHUB_LIST_SECRETS] = {.name = "GET secrets",
                             .method = "GET",
                             .path = "/repos/{repository}/actions/secrets",
                             .permission = "Secrets: read",
                             .list = "secrets",
                             .tagged = true},
    [GITHUB_GET_SECRET] = {.name = "GET secret",
                           .method = "GET",
                           .path = "/repos/{repository}/actions/secrets/{secret_name}",
                           .permission = "Secrets: read",
                           .tagged = true},
    /* Without a tag: after a 422 the key must come from GitHub, not from us. */
    [GITHUB_GET_PUBLIC_KEY] = {.name = "GET public key",
                               .method = "GET",
                               .path = "/repos/{repository}/actions/secrets/public-key",
                               .permission = "Secrets: read"},
    [GITHUB_PUT_SECRET] = {.name = "PUT secret",
                           .method = "PUT",
                           .path = "/repos/{repository}/actions/secrets/{secret_name}",
                           .write = true,
                           .permission = "Secrets: write"},
    [GITHUB_DELETE_SECRET] = {.name = "DELETE secret",
                              .method = "DELETE",
                              .path = "/repos/{repository}/actions/secrets/{secret_name}",
                              .write = true,
                              .permission = "Secrets: write"},
    [GITHUB_GET_OIDC_SUBJECT] = {.name = "GET OIDC subject",
                                 .method = "GET",
                                 .path = "/repos/{repository}/actions/oidc/customization/sub",
                                 .permission = "Actions: read",
                                 .tagged = true},
    [GITHUB_GET_ACTIONS_PERMISSIONS] = {.name = "GET Actions permissions",
                                        .method = "GET",
                                        .path = "/repos/{repository}/actions/permissions",
                                        .permission = "Administration: read",
                                        .tagged = true},
    /* Not a write: it changes nothing of the platform, and a plan needs a token too. */
    [GITHUB_CREATE_INSTALLATION_TOKEN] = {.name = "POST installation token",
                                          .method = "POST",
                                          .path = "/app/installations/{installation_id}/access_tokens",
                                          .permission = "the App's private key",
                                          .app = true},
    [GITHUB_GET_INSTALLATION] = {.name = "GET installation",
                                 .method = "GET",
                                 .path = "/repos/{repository}/installation",
                                 .permission = "the App's private key",
                                 .app = true},
};

/*
 * Percent-encoding leaves dots alone, and a server may fold "/x/.." away: such a value would name
 * another thing.
 */
static bool is_segment(const char *text, size_t size)
{
    if (size == 0 || (size == 1 && text[0] == '.'))
        return false;
    return !(size == 2 && text[0] == '.' && text[1] == '.');
}

static bool is_repository(const char *text)
{
    const char *slash = strchr(text, '/');

    return slash && !strchr(slash + 1, '/') && is_segment(text, (size_t)(slash - text)) &&
           is_segment(slash + 1, strlen(slash + 1));
}

static bool is_valid(const char *name, struct json_object *value)
{
    const char *text = json_object_get_string(value);
    size_t size = strlen(text);

    if (size != (size_t)json_object_get_string_len(value) || size > VALUE_MAX)
        return false;
    return str_equal(name, "repository") ? is_repository(text) : is_segment(text, size);
}

static int add_parameter(struct buf *url, const struct github_operation *operation, const char *name,
                         struct json_object *params, struct err *err)
{
    struct json_object *value = NULL;
    char *encoded CLEANUP_FREE = NULL;

    if (!params || !json_object_object_get_ex(params, name, &value) ||
        !json_object_is_type(value, json_type_string))
        return err_set(err, -EINVAL, ERR_BUG, "%s: the parameter %s is missing", operation->name, name);
    if (!is_valid(name, value))
        return err_set(err, -EINVAL, ERR_INVALID, "%s: not a valid %s%s", operation->name, name,
                       str_equal(name, "repository") ? ", which is \"OWNER/NAME\"" : "");
    encoded = encode_percent(json_object_get_string(value), str_equal(name, "repository"));
    if (!encoded)
        return err_no_memory(err);
    buf_add_text(url, encoded);
    return 0;
}

int operation_url(const struct github_operation *operation, const char *base, struct json_object *params,
                  char **ret, struct err *err)
{
    struct buf url CLEANUP_BUF = BUF_INIT(GITHUB_URL_MAX);
    const char *at = operation->path;
    char name[32];
    int r;

    buf_add_text(&url, base);
    while (*at) {
        size_t plain = strcspn(at, "{");

        buf_add(&url, at, plain);
        at += plain;
        if (*at == '{') {
            size_t size = strcspn(at, "}") - 1;

            assert(size < sizeof(name) && at[size + 1] == '}');
            memcpy(name, at + 1, size);
            name[size] = '\0';
            at += size + 2;
            r = add_parameter(&url, operation, name, params, err);
            if (r < 0)
                return r;
        }
    }
    if (operation->list)
        buf_add_text(&url, "?per_page=100");
    if (url.failed == -EMSGSIZE)
        return err_set(err, -EINVAL, ERR_INVALID, "%s: the URL is too long", operation->name);
    *ret = buf_take(&url);
    return *ret ? 0 : err_no_memory(err);
}
