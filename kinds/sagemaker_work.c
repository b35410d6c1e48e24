/*
 * sagemaker_work.c: what users have running or kept in a domain, which SageMaker does not delete with it.
 *
 * It is theirs: without force_destroy it is only named. With it, apps go first, since a space with one
 * can not be deleted, then spaces, then profiles; each step waits for the one before, one turn each.
 */
#include <errno.h>
#include <string.h>

#include "common/js.h"
#include "kinds/registry-internal.h"
#include "kinds/sagemaker-internal.h"

#define NAMES_SIZE 4096 /* more are not read by anybody */

/** What stands in the way. */
struct work {
    const char *domain;
    struct json_object *apps, *spaces, *profiles; /* arrays; owned */
};

static void work_done(struct work *work)
{
    json_object_put(work->apps);
    json_object_put(work->spaces);
    json_object_put(work->profiles);
}

/* ---- what there is ---- */

static bool is_owned(struct json_object *space, const char *profile)
{
    const char *owner = js_text(space, "OwnershipSettingsSummary.OwnerUserProfileName");

    return !profile || (owner && str_equal_nocase(owner, profile));
}

static bool has_space(struct json_object *spaces, const char *name)
{
    for (size_t i = 0, count = js_count(spaces, NULL); i < count; i++) {
        if (str_equal(js_text(js_at(spaces, i), "SpaceName"), name))
            return true;
    }
    return false;
}

/* Rows of deleted apps stay for a day. */
static bool is_theirs(struct json_object *app, const char *profile, struct json_object *spaces)
{
    const char *user = js_text(app, "UserProfileName"), *space = js_text(app, "SpaceName");

    if (str_equal(js_text(app, "Status"), "Deleted"))
        return false;
    return !profile || (user && str_equal_nocase(user, profile)) || (space && has_space(spaces, space));
}

static int keep(struct kind_op *op, struct json_object *array, struct json_object *row)
{
    if (json_object_array_add(array, json_object_get(row)) == 0)
        return 0;
    json_object_put(row);
    return err_no_memory(op->err);
}

/* May wait. The rows of one list of the domain; owned, never NULL on success. */
static int list(struct kind_op *op, enum aws_op operation, const char *domain, struct json_object **ret)
{
    struct json_object *params = params_new("DomainIdEquals", domain, NULL), *answer CLEANUP_JS = NULL;
    const char *member = aws_operations[operation].page_lists;
    int r = op_send(op, operation, params, &answer);

    if (r < 0)
        return r;
    *ret = json_object_get(js_get(answer, member));
    if (!*ret)
        return op_fail(op, -EBADMSG, ERR_BUG, "%s: an answer without %s", aws_operations[operation].name,
                       member);
    return 0;
}

/* May wait. */
static int find_work(struct kind_op *op, const char *profile, struct work *work)
{
    struct json_object *apps CLEANUP_JS = NULL, *spaces CLEANUP_JS = NULL;
    int r = list(op, AWS_SAGEMAKER_LIST_SPACES, work->domain, &spaces);

    if (r == 0)
        r = list(op, AWS_SAGEMAKER_LIST_APPS, work->domain, &apps);
    if (r == 0 && !profile)
        r = list(op, AWS_SAGEMAKER_LIST_USER_PROFILES, work->domain, &work->profiles);
    work->spaces = json_object_new_array();
    work->apps = json_object_new_array();
    if (r == 0 && (!work->spaces || !work->apps))
        r = err_no_memory(op->err);
    for (size_t i = 0; r == 0 && i < js_count(spaces, NULL); i++)
        r = is_owned(js_at(spaces, i), profile) ? keep(op, work->spaces, js_at(spaces, i)) : 0;
    for (size_t i = 0; r == 0 && i < js_count(apps, NULL); i++)
        r = is_theirs(js_at(apps, i), profile, work->spaces) ? keep(op, work->apps, js_at(apps, i)) : 0;
    return r;
}

/* ---- in words ---- */

static void add_names(struct buf *text, struct json_object *rows, const char *what, const char *member)
{
    for (size_t i = 0, count = js_count(rows, NULL); i < count; i++) {
        const char *name = js_text(js_at(rows, i), member), *type = js_text(js_at(rows, i), "AppType");

        /* failures show at buf_take */
        (void)buf_addf(text, "%s%s %s%s%s", text->size > 0 ? ", " : "", what, type ? type : "",
                       type ? "/" : "", name ? name : "?");
    }
}

