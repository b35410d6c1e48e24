/*
 * aws_iam_role_look.c: looking at roles with the fewest calls.
 *
 * Two calls show every role of an account: GetAccountAuthorizationDetails has all but description and
 * session length, ListRoles has these. Both lag behind writes, so a role that we wrote to moments ago,
 * or on which the two disagree, is read by itself (GetRole and its lists, 3 + n calls). So are all
 * roles when the account is too large for the two calls, or they are denied; the first is noted in the
 * items' memory, so that the next look does not try in vain. Of each page only our own roles are kept:
 * as a tree a page of a large account takes 100 MiB.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "kinds/aws_iam_role-internal.h"
#include "kinds/registry-internal.h"

#define LOOKS_AT_ONCE 5
#define PAGE_ROLES    1000
#define PAGES_MAX     20 /* of one list; beyond that one look at each role is cheaper */
#define LARGE_ACCOUNT "large_account"

/* ---- from answers to documents ---- */

static struct json_object *inline_policy(struct json_object *answer)
{
    const char *text = js_text(answer, "PolicyDocument");
    struct json_object *policy = params_new("name", js_text(answer, "PolicyName"), NULL);

    if (text)
        params_set(&policy, "policy", wire_policy(text));
    return policy;
}

static struct json_object *inline_policies(struct json_object *list)
{
    struct json_object *policies = json_object_new_array();

    for (size_t i = 0, count = js_count(list, NULL); policies && i < count; i++) {
        struct json_object *policy = inline_policy(js_at(list, i));

        if (!policy || json_object_array_add(policies, policy) < 0) {
            json_object_put(policy);
            json_object_put(policies);
            return NULL;
        }
    }
    return policies;
}

static struct json_object *attached_arns(struct json_object *list)
{
    struct json_object *arns = json_object_new_array();

    for (size_t i = 0, count = js_count(list, NULL); arns && i < count; i++) {
        const char *arn = js_text(js_at(list, i), "PolicyArn");

        if (arn && js_add_text(arns, arn) < 0) {
            json_object_put(arns);
            return NULL;
        }
    }
    return arns;
}

/**
 * One role: @role has its own members and tags; @times description and session length (may be the
 * same object); @policies and @attached are lists as IAM gives them. Owned; NULL without memory.
 */
static struct json_object *document_of(struct json_object *role, struct json_object *times,
                                       struct json_object *policies, struct json_object *attached)
{
    struct json_object *document = json_object_new_object();

    if (document && (wire_read(&aws_iam_role_kind, times, document) < 0 ||
                     wire_read(&aws_iam_role_kind, role, document) < 0))
        params_set(&document, "name", NULL);
    params_text(&document, "permissions_boundary",
                js_text(role, "PermissionsBoundary.PermissionsBoundaryArn"));
    params_set(&document, "inline_policy", inline_policies(policies));
    params_set(&document, "managed_policy_arns", attached_arns(attached));
    params_set(&document, "tags", tags_from_list(js_get(role, "Tags"), "Key", "Value"));
    return document;
}

static void found(struct kind_item *item, struct json_object *role, struct json_object *document)
{
    batch_present(item, js_text(role, "RoleName"), document);
    item->created_wall_ms = answer_time_ms(role, "CreateDate");
}

static const char *role_name(const struct kind_item *item)
{
    return item->id ? item->id : js_text(item->desired, "name");
}

/* ---- one role by itself ---- */

/* Every inline policy's document, in the shape of RolePolicyList. */
static int read_inline(struct kind_batch *batch, const char *name, struct json_object *names,
                       struct json_object **ret, struct err *err)
{
    struct json_object *list CLEANUP_JS = json_object_new_array();

