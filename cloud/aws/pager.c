/*
 * pager.c: lists that come in pages: ask until there is no token, join.
 *
 * A page may be empty and still carry a token. A token that comes twice would
 * never end; "there is more" without a token can not be followed: both are
 * errors, since a list that is not whole must not pass for one that is.
 */
#include <errno.h>
#include <string.h>

#include "cloud/aws/aws-internal.h"
#include "cloud/aws/shape.h"
#include "common/js.h"

#define PAGES_MAX     10000
#define ITEMS_MAX     500000
#define NAME_MAX_SIZE 64

struct pager {
    const struct aws_operation *operation;
    struct json_object *params; /* of the next page; owned */
    struct json_object *all;    /* joined so far; owned */
    char *tokens;               /* of the last page, joined; owned, NULL at first */
    size_t items;
    struct err *err;
};

static void pager_done(struct pager *pager)
{
    json_object_put(pager->params);
    json_object_put(pager->all);
    free(pager->tokens);
}

/* A token as text; "" when there is none. */
static const char *token_of(struct json_object *page, const char *member)
{
    struct json_object *value = NULL;

    if (!json_object_object_get_ex(page, member, &value) || !json_object_is_type(value, json_type_string))
        return "";
    return json_object_get_string(value);
}

/* The tokens of @page into the parameters; *ret_joined says which they were, "" = none. */
static int tokens_take(struct pager *pager, struct json_object *page, struct buf *ret_joined)
{
    const char *out = pager->operation->page_out;
    const char *in = pager->operation->page_in;
    char out_name[NAME_MAX_SIZE];
    char in_name[NAME_MAX_SIZE];
    bool any = false;

    while (aws_names_next(&out, out_name, sizeof out_name) && aws_names_next(&in, in_name, sizeof in_name)) {
        const char *token = token_of(page, out_name);

        json_object_object_del(pager->params, in_name);
        if (!*token)
            continue;
        any = true;
        buf_addf(ret_joined, "%s=%s\n", in_name, token);
        if (js_put_key(pager->params, in_name, json_object_new_string(token)) < 0)
            return err_no_memory(pager->err);
    }
    return any && ret_joined->failed ? err_no_memory(pager->err) : 0;
}

/* 1 = there is another page, 0 = this was the last. */
static int next_page(struct pager *pager, struct json_object *page)
{
    const char *more = pager->operation->page_more;
    struct buf joined CLEANUP_BUF = BUF_INIT(1u << 16);
    int r = tokens_take(pager, page, &joined);

    if (r < 0)
        return r;
    if (joined.size == 0 && more && js_bool(page, more, false))
        return err_set(pager->err, -EBADMSG, ERR_BUG, "%s: more pages, but no token for them",
                       pager->operation->name);
    if (joined.size == 0 || (more && !js_bool(page, more, true)))
        return 0;
    if (pager->tokens && strcmp(pager->tokens, buf_text(&joined)) == 0)
        return err_set(pager->err, -EBADMSG, ERR_BUG, "%s: the same page again", pager->operation->name);
    return str_set(&pager->tokens, buf_text(&joined)) < 0 ? err_no_memory(pager->err) : 1;
}

static int list_join(struct pager *pager, struct json_object *page, const char *name)
{
    struct json_object *from = NULL;
    struct json_object *to = NULL;
    size_t count;

    if (!json_object_object_get_ex(page, name, &from) || !json_object_is_type(from, json_type_array))
        return 0;
    if (!json_object_object_get_ex(pager->all, name, &to) || !json_object_is_type(to, json_type_array))
        return js_put_key(pager->all, name, json_object_get(from)) < 0 ? err_no_memory(pager->err) : 0;
    count = json_object_array_length(from);
    for (size_t i = 0; i < count; i++) {
        struct json_object *item = json_object_get(json_object_array_get_idx(from, i));

        if (json_object_array_add(to, item) < 0) {
            json_object_put(item);
            return err_no_memory(pager->err);
        }
    }
    return 0;
}

static size_t page_items(struct pager *pager, struct json_object *page)
{
    const char *names = pager->operation->page_lists;
    char name[NAME_MAX_SIZE];
    size_t items = 0;

    while (aws_names_next(&names, name, sizeof name))
        items += js_count(page, name);
    return items;
}

static int page_join(struct pager *pager, struct json_object *page)
{
    const char *names = pager->operation->page_lists;
    char name[NAME_MAX_SIZE];
    int r = 0;

    pager->items += page_items(pager, page);
    if (pager->items > ITEMS_MAX)
        return err_set(pager->err, -EMSGSIZE, ERR_LIMIT, "%s: more than %d items", pager->operation->name,
                       ITEMS_MAX);
    if (!pager->all) {
        pager->all = json_object_get(page);
        return 0;
    }
    while (r == 0 && aws_names_next(&names, name, sizeof name))
        r = list_join(pager, page, name);
    return r;
}

/* The whole list has no tokens. */
static void tokens_drop(struct pager *pager)
{
    const char *names = pager->operation->page_out;
    char name[NAME_MAX_SIZE];

    while (aws_names_next(&names, name, sizeof name))
        json_object_object_del(pager->all, name);
    if (pager->operation->page_more)
        json_object_object_del(pager->all, pager->operation->page_more);
}

static int read_pages(struct aws *aws, struct pager *pager, const char *token)
{
    int r = 1;

    for (int i = 0; r == 1 && i < PAGES_MAX; i++) {
        struct json_object *page CLEANUP_JS = NULL;

        r = aws_call_once(aws, pager->operation, pager->params, token, &page, pager->err);
        if (r == 0)
            r = page_join(pager, page);
        if (r == 0)
            r = next_page(pager, page);
    }
    if (r == 1)
        return err_set(pager->err, -EMSGSIZE, ERR_LIMIT, "%s: more than %d pages", pager->operation->name,
                       PAGES_MAX);
    return r;
}

/* The caller named the first token member: it turns the pages itself. */
static bool caller_pages(const struct aws_operation *operation, struct json_object *params)
{
    const char *names = operation->page_in;
    char name[NAME_MAX_SIZE];

    return aws_names_next(&names, name, sizeof name) && json_object_object_get_ex(params, name, NULL);
}

static struct json_object *params_copy(struct json_object *params)
{
    struct json_object *copy = json_object_new_object();

    if (!copy || !params)
        return copy;
    js_each (params, key, value) {
        if (js_put_key(copy, key, json_object_get(value)) < 0) {
            json_object_put(copy);
            return NULL;
        }
    }
    return copy;
}

int aws_call_pages(struct aws *aws, const struct aws_operation *operation, struct json_object *params,
                   const char *token, struct json_object **ret, struct err *err)
{
    struct pager pager CLEANUP(pager_done) = {.operation = operation, .err = err};
    int r;

    if (!operation->page_in ||
        (params && (!json_object_is_type(params, json_type_object) || caller_pages(operation, params))))
        return aws_call_once(aws, operation, params, token, ret, err);
    pager.params = params_copy(params);
    if (!pager.params)
        return err_no_memory(err);
    r = read_pages(aws, &pager, token);
    if (r < 0)
        return r;
    tokens_drop(&pager);
    if (ret)
        *ret = TAKE(pager.all);
    return 0;
}
