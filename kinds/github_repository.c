/*
 * github_repository.c: the repository that the platform serves. It is people's: mlopsd only looks whether it
 * is as the platform needs it: there, not archived, Actions enabled, the subject of its OIDC tokens as trust
 * policies expect. What is otherwise is told, and left.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "common/str.h"
#include "kinds/registry-internal.h"

static bool is_repository(const char *text)
{
    const char *slash = strchr(text, '/');

    return has_reference(text) || (slash && slash != text && slash[1] != '\0' && !strchr(slash + 1, '/'));
}

static const struct field fields[] = {
    {.name = "full_name",
     .type = FIELD_STRING,
     .flags = FIELD_REQUIRED | FIELD_KEY | FIELD_IMMUTABLE | FIELD_IGNORE_CASE,
     .accepts = is_repository,
     .pattern = "OWNER/NAME",
     .fallback = "\"${github.repository}\"",
     .doc = "The repository, as OWNER/NAME; the platform's own when left out."},
    {.name = "archived",
     .type = FIELD_BOOLEAN,
     .wire = "archived",
     .fallback = "false",
     .doc = "Is it read-only? No workflow runs in an archived repository."},
    {.name = "actions_enabled",
     .type = FIELD_BOOLEAN,
     .doc = "May workflows run? To read it the token needs the permission \"Administration: read\"; not "
            "looked at when left out."},
    {.name = "default_oidc_subject",
     .type = FIELD_BOOLEAN,
     .flags = FIELD_SECURITY,
     .fallback = "true",
     .doc = "Has the subject of its OIDC tokens GitHub's default form? Trust policies compare that text."},
    {0},
};

static const struct attribute attributes[] = {
    {.name = "id", .type = FIELD_STRING, .doc = "GitHub's number of the repository; a renamed one keeps it."},
    {.name = "default_branch", .type = FIELD_STRING, .wire = "default_branch", .doc = "Its default branch."},
    {.name = "visibility", .type = FIELD_STRING, .wire = "visibility", .doc = "public, private or internal."},
    {.name = "oidc_subject_prefix",
     .type = FIELD_STRING,
     .doc = "What the subject of its OIDC tokens begins with, as GitHub says."},
    {0},
};

static struct json_object *asked(const struct kind_item *item)
{
    return params_new("repository", js_text(item->desired, "full_name"), NULL);
}

/* May wait. */
static int ask(struct kind_batch *batch, struct kind_item *item, enum github_op operation,
               struct github_answer *ret, struct err *err)
{
    struct json_object *params = asked(item);

    return params ? batch_github(batch, operation, params, ret, err) : err_no_memory(err);
}

/* May wait. Only where the config cares: not every token may read it. */
static int look_at_actions(struct kind_batch *batch, struct kind_item *item, struct json_object *document,
                           struct err *err)
{
    struct github_answer answer CLEANUP_GITHUB_ANSWER = {0};
    int r;

    if (!js_get(item->desired, "actions_enabled"))
        return 0;
    r = ask(batch, item, GITHUB_GET_ACTIONS_PERMISSIONS, &answer, err);
    if (r < 0)
        return err_wrap(err, r, "actions_enabled (leave it out if the token is not to read that)");
    return js_set_bool(document, "actions_enabled", js_bool(answer.body, "enabled", false)) < 0
               ? err_no_memory(err)
               : 0;
}

/* May wait. */
static int look_at_subject(struct kind_batch *batch, struct kind_item *item, struct json_object *document,
                           struct err *err)
{
    struct github_answer answer CLEANUP_GITHUB_ANSWER = {0};
    struct err refused CLEANUP_ERR = {0};
    bool is_default = true;
    int r = ask(batch, item, GITHUB_GET_OIDC_SUBJECT, &answer, &refused);

    if (r < 0 && refused.class != ERR_ABSENT) { /* 404: nobody ever changed it */
        err_move(err, &refused);
        return r;
    }
    if (r == 0)
        is_default = js_bool(answer.body, "use_default", true) ||
                     js_count(answer.body, "include_claim_keys") == 0;
    if (js_set_bool(document, "default_oidc_subject", is_default) < 0 ||
        (js_text(answer.body, "sub_claim_prefix") &&
         js_set_text(document, "oidc_subject_prefix", js_text(answer.body, "sub_claim_prefix")) < 0))
        return err_no_memory(err);
    return 0;
}

static int read_repository(const struct kind_item *item, struct json_object *answer,
                           struct json_object *document, struct err *err)
{
    char number[32];

    (void)snprintf(number, sizeof(number), "%lld", (long long)js_int(answer, "id", 0));
    if (wire_read(&github_repository_kind, answer, document) < 0 ||
        js_set_text(document, "full_name", js_text(item->desired, "full_name")) < 0 ||
        js_set_text(document, "id", number) < 0)
        return err_no_memory(err);
    return 0;
}

/* May wait. 0 with the whole document, or an error. */
static int look_at(struct kind_batch *batch, struct kind_item *item, struct json_object *document,
                   struct err *err)
{
    struct github_answer answer CLEANUP_GITHUB_ANSWER = {0};
    int r = ask(batch, item, GITHUB_GET_REPOSITORY, &answer, err);

    if (r == 0 && answer.moved)
        r = err_set(err, -EINVAL, ERR_INVALID, "the repository %s was renamed to %s: the config must say so",
                    js_text(item->desired, "full_name"), js_text(answer.body, "full_name"));
    if (r == 0)
        r = read_repository(item, answer.body, document, err);
    if (r == 0)
        r = look_at_actions(batch, item, document, err);
    if (r == 0)
        r = look_at_subject(batch, item, document, err);
    return r;
}

static void observe_one(struct kind_batch *batch, struct kind_item *item)
{
    struct json_object *document CLEANUP_JS = NULL;
    struct err err CLEANUP_ERR = {0};
    int r;

    if (item_may_keep(item)) {
        batch_keep(item);
        return;
    }
    document = json_object_new_object();
    r = document ? look_at(batch, item, document, &err) : err_no_memory(&err);
    if (err.class == ERR_ABSENT)
        err.class = ERR_DENIED; /* GitHub hides what a token may not see behind the same answer */
    if (r < 0)
        batch_unknown(item, &err);
    else
        batch_present(item, js_text(item->desired, "full_name"), TAKE(document));
}

static int observe(struct kind_batch *batch)
{
    return batch_each(batch, 0, observe_one);
}

const struct kind github_repository_kind = {
    .type = "github_repository",
    .provider = PROVIDER_GITHUB,
    .flags = KIND_OBSERVED,
    .doc = "The repository whose workflows use the platform; only looked at.",
    .seldom_calls = 3,
    .fields = fields,
    .attributes = attributes,
    .observe = observe,
};
