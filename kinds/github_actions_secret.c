/*
 * github_actions_secret.c: one Actions secret of a repository: its table, its
 * notes, and how it is written and removed. Looking is github_actions_secret_look.c's; why
 * things are as they are is said in github_actions_secret-internal.h.
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/js.h"
#include "kinds/github_actions_secret-internal.h"
#include "kinds/registry-internal.h"

#define APART_MS 2000 /* times have whole seconds: two writes in one look like one */

/* ---- the table ---- */

static bool is_repository(const char *text)
{
    const char *slash = strchr(text, '/');

    return slash && slash > text && slash[1] && !strchr(slash + 1, '/') && !strpbrk(text, " \t\r\n:");
}

static bool is_secret_name(const char *text)
{
    if (!isalpha((unsigned char)text[0]) && text[0] != '_')
        return false;
    for (const char *c = text; *c; c++) {
        if (!isalnum((unsigned char)*c) && *c != '_')
            return false;
    }
    return strncasecmp(text, "GITHUB_", 7) != 0;
}

static const struct field fields[] = {
    {.name = "repository",
     .type = FIELD_STRING,
     .flags = FIELD_REQUIRED | FIELD_KEY | FIELD_IMMUTABLE | FIELD_IGNORE_CASE,
     .accepts = is_repository,
     .pattern = "OWNER/NAME",
     .fallback = "\"${github.repository}\"",
     .doc = "The repository, as OWNER/NAME; the platform's own when left out."},
    {.name = "secret_name",
     .type = FIELD_STRING,
     .flags = FIELD_REQUIRED | FIELD_KEY | FIELD_IMMUTABLE | FIELD_IGNORE_CASE,
     .accepts = is_secret_name,
     .pattern = "letters, digits and _, beginning with no digit and not with GITHUB_",
     .doc = "The name of the secret; GitHub shows it in upper case."},
    {.name = "plaintext_value",
     .type = FIELD_SECRET,
     .flags = FIELD_REQUIRED | FIELD_SECURITY | FIELD_SENSITIVE,
     .doc = "The value; sealed to the repository's public key before it leaves."},
    {0},
};

static const struct attribute attributes[] = {
    {.name = "created_at", .type = FIELD_STRING, .doc = "When the secret was made."},
    {.name = "updated_at", .type = FIELD_STRING, .doc = "When the secret was last written."},
    {0},
};

static void check(struct kind_check *check)
{
    const char *repository = js_text(check->document, "repository");

    if (!repository || !check->platform_repository || has_reference(repository))
        return;
    if (!str_equal_nocase(repository, check->platform_repository))
        check->warning(check, "repository",
                       "%s is not the platform's repository %s: can its token write there?", repository,
                       check->platform_repository);
}

static void normalise(struct json_object *desired, struct json_object *observed)
{
    /* Without memory the spelling stays, which the comparison ignores anyway. */
    (void)secret_put_name(desired, js_text(desired, "secret_name"));
    (void)secret_put_name(observed, js_text(observed, "secret_name"));
}

/* ---- notes and sightings ---- */

struct secret_notes secret_notes_read(struct json_object *memory)
{
    return (struct secret_notes){
        .fp = js_text(memory, "fp"),
        .put_ms = js_int(memory, "put_ms", 0),
        .put_local_ms = js_int(memory, "put_local_ms", 0),
        .prior_ms = js_int(memory, "prior_ms", 0),
        .created_ms = js_int(memory, "created_ms", 0),
        .updated_ms = js_int(memory, "updated_ms", 0),
    };
}

struct json_object *secret_notes_write(const struct secret_notes *notes)
{
    struct json_object *memory = json_object_new_object();

    if (memory && js_set_text(memory, "fp", notes->fp) == 0 &&
        js_set_int(memory, "put_ms", notes->put_ms) == 0 &&
        js_set_int(memory, "put_local_ms", notes->put_local_ms) == 0 &&
        js_set_int(memory, "prior_ms", notes->prior_ms) == 0 &&
        js_set_int(memory, "created_ms", notes->created_ms) == 0 &&
        js_set_int(memory, "updated_ms", notes->updated_ms) == 0)
        return memory;
    json_object_put(memory);
    return NULL;
}

