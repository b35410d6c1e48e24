/*
 * aws_ecr_repository_look.c: looking at repositories with the fewest calls.
 *
 * One DescribeRepositories for a hundred of them; when one of them is missing the call fails for all,
 * so then the whole registry is listed and ours are picked. Tags come with those of other kinds, see
 * tagging.c; what does not come that way is asked for with ListTagsForResource. The repository policy has
 * no other read than one call each: it is read in thorough looks, also where none is declared, since one
 * added by hand opens the repository; a lifecycle policy only where one is declared, in every look.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "kinds/aws_ecr_repository-internal.h"
#include "kinds/registry-internal.h"

#define NAMES_AT_ONCE 100
#define PAGE_SIZE     1000

static const char *repository_name(const struct kind_item *item)
{
    return item->id ? item->id : js_text(item->desired, "name");
}

/* ---- all repositories at once ---- */

/** What is known of the registry. */
struct registry {
    struct json_object *repositories; /* by name; owned */
    bool listed;                      /* all of them: what is not in it is not there */
};

static void registry_done(struct registry *registry)
{
    json_object_put(registry->repositories);
}

static int registry_add(struct registry *registry, struct json_object *answer)
{
    struct json_object *list = js_get(answer, "repositories");

    for (size_t i = 0, count = js_count(list, NULL); i < count; i++) {
        struct json_object *repository = js_at(list, i);
        const char *name = js_text(repository, "repositoryName");

        if (name && js_put_key(registry->repositories, name, json_object_get(repository)) < 0)
            return -ENOMEM;
    }
    return 0;
}

static struct json_object *names_params(const struct kind_batch *batch, size_t first)
{
    struct json_object *params = params_new(NULL, NULL, NULL), *names = json_object_new_array();

    for (size_t i = first; names && i < batch->count && i < first + NAMES_AT_ONCE; i++) {
        const char *name = repository_name(&batch->items[i]);

        if (name && js_add_text(names, name) < 0) {
            json_object_put(names);
            names = NULL;
        }
    }
    params_set(&params, "repositoryNames", names);
    return params;
}

static int describe(struct kind_batch *batch, struct registry *registry, struct json_object *take_params)
{
    struct json_object *answer CLEANUP_JS = NULL;
    int r = batch_ask(batch, AWS_ECR_DESCRIBE_REPOSITORIES, take_params, &answer, batch->err);

    if (r < 0)
        return r;
    return registry_add(registry, answer) < 0 ? err_no_memory(batch->err) : 0;
}

static int list_all(struct kind_batch *batch, struct registry *registry)
{
    struct json_object *params = params_new(NULL, NULL, NULL);
    int r;

    params_set(&params, "maxResults", json_object_new_int(PAGE_SIZE));
    r = describe(batch, registry, params);
    if (r == 0)
        registry->listed = true;
    return r;
}

static int find_repositories(struct kind_batch *batch, struct registry *registry)
{
    registry->repositories = json_object_new_object();
    if (!registry->repositories)
        return err_no_memory(batch->err);
    for (size_t first = 0; first < batch->count; first += NAMES_AT_ONCE) {
        int r = describe(batch, registry, names_params(batch, first));

        if (r < 0 && err_is(batch->err, "RepositoryNotFoundException")) {
            err_done(batch->err);
            return list_all(batch, registry);
        }
        if (r < 0)
            return r;
    }
    return 0;
}

static struct json_object *found_repository(const struct registry *registry, const struct kind_item *item)
{
    struct json_object *repository = NULL;
    const char *name = repository_name(item);

    if (name)
        json_object_object_get_ex(registry->repositories, name, &repository);
    return repository;
}

/* ---- one repository ---- */

enum { READ_POLICY, READ_LIFECYCLE, READ_TAGS, READ_MAX };

static const char *const absent_codes[READ_MAX] = {
    [READ_POLICY] = "RepositoryPolicyNotFoundException",
    [READ_LIFECYCLE] = "LifecyclePolicyNotFoundException",
};

/** Reads that are still to be made for one repository. */
struct rest {
    struct aws_read reads[READ_MAX];
    size_t sorts[READ_MAX]; /* READ_POLICY ... of each */
    size_t count;
};

static void rest_add(struct rest *rest, size_t sort, enum aws_op operation, struct json_object *take_params)
{
    rest->sorts[rest->count] = sort;
    rest->reads[rest->count].op = operation;
    rest->reads[rest->count++].params = take_params;
}

