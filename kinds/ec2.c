/*
 * ec2.c: what the kinds of EC2 have in common; see ec2-internal.h.
 *
 * Reads use filters, never the id parameters: one id that is gone would fail the call for all. What is
 * known is looked for by its id, since somebody may have taken its tags away; only what is not known by
 * its tags.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "kinds/ec2-internal.h"
#include "kinds/registry-internal.h"

#define VALUES_AT_ONCE 200 /* in one filter */

/* ---- filters ---- */

static bool add_filter(struct json_object *filters, const char *name, struct json_object *take_values)
{
    struct json_object *filter = params_new("Name", name, NULL);

    params_set(&filter, "Values", take_values);
    if (filter && json_object_array_add(filters, filter) == 0)
        return true;
    json_object_put(filter);
    return false;
}

struct json_object *ec2_filters(const char *name, struct json_object *take_values)
{
    struct json_object *filters = json_object_new_array();

    if (!filters) {
        json_object_put(take_values);
        return NULL;
    }
    if (add_filter(filters, name, take_values))
        return filters;
    json_object_put(filters);
    return NULL;
}

static struct json_object *one_text(const char *text)
{
    struct json_object *array = json_object_new_array();

    if (array && js_add_text(array, text) == 0)
        return array;
    json_object_put(array);
    return NULL;
}

struct json_object *ec2_filter(const char *name, const char *value)
{
    return ec2_filters(name, one_text(value));
}

/* ---- looking ---- */

/** One look at the items of a batch. */
struct search {
    struct kind_batch *batch;
    const struct ec2_look *look;
    struct aws_read *reads;
    size_t count;
    struct json_object *by_id;      /* things */
    struct json_object *by_address; /* arrays of things that carry our tags */
};

static void search_done(struct search *search)
{
    if (search->reads)
        aws_reads_done(search->reads, search->count);
    free(search->reads);
    json_object_put(search->by_id);
    json_object_put(search->by_address);
}

static const char *thing_tag(struct json_object *thing, const char *key)
{
    struct json_object *tags = js_get(thing, "Tags");

    for (size_t i = 0, count = js_count(tags, NULL); i < count; i++) {
        if (str_equal(js_text(js_at(tags, i), "Key"), key))
            return js_text(js_at(tags, i), "Value");
    }
    return NULL;
}

static const char *by_recorded_id(const struct kind_item *item)
{
    return item->id;
}

static const char *by_tags(const struct kind_item *item)
{
    return !item->id || item->intent ? item_tag(item, TAG_ADDRESS) : NULL;
}

/*
 * Values that @value_of gives for the items from *@at on, as many as one call may carry. NULL without
 * memory.
 */
static struct json_object *next_values(const struct kind_batch *batch, size_t *at,
                                       const char *(*value_of)(const struct kind_item *item))
{
    struct json_object *values = json_object_new_array();

    for (; values && *at < batch->count && js_count(values, NULL) < VALUES_AT_ONCE; (*at)++) {
        const char *value = value_of(&batch->items[*at]);

        if (value && !js_has_text(values, value) && js_add_text(values, value) < 0) {
            json_object_put(values);
            return NULL;
        }
    }
    return values;
}

static const char *platform_of(const struct kind_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (item_tag(&batch->items[i], TAG_PLATFORM))
            return item_tag(&batch->items[i], TAG_PLATFORM);
    }
    return NULL;
}

static int add_read(struct search *search, struct json_object *take_filters)
{
    struct json_object *params = params_new(NULL, NULL, NULL);

    params_set(&params, search->look->filters, take_filters);
    if (!params)
        return err_no_memory(search->batch->err);
    search->reads[search->count].op = search->look->operation;
    search->reads[search->count++].params = params;
    return 0;
}

static int add_reads(struct search *search, const char *filter,
                     const char *(*value_of)(const struct kind_item *item), const char *platform)
{
    size_t at = 0;
    int r = 0;

    while (at < search->batch->count && r == 0) {
        struct json_object *values = next_values(search->batch, &at, value_of), *filters;

        if (values && js_count(values, NULL) == 0) {
            json_object_put(values);
            continue;
        }
        filters = values ? ec2_filters(filter, values) : NULL;
        if (filters && platform && !add_filter(filters, "tag:" TAG_PLATFORM, one_text(platform))) {
            json_object_put(filters);
            filters = NULL;
        }
        r = add_read(search, filters);
    }
    return r;
}

static int keep_thing(struct search *search, struct json_object *thing)
{
    const char *id = js_text(thing, search->look->id), *address = thing_tag(thing, TAG_ADDRESS);
    struct json_object *same = NULL;

    if (!id)
        return 0;
    if (js_put_key(search->by_id, id, json_object_get(thing)) < 0)
        return -ENOMEM;
    if (!address || !str_equal(thing_tag(thing, TAG_PLATFORM), platform_of(search->batch)))
        return 0;
    if (!json_object_object_get_ex(search->by_address, address, &same)) {
        same = json_object_new_array();
        if (!same || js_put_key(search->by_address, address, same) < 0)
            return -ENOMEM;
    }
    if (json_object_array_add(same, json_object_get(thing)) == 0)
        return 0;
    json_object_put(thing);
    return -ENOMEM;
}