int secret_sighting_read(struct json_object *entry, struct secret_sighting *ret)
{
    struct secret_sighting s = {js_text(entry, "created_at"), js_text(entry, "updated_at"), 0, 0};

    if (!s.created_at || !s.updated_at || clock_parse_time(s.created_at, &s.created_ms) < 0 ||
        clock_parse_time(s.updated_at, &s.updated_ms) < 0)
        return -EBADMSG;
    *ret = s;
    return 0;
}

bool secret_is_our_put(const struct secret_notes *notes, const struct secret_sighting *seen)
{
    return seen->updated_ms > notes->prior_ms && seen->updated_ms >= notes->put_ms - SECRET_GUARD_BEFORE_MS &&
           seen->updated_ms <= notes->put_ms + SECRET_GUARD_AFTER_MS;
}

/* ---- names ---- */

int secret_put_name(struct json_object *document, const char *name)
{
    char *upper CLEANUP_FREE = name ? strdup(name) : NULL;

    if (!upper)
        return name ? -ENOMEM : 0;
    for (char *c = upper; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    return js_set_text(document, "secret_name", upper);
}

char *secret_id(const char *repository, const char *name)
{
    char *id = str_format("%s:%s", repository, name);

    for (char *c = id ? strrchr(id, ':') : NULL; c && *c; c++)
        *c = (char)toupper((unsigned char)*c);
    return id;
}

struct json_object *secret_params(const char *repository, const char *name)
{
    struct json_object *params = json_object_new_object();

    if (params && js_set_text(params, "repository", repository) == 0 &&
        (!name || secret_put_name(params, name) == 0))
        return params;
    json_object_put(params);
    return NULL;
}

/* ---- writing ---- */

/* The newest write known before ours: a read that still shows it is from before our PUT. */
static int64_t last_seen_ms(const struct kind_op *op, const struct secret_notes *before)
{
    const char *text = js_text(op->observed, "updated_at");
    int64_t last_ms = before->updated_ms > before->prior_ms ? before->updated_ms : before->prior_ms;
    int64_t seen_ms;

    if (text && clock_parse_time(text, &seen_ms) == 0 && seen_ms > last_ms)
        return seen_ms;
    return last_ms;
}

/* Two writes within one second can not be told apart afterwards, whoever made the first. */
static int keep_apart(struct kind_op *op, const struct secret_notes *notes)
{
    int64_t seen_ms = last_seen_ms(op, notes);
    int64_t last_ms = seen_ms > notes->put_local_ms ? seen_ms : notes->put_local_ms;
    int64_t since_ms = clock_wall_ms(op->clouds.clock) - last_ms;
    int r;

    if (last_ms == 0 || since_ms < 0 || since_ms >= APART_MS)
        return 0;
    r = op_fail(op, -EAGAIN, ERR_NOT_YET, "written %lld ms ago: two writes must lie 2 s apart",
                (long long)since_ms);
    if (op->err)
        op->err->retry_after_ms = (uint32_t)(APART_MS - since_ms);
    return r;
}

static int remember(struct kind_op *op, const struct secret_notes *notes)
{
    struct json_object *memory = secret_notes_write(notes);

    if (!memory)
        return err_no_memory(op->err);
    op_remember(op, memory);
    return 0;
}

/* The PUT tells no times: read them back. What is not to be seen yet is left to the next looks. May wait. */
static int read_back(struct kind_op *op, struct secret_notes *notes, const char *repository, const char *name)
{
    struct github_answer answer CLEANUP_GITHUB_ANSWER = {0};
    struct json_object *params = secret_params(repository, name);
    struct secret_sighting seen;
    int r;

    r = params ? op_github(op, GITHUB_GET_SECRET, params, &answer) : err_no_memory(op->err);
    if (r == -ECANCELED)
        return r;
    if (r < 0 || secret_sighting_read(answer.body, &seen) < 0 || !secret_is_our_put(notes, &seen)) {
        err_done(op->err); /* the write is done; only its confirmation is open */
        op_settling(op);
        return 0;
    }
    notes->created_ms = seen.created_ms;
    notes->updated_ms = seen.updated_ms;
    r = remember(op, notes);
    if (r == 0)
        r = op_attribute_text(op, "created_at", seen.created_at);
    return r < 0 ? r : op_attribute_text(op, "updated_at", seen.updated_at);
}

/* May wait. */
static int put(struct kind_op *op)
{
    const char *repository = op_text(op, "repository");
    struct json_object *upper CLEANUP_JS = secret_params(repository, op_text(op, "secret_name"));
    const char *name = js_text(upper, "secret_name");
    struct github_answer answer CLEANUP_GITHUB_ANSWER = {0};
    struct secret *value CLEANUP_SECRET = NULL;
    struct secret_notes before = secret_notes_read(op->memory), notes = {0};
    char *id CLEANUP_FREE = NULL;
    char *fp CLEANUP_FREE = NULL;
    int r;

    if (!name)
        return err_no_memory(op->err);
    r = keep_apart(op, &before);
    if (r == 0)
        r = op_secret(op, "plaintext_value", &value);
    if (r < 0)
        return r;
    fp = op->host->fingerprint(op->host_data, value);
    id = secret_id(repository, name);
    if (!fp || !id)
        return err_no_memory(op->err);
    r = op_github_put_secret(op, repository, name, value, &answer);
    if (r < 0)
        return r;
    value = secret_free(value); /* not while we wait again */
    notes.fp = fp;
    notes.put_local_ms = clock_wall_ms(op->clouds.clock);
    notes.put_ms = answer.server_wall_ms ? answer.server_wall_ms : notes.put_local_ms;
    notes.prior_ms = last_seen_ms(op, &before);
    r = op_created(op, id);
    if (r == 0)
        r = remember(op, &notes);
    return r < 0 ? r : read_back(op, &notes, repository, name);
}

static int update(struct kind_op *op, const struct diff *diff)
{
    (void)diff; /* there is one thing to write */
    return put(op);
}

/* Is the repository there to be seen? Then a secret that is not found is gone. May wait. */
static int repository_proof(struct kind_op *op, const char *repository)
{
    struct json_object *params = secret_params(repository, NULL);
    int r;

    r = params ? op_github(op, GITHUB_GET_REPOSITORY, params, NULL) : err_no_memory(op->err);
    if (r == -ENOENT)
        return op_fail(op, -EPERM, ERR_DENIED, "%s does not exist, or the token may not see it", repository);
    return r;
}

static int remove_secret(struct kind_op *op)
{
    const char *colon = op->id ? strrchr(op->id, ':') : NULL;
    char *repository CLEANUP_FREE = colon ? strndup(op->id, (size_t)(colon - op->id)) : NULL;
    struct json_object *params;
    int r;

    if (!colon)
        return op_fail(op, -EINVAL, ERR_BUG, "the id of an Actions secret is OWNER/NAME:SECRET");
    params = repository ? secret_params(repository, colon + 1) : NULL;
    r = params ? op_github(op, GITHUB_DELETE_SECRET, params, NULL) : err_no_memory(op->err);
    return r == -ENOENT ? repository_proof(op, repository) : r;
}

const struct kind github_actions_secret_kind = {
    .type = "github_actions_secret",
    .provider = PROVIDER_GITHUB,
    .flags = KIND_ADOPT_ALWAYS | KIND_INTENT_ON_UPDATE,
    .doc = "A secret that the workflows of a repository may use.",
    .fields = fields,
    .attributes = attributes,
    .pace = {.first_look_ms = 1000,
             .every_ms = 2000,
             .give_up_ms = 70000,
             .grace_ms = SECRET_STALE_MS,
             .usual_ms = 1500},
    .check = check,
    .normalise = normalise,
    .observe = github_actions_secret_observe,
    .create = put,
    .update = update,
    .remove = remove_secret,
};