static void rest_take(struct rest *rest, size_t i, struct json_object **document)
{
    struct json_object *answer = rest->reads[i].answer;
    const char *text;

    switch (rest->sorts[i]) {
    case READ_POLICY:
        text = js_text(answer, "policyText");
        if (text)
            params_set(document, "policy", wire_policy(text));
        break;
    case READ_LIFECYCLE:
        text = js_text(answer, "lifecyclePolicyText");
        if (text)
            params_set(document, "lifecycle_policy", wire_policy(text));
        break;
    default:
        params_set(document, "tags", tags_from_list(js_get(answer, "tags"), "Key", "Value"));
        break;
    }
}

static int rest_read(struct kind_batch *batch, struct rest *rest, struct err *err)
{
    int r;

    for (size_t i = 0; i < rest->count; i++) {
        if (!rest->reads[i].params)
            return err_no_memory(err);
    }
    r = aws_read_all(batch->clouds.aws, rest->reads, rest->count, 0);
    if (r < 0)
        return err_set(err, r, r == -ECANCELED ? ERR_CANCELED : ERR_RETRY, "reading the policies");
    for (size_t i = 0; i < rest->count; i++) {
        const char *absent = absent_codes[rest->sorts[i]];

        if (rest->reads[i].result == 0 || (absent && err_is(&rest->reads[i].err, absent)))
            continue;
        err_move(err, &rest->reads[i].err);
        /* We have just seen it. */
        if (err->class == ERR_ABSENT)
            err->class = ERR_RETRY;
        return err->code;
    }
    return 0;
}

/* item->observed holds what the lists said; the state is still unknown. */
static void report(struct kind_batch *batch, struct kind_item *item)
{
    struct json_object *document = TAKE(item->observed);
    struct rest rest = {0};
    struct err err CLEANUP_ERR = {0};
    const char *name;

    if (!document)
        return;
    name = js_text(document, "name");
    if (item_may_keep(item))
        item_keep(item, "policy", &document);
    else
        rest_add(&rest, READ_POLICY, AWS_ECR_GET_REPOSITORY_POLICY, params_new("repositoryName", name, NULL));
    if (js_get(item->desired, "lifecycle_policy"))
        rest_add(&rest, READ_LIFECYCLE, AWS_ECR_GET_LIFECYCLE_POLICY,
                 params_new("repositoryName", name, NULL));
    if (!js_get(document, "tags"))
        rest_add(&rest, READ_TAGS, AWS_ECR_LIST_TAGS_FOR_RESOURCE,
                 params_new("resourceArn", js_text(document, "arn"), NULL));
    if (rest_read(batch, &rest, &err) < 0) {
        (void)err_wrap(&err, err.code, "repository %s", name); /* the code stays */
        batch_unknown(item, &err);
        json_object_put(document);
    } else {
        for (size_t i = 0; i < rest.count; i++)
            rest_take(&rest, i, &document);
        batch_present(item, name, document);
    }
    aws_reads_done(rest.reads, rest.count);
}

/* Put what the lists said into the item, or report that it is not there. */
static void begin(struct kind_item *item, const struct registry *registry)
{
    struct json_object *repository = found_repository(registry, item), *document;
    struct err err CLEANUP_ERR = {0};

    item_note_flag(item, "force_delete");
    if (!repository && registry->listed) {
        batch_absent(item);
        return;
    }
    if (!repository) {
        (void)err_set(&err, -EBADMSG, ERR_RETRY, "DescribeRepositories: an answer without repository %s",
                      repository_name(item) ? repository_name(item) : "?");
        batch_unknown(item, &err);
        return;
    }
    document = json_object_new_object();
    if (document && wire_read(&aws_ecr_repository_kind, repository, document) < 0)
        params_set(&document, "name", NULL);
    item->created_wall_ms = answer_time_ms(repository, "createdAt");
    item->observed = document;
}

static const struct tagged_look repository_look = {.arn = "arn", .tags = "tags", .report = report};

int aws_ecr_repository_observe(struct kind_batch *batch)
{
    struct registry registry CLEANUP(registry_done) = {0};
    int r = find_repositories(batch, &registry);

    if (r < 0)
        return r;
    for (size_t i = 0; i < batch->count; i++)
        begin(&batch->items[i], &registry);
    return tagged_observe(batch, &repository_look);
}