static int take_answers(struct search *search)
{
    for (size_t i = 0; i < search->count; i++) {
        struct json_object *list = js_get(search->reads[i].answer, search->look->list);

        if (search->reads[i].result < 0) {
            err_move(search->batch->err, &search->reads[i].err);
            return search->batch->err->code;
        }
        for (size_t j = 0, count = js_count(list, NULL); j < count; j++) {
            if (keep_thing(search, js_at(list, j)) < 0)
                return err_no_memory(search->batch->err);
        }
    }
    return 0;
}

static int run_search(struct search *search)
{
    struct kind_batch *batch = search->batch;
    int r;

    search->reads = calloc(2 * (batch->count / VALUES_AT_ONCE + 1), sizeof(*search->reads));
    search->by_id = json_object_new_object();
    search->by_address = json_object_new_object();
    if (!search->reads || !search->by_id || !search->by_address)
        return err_no_memory(batch->err);
    if (!batch->clouds.aws)
        return err_set(batch->err, -EINVAL, ERR_INVALID, "the platform has no aws: section");
    r = add_reads(search, search->look->id_filter, by_recorded_id, NULL);
    if (r == 0 && search->look->key_value)
        r = add_reads(search, search->look->key_filter, search->look->key_value, NULL);
    else if (r == 0 && platform_of(batch))
        r = add_reads(search, "tag:" TAG_ADDRESS, by_tags, platform_of(batch));
    if (r < 0)
        return r;
    r = aws_read_all(batch->clouds.aws, search->reads, search->count, 0);
    if (r < 0)
        return err_set(batch->err, r, r == -ECANCELED ? ERR_CANCELED : ERR_RETRY, "looking was interrupted");
    return take_answers(search);
}

/* Is @a the one to keep of two that carry the tags of one address? */
static bool is_better(const struct ec2_look *look, const char *intent, struct json_object *a,
                      struct json_object *b)
{
    bool a_intended = intent && str_equal(thing_tag(a, TAG_INTENT), intent);
    bool b_intended = intent && str_equal(thing_tag(b, TAG_INTENT), intent);

    if (a_intended != b_intended)
        return a_intended;
    if (look->is_better && look->is_better(a, b) != look->is_better(b, a))
        return look->is_better(a, b);
    return strcmp(js_text(a, look->id), js_text(b, look->id)) < 0;
}

static bool is_gone(const struct ec2_look *look, struct json_object *thing)
{
    return look->is_gone && look->is_gone(thing);
}

/* Borrowed; NULL when there is none. */
static struct json_object *find_by_key(const struct search *search, const struct kind_item *item)
{
    if (item->id && !item->intent)
        return NULL;
    js_each (search->by_id, id, thing) {
        (void)id;
        if (search->look->key_matches(item, thing))
            return thing;
    }
    return NULL;
}

/* Borrowed; NULL when there is none. */
static struct json_object *find_thing(const struct search *search, const struct kind_item *item)
{
    const struct ec2_look *look = search->look;
    struct json_object *thing = NULL, *same = NULL;

    if (item->id && json_object_object_get_ex(search->by_id, item->id, &thing) && !is_gone(look, thing))
        return thing;
    if (look->key_matches)
        return find_by_key(search, item);
    thing = NULL;
    if (by_tags(item))
        json_object_object_get_ex(search->by_address, by_tags(item), &same);
    for (size_t i = 0, count = js_count(same, NULL); i < count; i++) {
        struct json_object *other = js_at(same, i);

        if (!is_gone(look, other) && (!thing || is_better(look, item->intent, other, thing)))
            thing = other;
    }
    return thing;
}

/* Is the very one that we made still listed, as deleted or failed? */
static bool shows_its_end(const struct search *search, const struct kind_item *item)
{
    struct json_object *thing = NULL;

    return item->id && json_object_object_get_ex(search->by_id, item->id, &thing) &&
           is_gone(search->look, thing);
}

static void report_none(const struct search *search, struct kind_item *item)
{
    const struct ec2_look *look = search->look;
    struct err err CLEANUP_ERR = {0};

    if (!item->id && !by_tags(item) && !(look->key_value && look->key_value(item))) {
        (void)err_set(&err, -EINVAL, ERR_BUG, "neither an id nor tags to look for it");
        batch_unknown(item, &err);
    } else {
        item->ended = shows_its_end(search, item);
        item_report_none(item, look->unprotected);
    }
}

int ec2_observe(struct kind_batch *batch, const struct ec2_look *look)
{
    struct search search CLEANUP(search_done) = {.batch = batch, .look = look};
    int r = run_search(&search);

    if (r < 0)
        return r;
    for (size_t i = 0; i < batch->count; i++) {
        struct json_object *thing = find_thing(&search, &batch->items[i]);

        if (thing)
            look->take(batch, &batch->items[i], thing);
        else
            report_none(&search, &batch->items[i]);
    }
    return 0;
}

