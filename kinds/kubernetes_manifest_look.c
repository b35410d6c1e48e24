/*
 * kubernetes_manifest_look.c: looking at objects of a cluster.
 *
 * A quiet look is one read. An object that is as it was when it was last in order (its version, and what we want)
 * is in order. Else the server is asked what an apply would make of it, and that is compared with what is there:
 *
 *   same version, same manifest -> in order
 *   values not known yet        -> compared as it is written; proves nothing
 *   dry run: 200                -> what it would make of it against what is there
 *            409                -> the conflicts say which fields, and who took them
 *            invalid            -> compared as it is written: the update will say why
 *            else               -> unknown
 */
#include <errno.h>
#include <string.h>

#include "common/crypto.h"
#include "common/js.h"
#include "kinds/diff-internal.h"
#include "kinds/manifest-internal.h"
#include "kinds/registry-internal.h"

/* One object under the eyes. */
struct sight {
    struct kind_batch *batch;
    struct kind_item *item;
    const struct target *target;
    struct json_object *live;
    struct json_object *manifest; /* desired */
    char *digest;                 /* of what is wanted */
    bool confirmed;               /* the server itself was asked */
};

/* ---- notes ---- */

static char *digest_of(struct json_object *desired)
{
    struct json_object *body CLEANUP_JS = manifest_body(desired, NULL);
    char *text CLEANUP_FREE = body ? js_canonical(body) : NULL;

    return text ? digest_text(text) : NULL;
}

static bool is_noted(const struct sight *sight)
{
    struct json_object *memory = sight->item->memory;

    return str_equal(js_text(memory, "digest"), sight->digest) && js_text(memory, "version") &&
           str_equal(js_text(memory, "version"), js_text(sight->live, "metadata.resourceVersion"));
}

/* @in_order: as it is now nothing needs to be asked again. */
static void note(const struct sight *sight, bool in_order)
{
    struct json_object *memory = json_object_new_object();

    if (!memory || target_note(memory, sight->target) < 0 ||
        (in_order &&
         (js_set_text(memory, "digest", sight->digest) < 0 ||
          js_set_text(memory, "version", js_text(sight->live, "metadata.resourceVersion")) < 0))) {
        json_object_put(memory); /* not noted: asked again */
        return;
    }
    json_object_put(sight->item->ret_memory);
    sight->item->ret_memory = memory;
}

/* ---- comparing ---- */

static struct json_object *shape(const struct sight *sight, struct json_object *wished,
                                 struct json_object *causes, struct json_object *by)
{
    struct seen seen = {
        .desired = sight->manifest, .wished = wished, .live = sight->live, .causes = causes, .by = by};

    return manifest_seen(&seen);
}

/* What is there, compared as it is written. Owned. */
static struct json_object *shape_unasked(const struct sight *sight, struct json_object *by)
{
    sight->item->unconfirmed = true;
    return shape(sight, sight->manifest, NULL, by);
}

/* 0 with *ret_seen owned; negative with @err when it can not be told. May wait. */
static int ask_server(struct sight *sight, struct json_object *extra, struct json_object *by,
                      struct json_object **ret_seen, struct err *err)
{
    struct json_object *marks CLEANUP_JS = marks_read(sight->live), *body CLEANUP_JS = NULL;
    struct kubernetes_answer answer CLEANUP_KUBERNETES_ANSWER = {0};
    int r;

    body = manifest_body(sight->item->desired, tag_value(marks, TAG_INTENT));
    if (!marks || !body)
        return err_no_memory(err);
    r = cluster_ask(sight->batch, KUBERNETES_DRY_RUN, sight->target, body, &answer, err);
    if (r < 0 && err->class != ERR_INVALID)
        return r;
    if (r < 0) {
        err_done(err);
        *ret_seen = shape_unasked(sight, by);
    } else if (answer.status == 409) {
        *ret_seen = shape(sight, sight->manifest, js_get(answer.body, "details.causes"), by);
    } else {
        sight->confirmed = true;
        *ret_seen = shape(sight, answer.body, NULL, by);
        if (!str_equal(js_text(sight->item->memory, "digest"), sight->digest) &&
            manifest_leftovers(sight->manifest, answer.body, sight->live, extra) < 0)
            return err_no_memory(err);
    }
    return *ret_seen ? 0 : err_no_memory(err);
}

/* Is it the object under its old name, which is to be replaced? */
static bool is_elsewhere(const struct sight *sight)
{
    struct target wanted = manifest_target(sight->item->desired);
    char *here CLEANUP_FREE = target_id(sight->target), *there CLEANUP_FREE = target_id(&wanted);

    return !str_equal(here, there) || !str_equal(sight->target->cluster.name, wanted.cluster.name);
}

static int compare(struct sight *sight, struct json_object *extra, struct json_object *by,
                   struct json_object **ret_seen, struct err *err)
{
    bool elsewhere = is_elsewhere(sight);
    int r;

