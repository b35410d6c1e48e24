/*
 * tfmatch.c: which declared resource is which thing of a Terraform state?
 *
 * Each pair has a score, or a contradiction: values that can be compared and differ. What refers to something
 * matched is compared by its id, so each match may decide others: after every match all begins anew, with the
 * strongest evidence first.
 */
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "common/str.h"
#include "ctl/tfstate.h"

/* One question over the whole state: shared by the functions below. */
struct matching {
    struct tf_state *state;
    struct tf_declared *declared;
    size_t count;
};

/* What tells, beside natural keys, one of a type from others. */
static const struct {
    const char *type, *names[4];
} tells[] = {
    {"aws_vpc", {"cidr_block"}},          {"aws_subnet", {"vpc_id", "cidr_block", "availability_zone"}},
    {"aws_internet_gateway", {"vpc_id"}}, {"aws_nat_gateway", {"subnet_id", "allocation_id"}},
    {"aws_route_table", {"vpc_id"}},      {"aws_sagemaker_domain", {"domain_name", "vpc_id"}},
};

/* ---- values ---- */

static const struct tf_declared *find_declared(const struct matching *matching, const char *address,
                                               size_t size)
{
    for (size_t i = 0; i < matching->count; i++) {
        const char *other = matching->declared[i].address;

        if (strlen(other) == size && strncmp(other, address, size) == 0)
            return &matching->declared[i];
    }
    return NULL;
}

/** {"unknown": "ADDRESS.ATTR"}: the declared one, and the attribute in *@ret_attribute; NULL = it is none. */
static const struct tf_declared *referred(const struct matching *matching, struct json_object *value,
                                          const char **ret_attribute)
{
    const char *text = js_text(value, "unknown"), *dot = text ? strrchr(text, '.') : NULL;

    if (!dot)
        return NULL;
    *ret_attribute = dot + 1;
    return find_declared(matching, text, (size_t)(dot - text));
}

/** A declared value as text: what it refers to by what was matched. NULL = not known (yet). */
static const char *wanted_text(const struct matching *matching, struct json_object *value)
{
    const char *attribute = NULL;
    const struct tf_declared *other;

    if (json_object_is_type(value, json_type_string))
        return json_object_get_string(value);
    other = referred(matching, value, &attribute);
    if (!other || other->match == TF_NONE)
        return NULL;
    return js_text(matching->state->things[other->match].attributes, attribute);
}

static struct json_object *member(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;

    (void)json_object_object_get_ex(object, name, &value);
    return value;
}

/* ---- evidence ---- */

struct evidence {
    unsigned equal;
    bool contradicts;
};

static const char *without_scheme(const char *text)
{
    return str_starts(text, "https://") ? text + strlen("https://") : text;
}

static void compare(const char *want, const char *have, bool ignore_case, struct evidence *evidence)
{
    bool equal;

    if (!want || !have)
        return;
    equal = ignore_case ? str_equal_nocase(want, have)
                        : str_equal(without_scheme(want), without_scheme(have));
    evidence->equal += equal;
    evidence->contradicts = evidence->contradicts || !equal;
}

/** What Terraform has under that name; the provider for Kubernetes keeps names in "metadata". */
static const char *attribute_text(const struct tf_thing *thing, const char *name)
{
    const char *text = js_text(thing->attributes, name);
    char *path CLEANUP_FREE = text ? NULL : str_format("metadata.0.%s", name);

    return text || !path ? text : js_text(thing->attributes, path);
}

static void weigh(const struct matching *matching, const struct tf_declared *declared,
                  const struct tf_thing *thing, const char *name, struct evidence *evidence)
{
    const struct field *field = field_find(declared->kind->fields, name);
    struct json_object *value = member(declared->document, name);

    for (size_t i = 0; field && field->identity && field->identity[i]; i++)
        compare(wanted_text(matching, js_get(value, field->identity[i])),
                js_text(tf_manifest(thing->attributes), field->identity[i]), false, evidence);
    if (!field || !field->identity)
        compare(wanted_text(matching, value), attribute_text(thing, name),
                field && (field->flags & FIELD_IGNORE_CASE), evidence);
}

static bool same_name_tag(const struct tf_declared *declared, const struct tf_thing *thing)
{
    const char *want = js_text(declared->document, "tags.Name");

    return want && str_equal(want, js_text(thing->attributes, "tags.Name"));
}

/** Does Terraform put this subnet to that route table? */
static bool is_associated(const struct tf_state *state, const char *table, const char *subnet)
{
    struct json_object *resources = js_get(state->tree, "resources");

    for (size_t i = 0; i < js_count(resources, NULL); i++) {
        struct json_object *resource = js_at(resources, i), *instances = js_get(resource, "instances");

        if (!str_equal(js_text(resource, "type"), "aws_route_table_association"))
            continue;
        for (size_t k = 0; k < js_count(instances, NULL); k++) {
            struct json_object *attributes = js_get(js_at(instances, k), "attributes");

            if (str_equal(js_text(attributes, "route_table_id"), table) &&
                str_equal(js_text(attributes, "subnet_id"), subnet))
                return true;
        }
    }
    return false;
}

static unsigned shared_subnets(const struct matching *matching, const struct tf_declared *declared,
                               const struct tf_thing *thing)
{
    struct json_object *subnets = member(declared->document, "subnet_ids");
    unsigned shared = 0;

    if (!str_equal(declared->kind->type, "aws_route_table") || !thing->id)
        return 0;
    for (size_t i = 0; i < js_count(subnets, NULL); i++) {
        const char *subnet = wanted_text(matching, js_at(subnets, i));

        shared += subnet && is_associated(matching->state, thing->id, subnet);
    }
    return shared;
}