/* ---- what an answer says ---- */

static void add_arn(struct aws *aws, const struct kind *kind, struct json_object *thing, const char *id,
                    const char *type, struct json_object **document)
{
    const char *owner = js_text(thing, "OwnerId");
    char *arn CLEANUP_FREE = NULL;

    if (!owner || !id || js_text(*document, "arn") || !attribute_find(kind->attributes, "arn"))
        return;
    arn = str_format("arn:%s:ec2:%s:%s:%s/%s", aws_partition(aws), aws_region(aws), owner, type, id);
    params_set(document, "arn", arn ? json_object_new_string(arn) : NULL);
}

struct json_object *ec2_document(struct aws *aws, const struct kind *kind, struct json_object *thing,
                                 const char *id_member, const char *arn_type)
{
    struct json_object *document = json_object_new_object();

    if (document && wire_read(kind, thing, document) < 0) {
        json_object_put(document);
        return NULL;
    }
    params_text(&document, "id", js_text(thing, id_member));
    add_arn(aws, kind, thing, js_text(thing, id_member), arn_type, &document);
    params_set(&document, "tags", tags_from_list(js_get(thing, "Tags"), "Key", "Value"));
    return document;
}

int ec2_created(struct kind_op *op, struct json_object *thing, const char *id_member, const char *arn_type)
{
    struct json_object *document CLEANUP_JS = NULL;
    int r;

    if (!js_text(thing, id_member))
        return op_fail(op, -EBADMSG, ERR_BUG, "an answer without %s", id_member);
    r = op_created(op, js_text(thing, id_member));
    if (r < 0)
        return r;
    document = ec2_document(op->clouds.aws, op->kind, thing, id_member, arn_type);
    if (!document)
        return err_no_memory(op->err);
    for (const struct attribute *row = op->kind->attributes; row->name && r == 0; row++) {
        struct json_object *value = js_get(document, row->name);

        if (value)
            r = op_attribute(op, row->name, json_object_get(value));
    }
    return r;
}

/* ---- tags ---- */

void ec2_tag_at_birth(const struct kind_op *op, struct json_object **params, const char *type)
{
    struct json_object *specification = params_new("ResourceType", type, NULL), *list = NULL;

    params_set(&specification, "Tags", op_tag_list(op, "Key", "Value"));
    list = json_object_new_array();
    if (!specification || !list || json_object_array_add(list, specification) < 0) {
        json_object_put(specification);
        json_object_put(list);
        list = NULL;
    }
    params_set(params, "TagSpecifications", list);
}

int ec2_put_tags(struct kind_op *op, const struct diff *diff)
{
    struct json_object *params = params_new(NULL, NULL, NULL);

    params_set(&params, "Resources", one_text(op->id));
    return op_put_tags(op, diff, AWS_EC2_CREATE_TAGS, params, "Tags");
}

/* ---- writes ---- */

int ec2_send(struct kind_op *op, enum aws_op operation, const char *member, const char *id)
{
    if (!id)
        return op_fail(op, -EINVAL, ERR_BUG, "%s: no id is recorded", aws_operations[operation].name);
    return op_send(op, operation, params_new(member, id, NULL), NULL);
}

/* "eni-1 (ELB app/x), eni-2"; owned; NULL for none. */
static char *holders(struct json_object *interfaces)
{
    struct buf text CLEANUP_BUF = BUF_INIT(8192);

    for (size_t i = 0, count = js_count(interfaces, NULL); i < count; i++) {
        const char *id = js_text(js_at(interfaces, i), "NetworkInterfaceId");
        const char *about = js_text(js_at(interfaces, i), "Description");

        (void)buf_addf(&text, "%s%s", i > 0 ? ", " : "", id ? id : "?"); /* failures show at buf_take */
        if (about && *about)
            (void)buf_addf(&text, " (%s)", about);
    }
    return text.size > 0 ? buf_take(&text) : NULL;
}

int ec2_explain(struct kind_op *op, int result, const char *filter, const char *id)
{
    struct json_object *params = params_new(NULL, NULL, NULL), *answer CLEANUP_JS = NULL;
    struct err refused CLEANUP_ERR = {0};
    char *names CLEANUP_FREE = NULL;

    if (result == 0 || !err_is(op->err, "DependencyViolation")) {
        json_object_put(params);
        return result;
    }
    err_move(&refused, op->err);
    params_set(&params, "Filters", ec2_filter(filter, id));
    if (op_send(op, AWS_EC2_DESCRIBE_NETWORK_INTERFACES, params, &answer) == 0)
        names = holders(js_get(answer, "NetworkInterfaces"));
    err_move(op->err, &refused);
    return names ? err_wrap(op->err, op->err->code, "%s is held by %s", id, names) : op->err->code;
}