    if (elsewhere || diff_has_unknown(sight->manifest)) {
        /* It is to be replaced, or part of what is wanted is not known: the server can not be asked. */
        *ret_seen = shape_unasked(sight, by);
        r = *ret_seen ? 0 : err_no_memory(err);
        sight->item->unconfirmed = !elsewhere;
    } else {
        r = ask_server(sight, extra, by, ret_seen, err);
    }
    if (r < 0)
        return r;
    return manifest_extras(sight->manifest, sight->live, extra, by, NULL) < 0 ? err_no_memory(err) : 0;
}

/* Beside the document, only what is there. 0 or -ENOMEM. */
static int put_filled(struct json_object *document, const char *key, struct json_object *take_object)
{
    if (json_object_object_length(take_object) > 0)
        return js_put_key(document, key, take_object);
    json_object_put(take_object);
    return 0;
}

/* The manifest as it is there; owned; NULL with @err. May wait. */
static struct json_object *seen_manifest(struct sight *sight, struct err *err)
{
    struct json_object *extra = json_object_new_object(), *by = json_object_new_object(), *seen = NULL;
    bool in_order;
    int r = extra && by ? compare(sight, extra, by, &seen, err) : err_no_memory(err);

    if (r < 0) {
        json_object_put(extra);
        json_object_put(by);
        json_object_put(seen);
        return NULL;
    }
    in_order = sight->confirmed && json_object_object_length(extra) == 0 && js_equal(seen, sight->manifest);
    note(sight, in_order);
    r = put_filled(seen, DOCUMENT_EXTRA, extra);
    if (put_filled(seen, DOCUMENT_BY, by) < 0 || r < 0) {
        (void)err_no_memory(err);
        json_object_put(seen);
        return NULL;
    }
    return seen;
}

/* ---- reporting ---- */

static int add_attributes(const struct sight *sight, struct json_object *observed)
{
    const char *hostname = js_text(sight->live, "status.loadBalancer.ingress.0.hostname");
    int r = cluster_report(observed, sight->item, sight->target, sight->live);

    if (r == 0)
        r = js_set_int(observed, "generation", js_int(sight->live, "metadata.generation", 0));
    return r == 0 && hostname ? js_set_text(observed, "load_balancer_hostname", hostname) : r;
}

/* A mark that is gone, or another's: no rollout is waited for before that is put right. */
static bool is_as_wanted(const struct sight *sight, struct json_object *observed)
{
    struct json_object *tags = js_get(observed, "tags");

    js_each (js_get(sight->item->desired, "tags"), key, value) {
        struct json_object *seen = NULL;

        if (!json_object_object_get_ex(tags, key, &seen) || !js_equal(seen, value))
            return false;
    }
    return js_equal(js_get(observed, "manifest"), sight->manifest);
}

static void report(const struct sight *sight, struct json_object *take_observed)
{
    char *id CLEANUP_FREE = target_id(sight->target);
    char *status CLEANUP_FREE = deletion_words(sight->live);
    struct err err CLEANUP_ERR = {0};

    if (!id) {
        (void)err_no_memory(&err);
        json_object_put(take_observed);
        batch_unknown(sight->item, &err);
        return;
    }
    if (!status && is_as_wanted(sight, take_observed))
        status = manifest_waiting(sight->batch, sight->item->desired, sight->target, sight->live);
    sight->item->created_wall_ms = answer_time_ms(sight->live, "metadata.creationTimestamp");
    if (status)
        batch_settling(sight->item, id, take_observed, status);
    else
        batch_present(sight->item, id, take_observed);
}

static int look_closely(struct sight *sight, struct json_object *observed, struct err *err)
{
    struct json_object *seen;

    sight->digest = digest_of(sight->item->desired);
    if (!sight->digest)
        return err_no_memory(err);
    if (is_noted(sight) || js_text(sight->live, "metadata.deletionTimestamp"))
        seen = js_copy(sight->manifest);
    else if (!(seen = seen_manifest(sight, err)))
        return err->code;
    if (!seen || js_put_key(observed, "manifest", seen) < 0 || add_attributes(sight, observed) < 0)
        return err_no_memory(err);
    return 0;
}

static void take(struct kind_batch *batch, struct kind_item *item, const struct target *target,
                 struct json_object *live)
{
    struct sight sight = {.batch = batch,
                          .item = item,
                          .target = target,
                          .live = live,
                          .manifest = js_get(item->desired, "manifest")};
    struct json_object *observed CLEANUP_JS = json_object_new_object();
    struct err err CLEANUP_ERR = {0};
    int r = observed ? look_closely(&sight, observed, &err) : err_no_memory(&err);

    free(sight.digest);
    if (r < 0)
        batch_unknown(item, &err);
    else
        report(&sight, TAKE(observed));
}

static void look_at(struct kind_batch *batch, struct kind_item *item)
{
    static const struct cluster_look look = {.target = manifest_target, .take = take};

    cluster_look_at(batch, item, &look);
}

int kubernetes_manifest_observe(struct kind_batch *batch)
{
    return batch_each(batch, CLUSTER_AT_ONCE, look_at);
}
