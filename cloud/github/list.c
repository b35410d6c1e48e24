/*
 * list.c: a list that comes in pages, read whole or not at all.
 *
 * Pages follow the Link header, on the same host only. GitHub promises no order, and
 * rows move between pages when somebody adds or removes one: a list counts as complete only when every page
 * names the same total, no name came twice, and as many came as the total says. Anything
 * else is "unknown" to the caller, for an element that was not seen would be taken for missing.
 */
#include <errno.h>
#include <string.h>

#include "cloud/github/github-internal.h"
#include "common/js.h"

#define PAGES_MAX 100u

struct list {
    const struct github_operation *operation;
    struct json_object *joined; /* array */
    struct json_object *seen;   /* names, as the keys of an object */
    int64_t total;              /* -1 before the first page */
    int64_t server_wall_ms;     /* of the first page: the oldest of what we see */
    bool moved;
};

static void list_done(struct list *list)
{
    json_object_put(list->joined);
    json_object_put(list->seen);
}

static int unstable(const struct list *list, const char *why, struct err *err)
{
    return err_set(err, -EIO, ERR_RETRY, "%s: the list is not complete: %s", list->operation->name, why);
}

static int add_item(struct list *list, struct json_object *item, struct err *err)
{
    const char *name = js_text(item, "name");

    if (!name)
        return unstable(list, "an element without a name", err);
    /* A name twice means that rows moved between the pages, and another may have slipped through. */
    if (json_object_object_get_ex(list->seen, name, NULL))
        return unstable(list, "it changed while it was read", err);
    if (json_object_object_add(list->seen, name, NULL) < 0)
        return err_no_memory(err);
    if (json_object_array_add(list->joined, json_object_get(item)) < 0) {
        json_object_put(item);
        return err_no_memory(err);
    }
    return 0;
}

static int add_page(struct list *list, const struct reply *reply, struct err *err)
{
    struct json_object *page CLEANUP_JS = NULL;
    struct json_object *items;
    int64_t total;
    int r;

    r = answer_object(list->operation, &reply->http, reply->body, &page, err);
    if (r < 0)
        return r;
    items = js_get(page, list->operation->list);
    total = js_int(page, "total_count", -1);
    if (!json_object_is_type(items, json_type_array) || total < 0)
        return unstable(list, "a page without its list or its total count", err);
    if (list->total >= 0 && total != list->total)
        return unstable(list, "it changed while it was read", err);
    if (list->total < 0)
        list->server_wall_ms = answer_date(&reply->http);
    list->total = total;
    list->moved |= reply->moved;
    for (size_t i = 0; i < js_count(items, NULL); i++) {
        r = add_item(list, js_at(items, i), err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* The next page's URL, owned; NULL after the last. */
static int next_page(const struct list *list, const struct reply *reply, const char *url, char **ret,
                     struct err *err)
{
    char *target CLEANUP_FREE = NULL;
    int r = 0;

    *ret = NULL;
    if (reply->link)
        r = link_next(reply->link, &target);
    if (r == 0 && target)
        r = url_resolve(url, target, ret);
    if (r == -ENOMEM)
        return err_no_memory(err);
    if (r < 0)
        return unstable(list, "the Link header can not be read", err);
    if (*ret && !url_same_host(url, *ret)) {
        free(TAKE(*ret));
        return unstable(list, "the next page is on another host", err);
    }
    return 0;
}

static int list_answer(struct list *list, struct github_answer *ret, struct err *err)
{
    struct json_object *body CLEANUP_JS = json_object_new_object();

    if ((int64_t)js_count(list->joined, NULL) != list->total) {
        char *why CLEANUP_FREE = str_format("%zu of %lld came", js_count(list->joined, NULL),
                                            (long long)list->total);

        return unstable(list, why ? why : "elements are missing", err);
    }
    if (!body || js_set_int(body, "total_count", list->total) < 0 ||
        js_put_key(body, list->operation->list, TAKE(list->joined)) < 0)
        return err_no_memory(err);
    *ret = (struct github_answer){
        .status = 200, .body = TAKE(body), .server_wall_ms = list->server_wall_ms, .moved = list->moved};
    return 0;
}

/* All pages, joined in @list. May wait. */
static int read_pages(struct github *github, struct list *list, const char *first, int *ret_status,
                      struct err *err)
{
    char *url CLEANUP_FREE = strdup(first);
    int r;

    if (!url)
        return err_no_memory(err);
    for (unsigned pages = 0; url; pages++) {
        struct reply reply CLEANUP_REPLY = {0};
        char *next = NULL;

        if (pages == PAGES_MAX)
            return unstable(list, "it does not end", err);
        r = github_exchange(github, list->operation, url, NULL, &reply, err);
        *ret_status = reply.status;
        if (r < 0)
            return r;
        r = add_page(list, &reply, err);
        if (r == 0)
            r = next_page(list, &reply, url, &next, err);
        if (r < 0) {
            tags_done(&github->tags); /* a 304 must not bring it back for ever */
            return r;
        }
        free(url);
        url = next;
    }
    return 0;
}

int github_list(struct github *github, const struct github_operation *operation, const char *first,
                struct github_answer *ret, int *ret_status, struct err *err)
{
    struct list list CLEANUP(list_done) = {
        .operation = operation,
        .joined = json_object_new_array(),
        .seen = json_object_new_object(),
        .total = -1,
    };
    int r;

    if (!list.joined || !list.seen)
        return err_no_memory(err);
    r = read_pages(github, &list, first, ret_status, err);
    if (r < 0)
        return r;
    r = list_answer(&list, ret, err);
    if (r < 0 || list.total == 0)
        tags_forget(&github->tags,
                    first); /* "nothing there" is believed when a second answer says so, not its echo */
    return r;
}