    if (!list)
        return err_no_memory(err);
    if (js_count(names, NULL) > ROLE_ITEMS_MAX)
        return err_set(err, -E2BIG, ERR_LIMIT, "role %s: more than %d inline policies", name, ROLE_ITEMS_MAX);
    for (size_t i = 0; i < js_count(names, NULL); i++) {
        struct json_object *answer = NULL;
        int r = batch_ask(batch, AWS_IAM_GET_ROLE_POLICY,
                          params_new("RoleName", name, "PolicyName", js_text(js_at(names, i), NULL), NULL),
                          &answer, err);

        if (r < 0)
            return r;
        if (json_object_array_add(list, answer) < 0) {
            json_object_put(answer);
            return err_no_memory(err);
        }
    }
    *ret = TAKE(list);
    return 0;
}

enum { READ_ROLE, READ_NAMES, READ_ATTACHED, READ_COUNT };

static int read_role(struct kind_batch *batch, struct kind_item *item, struct aws_read *reads,
                     struct err *err)
{
    static const enum aws_op operations[READ_COUNT] = {
        [READ_ROLE] = AWS_IAM_GET_ROLE,
        [READ_NAMES] = AWS_IAM_LIST_ROLE_POLICIES,
        [READ_ATTACHED] = AWS_IAM_LIST_ATTACHED_ROLE_POLICIES,
    };
    struct json_object *policies CLEANUP_JS = NULL, *role;
    const char *name = role_name(item);
    int r;

    for (size_t i = 0; i < READ_COUNT; i++) {
        reads[i].op = operations[i];
        reads[i].params = params_new("RoleName", name, NULL);
        if (!reads[i].params)
            return err_no_memory(err);
    }
    r = aws_read_all(batch->clouds.aws, reads, READ_COUNT, 0);
    if (r < 0)
        return err_set(err, r, r == -ECANCELED ? ERR_CANCELED : ERR_RETRY, "reading role %s", name);
    for (size_t i = 0; i < READ_COUNT; i++) {
        if (reads[i].result < 0) {
            err_copy(err, &reads[i].err);
            return reads[i].result;
        }
    }
    role = js_get(reads[READ_ROLE].answer, "Role");
    if (!js_text(role, "RoleName"))
        return err_set(err, -EBADMSG, ERR_BUG, "GetRole: an answer without a role");
    r = read_inline(batch, name, js_get(reads[READ_NAMES].answer, "PolicyNames"), &policies, err);
    if (r < 0)
        return r;
    found(item, role,
          document_of(role, role, policies, js_get(reads[READ_ATTACHED].answer, "AttachedPolicies")));
    return 0;
}

static void look_alone(struct kind_batch *batch, struct kind_item *item)
{
    struct aws_read reads[READ_COUNT] = {0};
    struct err err CLEANUP_ERR = {0};

    if (read_role(batch, item, reads, &err) < 0) {
        /*
         * Only the role itself can be missing: an inline policy that vanished between two reads proves
         * nothing.
         */
        if (reads[READ_ROLE].result == 0 && err.class == ERR_ABSENT)
            err.class = ERR_RETRY;
        batch_failed(item, &err);
    }
    aws_reads_done(reads, READ_COUNT);
}

/* ---- all roles at once ---- */

enum { LIST_DETAILS, LIST_ROLES, LIST_COUNT };

/** What the two lists said about our roles. */
struct survey {
    struct json_object *wanted;           /* names in lower case: which roles to keep; owned */
    struct json_object *kept[LIST_COUNT]; /* role by "=NAME" and by "~name" in lower case; owned */
    char *marker[LIST_COUNT];             /* where the next page begins; NULL = no more; owned */
    bool open[LIST_COUNT];                /* is there a page to ask for? */
};

static void survey_done(struct survey *survey)
{
    json_object_put(survey->wanted);
    for (size_t i = 0; i < LIST_COUNT; i++) {
        json_object_put(survey->kept[i]);
        free(survey->marker[i]);
    }
}