/* Owned; NULL without memory, or when they are too many to be named. */
static char *names_of(const struct work *work)
{
    struct buf text CLEANUP_BUF = BUF_INIT(NAMES_SIZE);

    add_names(&text, work->apps, "app", "AppName");
    add_names(&text, work->spaces, "space", "SpaceName");
    add_names(&text, work->profiles, "user profile", "UserProfileName");
    return buf_take(&text);
}

static int refuse(struct kind_op *op, const struct work *work, const char *profile)
{
    char *names CLEANUP_FREE = names_of(work);

    return op_fail(
        op, -ENOTEMPTY, ERR_INVALID,
        "%s%sdomain %s still holds the work of users: %s: have it deleted, or set force_destroy: true",
        profile ? profile : "", profile ? " of " : "", work->domain,
        names ? names : "more than can be named");
}

/* ---- deleting ---- */

/* May wait. Delete what is not on its way out already, then wait for all of @rows. */
static int delete_rows(struct kind_op *op, struct json_object *rows, const char *what, enum aws_op operation,
                       const char *domain, const char *const *members)
{
    size_t count = js_count(rows, NULL);

    for (size_t i = 0; i < count; i++) {
        struct json_object *row = js_at(rows, i), *params;
        int r;

        if (str_equal(js_text(row, "Status"), "Deleting"))
            continue;
        params = params_new("DomainId", domain, NULL);
        for (const char *const *member = members; *member; member++)
            params_text(&params, *member, js_text(row, *member));
        r = op_send(op, operation, params, NULL);
        r = op_forgive(op, r, "ResourceNotFound");
        if (r < 0)
            return r;
    }
    return op_fail(op, -EAGAIN, ERR_NOT_YET, "waiting for %zu %s in domain %s to be deleted", count, what,
                   domain);
}

int sagemaker_clear_work(struct kind_op *op, const char *domain, const char *profile)
{
    static const char *const app_members[] = {"AppType", "AppName", "UserProfileName", "SpaceName", NULL};
    static const char *const space_members[] = {"SpaceName", NULL};
    static const char *const profile_members[] = {"UserProfileName", NULL};
    struct work work CLEANUP(work_done) = {.domain = domain};
    int r = find_work(op, profile, &work);

    if (r < 0 || js_count(work.apps, NULL) + js_count(work.spaces, NULL) + js_count(work.profiles, NULL) == 0)
        return r;
    if (!op_flag(op, "force_destroy"))
        return refuse(op, &work, profile);
    if (js_count(work.apps, NULL) > 0)
        return delete_rows(op, work.apps, "apps", AWS_SAGEMAKER_DELETE_APP, domain, app_members);
    if (js_count(work.spaces, NULL) > 0)
        return delete_rows(op, work.spaces, "spaces", AWS_SAGEMAKER_DELETE_SPACE, domain, space_members);
    return delete_rows(op, work.profiles, "user profiles", AWS_SAGEMAKER_DELETE_USER_PROFILE, domain,
                       profile_members);
}

/* ---- before ---- */

bool sagemaker_farewell_work(struct kind_batch *batch, const struct kind_item *item, const char *domain,
                             const char *profile, struct farewell *farewell)
{
    struct kind_op op = {.kind = batch->kind, /* it only reads */
                         .address = item->address,
                         .clouds = batch->clouds,
                         .host = batch->host,
                         .host_data = batch->host_data,
                         .err = batch->err};
    struct work work CLEANUP(work_done) = {.domain = domain};
    char *names CLEANUP_FREE = NULL;
    bool known = find_work(&op, profile, &work) == 0;

    if (known && js_count(work.apps, NULL) + js_count(work.spaces, NULL) == 0)
        return false;
    json_object_put(TAKE(work.profiles)); /* most of them are declared, and go first */
    names = known ? names_of(&work) : NULL;
    if (js_bool(item->desired, "force_destroy", false))
        farewell_say(farewell, FAREWELL_LOSES, "the work of users is deleted (force_destroy): %s",
                     names ? names : "all apps and spaces in it");
    else
        farewell_say(farewell, FAREWELL_BLOCKS,
                     "it is not deleted while it holds the work of users: %s: have it deleted, "
                     "or set force_destroy: true",
                     names ? names : "apps and spaces, if there are any");
    return true;
}