static struct evidence evidence_of(const struct matching *matching, const struct tf_declared *declared,
                                   const struct tf_thing *thing)
{
    struct evidence evidence = {0};

    for (const struct field *field = declared->kind->fields; field->name; field++)
        if (field->flags & FIELD_KEY)
            weigh(matching, declared, thing, field->name, &evidence);
    for (size_t i = 0; i < ARRAY_SIZE(tells); i++)
        for (size_t k = 0; str_equal(tells[i].type, declared->kind->type) && tells[i].names[k]; k++)
            weigh(matching, declared, thing, tells[i].names[k], &evidence);
    evidence.equal += same_name_tag(declared, thing);
    evidence.equal += shared_subnets(matching, declared, thing);
    return evidence;
}

/* ---- one best for both ---- */

/** How well do they fit? 0 = not at all. */
typedef unsigned (*score_fn)(const struct matching *matching, const struct tf_declared *declared,
                             const struct tf_thing *thing);

static bool is_open(const struct tf_declared *declared, const struct tf_thing *thing)
{
    return declared->match == TF_NONE && thing->match == TF_NONE && declared->kind == thing->kind &&
           thing->attributes;
}

static unsigned score(const struct matching *matching, score_fn fn, size_t resource, size_t thing)
{
    const struct tf_declared *declared = &matching->declared[resource];
    const struct tf_thing *other = &matching->state->things[thing];

    return is_open(declared, other) && !evidence_of(matching, declared, other).contradicts
               ? fn(matching, declared, other)
               : 0;
}

/** Is no other resource as good for this thing, and no other thing for this resource? */
static bool is_best(const struct matching *matching, score_fn fn, size_t resource, size_t thing)
{
    unsigned best = score(matching, fn, resource, thing);

    for (size_t i = 0; i < matching->count && best > 0; i++)
        if (i != resource && score(matching, fn, i, thing) >= best)
            return false;
    for (size_t i = 0; i < matching->state->count && best > 0; i++)
        if (i != thing && score(matching, fn, resource, i) >= best)
            return false;
    return best > 0;
}

static bool match_by(const struct matching *matching, score_fn fn)
{
    for (size_t i = 0; i < matching->count; i++) {
        for (size_t k = 0; k < matching->state->count; k++) {
            if (!is_best(matching, fn, i, k))
                continue;
            matching->declared[i].match = k;
            matching->state->things[k].match = i;
            return true;
        }
    }
    return false;
}

/* ---- the sorts of evidence, the strongest first ---- */

/** aws_subnet.public["a"] is NAME "public", KEY "a". */
static unsigned by_name(const struct matching *matching, const struct tf_declared *declared,
                        const struct tf_thing *thing)
{
    const char *rest = declared->address + strlen(declared->kind->type) + 1;
    size_t size = strcspn(rest, "[");
    char *key CLEANUP_FREE = thing->key ? str_format("[\"%s\"]", thing->key) : NULL;

    (void)matching;
    return strlen(thing->name) == size && strncmp(rest, thing->name, size) == 0 &&
           str_equal(rest[size] ? rest + size : NULL, key);
}

static unsigned by_address(const struct matching *matching, const struct tf_declared *declared,
                           const struct tf_thing *thing)
{
    return thing->in_module ? 0 : by_name(matching, declared, thing);
}

static unsigned by_evidence(const struct matching *matching, const struct tf_declared *declared,
                            const struct tf_thing *thing)
{
    return evidence_of(matching, declared, thing).equal;
}

/** Something matched refers to the resource, and what it is to the thing: a NAT gateway knows its address. */
static unsigned by_reference(const struct matching *matching, const struct tf_declared *declared,
                             const struct tf_thing *thing)
{
    for (size_t i = 0; i < matching->count; i++) {
        const struct tf_declared *other = &matching->declared[i];
        const char *attribute = NULL;

        if (other->match == TF_NONE || !json_object_is_type(other->document, json_type_object))
            continue;
        js_each (other->document, key, value) {
            struct json_object *attributes = matching->state->things[other->match].attributes;
            const char *seen = js_text(attributes, key);

            if (seen && referred(matching, value, &attribute) == declared &&
                str_equal(seen, js_text(thing->attributes, attribute)))
                return 1;
        }
    }
    return 0;
}

static unsigned by_being_alone(const struct matching *matching, const struct tf_declared *declared,
                               const struct tf_thing *thing)
{
    (void)matching;
    (void)declared;
    (void)thing;
    return 1;
}

static const score_fn score_fns[] = {by_address, by_name, by_reference, by_evidence, by_being_alone};

void tf_match(struct tf_state *state, struct tf_declared *declared, size_t count)
{
    struct matching matching = {.state = state, .declared = declared, .count = count};

    for (size_t i = 0; i < ARRAY_SIZE(score_fns);)
        i = match_by(&matching, score_fns[i]) ? 0 : i + 1;
}

bool tf_possible(const struct tf_state *state, const struct tf_declared *declared, size_t count,
                 size_t resource, size_t thing)
{
    struct matching matching = {
        .state = (struct tf_state *)state, .declared = (struct tf_declared *)declared, .count = count};

    return score(&matching, by_being_alone, resource, thing) > 0;
}