/* @mark and the name in lower case; owned; NULL without memory. */
static char *lower_key(char mark, const char *name)
{
    char *key = str_format("%c%s", mark, name);

    for (char *c = key; c && *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return key;
}

static int survey_want(struct survey *survey, const char *name)
{
    char *key CLEANUP_FREE = lower_key('~', name);

    return key ? js_put_key(survey->wanted, key, json_object_new_boolean(true)) : -ENOMEM;
}

static int survey_begin(struct survey *survey, const struct kind_batch *batch)
{
    int r = 0;

    survey->wanted = json_object_new_object();
    for (size_t i = 0; i < LIST_COUNT; i++) {
        survey->kept[i] = json_object_new_object();
        survey->open[i] = true;
        if (!survey->kept[i])
            return -ENOMEM;
    }
    for (size_t i = 0; survey->wanted && i < batch->count && r == 0; i++)
        r = role_name(&batch->items[i]) ? survey_want(survey, role_name(&batch->items[i])) : 0;
    return survey->wanted ? r : -ENOMEM;
}

static int survey_keep(struct survey *survey, struct json_object *kept, struct json_object *role)
{
    const char *name = js_text(role, "RoleName");
    char *alike CLEANUP_FREE = name ? lower_key('~', name) : NULL;
    char *exact CLEANUP_FREE = name ? str_format("=%s", name) : NULL;
    int r;

    if (!name)
        return 0;
    if (!alike || !exact)
        return -ENOMEM;
    if (!json_object_object_get_ex(survey->wanted, alike, NULL))
        return 0;
    r = js_put_key(kept, alike, json_object_get(role));
    return r < 0 ? r : js_put_key(kept, exact, json_object_get(role));
}

/* Take our roles from a page, and where the next one begins. */
static int survey_page(struct survey *survey, size_t list, struct json_object *page)
{
    static const char *const members[LIST_COUNT] = {"RoleDetailList", "Roles"};
    struct json_object *roles = js_get(page, members[list]);
    const char *marker = js_bool(page, "IsTruncated", false) ? js_text(page, "Marker") : NULL;
    int r = 0;

    if (js_bool(page, "IsTruncated", false) && (!marker || str_equal(marker, survey->marker[list])))
        return -EBADMSG; /* a list without its end must not pass for a whole one */
    for (size_t i = 0, count = js_count(roles, NULL); i < count && r == 0; i++)
        r = survey_keep(survey, survey->kept[list], js_at(roles, i));
    survey->open[list] = marker != NULL;
    return r < 0 ? r : str_set(&survey->marker[list], marker);
}

static struct json_object *role_filter(void)
{
    struct json_object *filter = json_object_new_array();

    if (!filter || js_add_text(filter, "Role") == 0)
        return filter;
    json_object_put(filter);
    return NULL;
}

/*
 * Parameters of the next page; with a "Marker" even when it is null, so that the client does not turn
 * pages itself.
 */
static struct json_object *page_params(const struct survey *survey, size_t list)
{
    struct json_object *params = params_new(NULL, NULL, NULL);

    params_set(&params, "MaxItems", json_object_new_int(PAGE_ROLES));
    if (list == LIST_DETAILS)
        params_set(&params, "Filter", role_filter());
    if (params && js_set_text(params, "Marker", survey->marker[list]) < 0) {
        json_object_put(params);
        return NULL;
    }
    return params;
}

/* The next page of each list that has one, together. 0, or negative with @err. */
static int survey_step(struct survey *survey, struct kind_batch *batch, struct err *err)
{
    static const enum aws_op operations[LIST_COUNT] = {AWS_IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS,
                                                       AWS_IAM_LIST_ROLES};
    struct aws_read reads[LIST_COUNT] = {0};
    size_t lists[LIST_COUNT], count = 0;
    int r = 0;

    for (size_t list = 0; list < LIST_COUNT; list++) {
        if (!survey->open[list])
            continue;
        reads[count].op = operations[list];
        reads[count].params = page_params(survey, list);
        r = reads[count].params ? r : err_no_memory(err);
        lists[count++] = list;
    }
    if (r == 0 && aws_read_all(batch->clouds.aws, reads, count, 0) < 0)
        r = err_set(err, -ECANCELED, ERR_CANCELED, "reading the roles of the account");
    for (size_t i = 0; i < count && r == 0; i++) {
        r = reads[i].result;
        if (r < 0) {
            err_move(err, &reads[i].err);
            break;
        }
        r = survey_page(survey, lists[i], reads[i].answer);
        if (r < 0)
            r = err_set(err, r, r == -ENOMEM ? ERR_RETRY : ERR_BUG, "%s: a list that does not end",
                        aws_operations[reads[i].op].name);
    }
    aws_reads_done(reads, count);
    return r;
}

/* The role of that name; capital letters make no other name, but one spelled alike goes first. Borrowed. */
static struct json_object *survey_find(const struct survey *survey, size_t list, const char *name)
{
    struct json_object *role = NULL;
    char *exact CLEANUP_FREE = str_format("=%s", name);
    char *alike CLEANUP_FREE = lower_key('~', name);

    if (exact && alike && !json_object_object_get_ex(survey->kept[list], exact, &role))
        json_object_object_get_ex(survey->kept[list], alike, &role);
    return role;
}

static bool same_role(struct json_object *a, struct json_object *b)
{
    return a && b && js_text(a, "RoleId") && str_equal(js_text(a, "RoleId"), js_text(b, "RoleId"));
}

/*
 * What the two lists say about one item. Where they do not agree it stays unreported, to be looked at
 * alone.
 */
static void pick(struct kind_item *item, const struct survey *survey)
{
    const char *name = role_name(item);
    struct json_object *role = name ? survey_find(survey, LIST_DETAILS, name) : NULL;
    struct json_object *times = name ? survey_find(survey, LIST_ROLES, name) : NULL;

    if (name && !role && !times)
        batch_absent(item);
    else if (same_role(role, times))
        found(item, role,
              document_of(role, times, js_get(role, "RolePolicyList"),
                          js_get(role, "AttachedManagedPolicies")));
}

static bool is_noted_large(const struct kind_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (js_bool(batch->items[i].memory, LARGE_ACCOUNT, false))
            return true;
    }
    return false;
}

