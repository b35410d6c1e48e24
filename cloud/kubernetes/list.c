/*
 * list.c: a collection, read page by page and joined.
 *
 * The pages of one list show one moment. The server keeps that moment for some minutes only: when it says that it is
 * gone (410), the list begins again, once.
 */
#include <errno.h>
#include <string.h>

#include "cloud/kubernetes/kubernetes-internal.h"
#include "common/encode.h"
#include "common/js.h"

static void add_parameter(struct buf *path, const char *name, const char *value)
{
    char *encoded CLEANUP_FREE = NULL;

    if (str_empty(value))
        return;
    encoded = encode_percent(value, false);
    if (encoded)
        (void)buf_addf(path, "&%s=%s", name, encoded); /* a failed buffer stays failed */
    else
        path->failed = -ENOMEM;
}

/* May wait: one page, with its Secrets' values taken out. */
static int read_page(struct kubernetes *kubernetes, const struct kubernetes_call *call,
                     const struct kube_request *request, const char *token, struct json_object **ret,
                     int *ret_status, struct err *err)
{
    struct buf path CLEANUP_BUF = BUF_INIT(60000); /* tokens are long; a URL holds 64 KiB */
    struct http_answer answer CLEANUP_ANSWER = {0};
    struct json_object *page CLEANUP_JS = NULL;
    struct kube_request this = *request;
    int r;

    (void)buf_addf(&path, "%s?limit=%u", request->path, KUBE_PAGE_ITEMS);
    add_parameter(&path, "labelSelector", call->label_selector);
    add_parameter(&path, "fieldSelector", call->field_selector);
    add_parameter(&path, "continue", token);
    if (path.failed)
        return err_set(err, path.failed, ERR_RETRY, "%s: the address does not fit", request->name);
    this.path = buf_text(&path);
    r = kube_exchange(kubernetes, &this, &answer, err);
    *ret_status = answer.status;
    if (r == 0)
        r = kube_answer_object(request->name, &answer, &page, err);
    if (r == 0 && !str_ends(js_text(page, "kind"), "List"))
        return err_set(err, -EIO, ERR_RETRY, "%s: the answer is no list", request->name);
    if (r == 0)
        r = kube_redact(call, page, err);
    if (r == 0)
        *ret = TAKE(page);
    return r;
}

/* Move the items of @page to the end of @items. */
static int join(struct json_object *items, struct json_object *page, struct err *err)
{
    struct json_object *more = js_get(page, "items");

    for (size_t i = 0; i < js_count(more, NULL); i++) {
        struct json_object *item = json_object_get(js_at(more, i));

        if (json_object_array_add(items, item) < 0) {
            json_object_put(item);
            return err_no_memory(err);
        }
    }
    return 0;
}

/* May wait. @ret_status: of the last page. */
static int read_pages(struct kubernetes *kubernetes, const struct kubernetes_call *call,
                      const struct kube_request *request, struct json_object *items,
                      struct json_object **ret_last, int *ret_status, struct err *err)
{
    char *token CLEANUP_FREE = NULL;
    int r;

    for (unsigned count = 0; count < KUBE_PAGES_MAX; count++) {
        struct json_object *page CLEANUP_JS = NULL;

        r = read_page(kubernetes, call, request, token, &page, ret_status, err);
        if (r == 0)
            r = join(items, page, err);
        if (r < 0)
            return r;
        if (str_set(&token, js_text(page, "metadata.continue")) < 0)
            return err_no_memory(err);
        if (str_empty(token)) {
            *ret_last = TAKE(page);
            return 0;
        }
    }
    return err_set(err, -EMSGSIZE, ERR_LIMIT, "%s: more than %u objects", request->name,
                   KUBE_PAGES_MAX * KUBE_PAGE_ITEMS);
}

int kube_list(struct kubernetes *kubernetes, const struct kubernetes_call *call,
              const struct kube_request *request, struct kubernetes_answer *ret, struct err *err)
{
    int r = -EIO;

    for (unsigned round = 0; round < 2; round++) {
        struct json_object *items CLEANUP_JS = json_object_new_array();
        struct json_object *last CLEANUP_JS = NULL;
        int status = 0;

        if (!items)
            return err_no_memory(err);
        r = read_pages(kubernetes, call, request, items, &last, &status, err);
        if (r < 0 && status == 410 && round == 0)
            continue;
        if (r < 0)
            return r;
        if (js_put_key(last, "items", TAKE(items)) < 0)
            return err_no_memory(err);
        *ret = (struct kubernetes_answer){.status = status, .body = TAKE(last)};
        return 0;
    }
    return r;
}