static void note_large(struct kind_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct kind_item *item = &batch->items[i];

        json_object_put(item->ret_memory);
        item->ret_memory = json_object_new_object();
        if (item->ret_memory)
            (void)js_set_bool(item->ret_memory, LARGE_ACCOUNT, true); /* not noted: tried again next time */
    }
}

/* 0 also where each role is to be looked at alone: then they are left unreported. */
static int look_at_account(struct kind_batch *batch)
{
    struct survey survey CLEANUP(survey_done) = {0};
    struct err err CLEANUP_ERR = {0};
    int r = survey_begin(&survey, batch) < 0 ? err_no_memory(&err) : 0;

    for (size_t page = 0; r == 0 && (survey.open[LIST_DETAILS] || survey.open[LIST_ROLES]); page++) {
        r = page < PAGES_MAX ? survey_step(&survey, batch, &err)
                             : err_set(&err, -E2BIG, ERR_LIMIT, "more than %d pages of roles", PAGES_MAX);
    }
    if (r < 0 && err.class == ERR_LIMIT)
        note_large(batch);
    if (r < 0 && (err.class == ERR_LIMIT || err.class == ERR_DENIED))
        return 0;
    if (r < 0) {
        err_move(batch->err, &err);
        return r;
    }
    for (size_t i = 0; i < batch->count; i++) {
        if (!batch->items[i].recent)
            pick(&batch->items[i], &survey);
    }
    return 0;
}

static void look_if_unreported(struct kind_batch *batch, struct kind_item *item)
{
    if (item->state == ITEM_UNKNOWN && item->err.code == 0)
        look_alone(batch, item);
}

int aws_iam_role_observe(struct kind_batch *batch)
{
    size_t recent = 0;
    int r = 0;

    if (!batch->clouds.aws)
        return err_set(batch->err, -EINVAL, ERR_INVALID, "the platform has no aws: section");
    for (size_t i = 0; i < batch->count; i++)
        recent += batch->items[i].recent;
    if (recent < batch->count && !is_noted_large(batch))
        r = look_at_account(batch);
    return r < 0 ? r : batch_each(batch, LOOKS_AT_ONCE, look_if_unreported);
}
