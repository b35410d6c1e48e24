/*
 * fake_cloud.c: see fake_cloud.h.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/aws/aws_error.h"
#include "common/crypto.h"
#include "common/js.h"
#include "fake_cloud.h"

#define WALL_MS 1795368600000ll /* 2026-11-22T17:30:00Z */

/* ---- the test's side ---- */

void fake_cloud_again(struct fake_cloud *cloud, struct json_object *answers)
{
    json_object_put(cloud->log);
    json_object_put(cloud->writes);
    json_object_put(cloud->answers);
    free(cloud->stray);
    cloud->stray = NULL;
    cloud->answers = js_copy(answers); /* its "times" are counted down */
    cloud->log = json_object_new_array();
    cloud->writes = json_object_new_array();
    cloud->calls = 0;
    cloud->gates = 0;
    cloud->write_failed = false;
    assert(cloud->log && cloud->writes);
}

static int serve_http(void *data, const struct http_request *request, struct http_answer *answer,
                      uint64_t *ret_delay_ms);

void fake_cloud_begin(struct fake_cloud *cloud, struct json_object *answers)
{
    *cloud = (struct fake_cloud){.region = "us-east-1", .fail_code = "InternalFailure"};
    assert(crypto_setup() == 0);
    cloud->aws.cloud = cloud;
    cloud->github.cloud = cloud;
    cloud->kubernetes.cloud = cloud;
    clock_virtual_init(&cloud->clock, WALL_MS);
    http_sim_init(&cloud->http, &cloud->clock.clock, serve_http, cloud);
    fibers_init(&cloud->fibers);
    fake_cloud_again(cloud, answers);
}

void fake_cloud_end(struct fake_cloud *cloud)
{
    fibers_close(&cloud->fibers);
    json_object_put(cloud->log);
    json_object_put(cloud->writes);
    json_object_put(cloud->answers);
    free(cloud->stray);
}

struct clouds fake_clouds(struct fake_cloud *cloud)
{
    return (struct clouds){
        .aws = &cloud->aws,
        .github = &cloud->github,
        .kubernetes = &cloud->kubernetes,
        .http = &cloud->http.http,
        .clock = &cloud->clock.clock,
        .fibers = &cloud->fibers,
    };
}

void fake_run(struct fake_cloud *cloud, void (*fn)(void *arg), void *arg)
{
    int r = fiber_spawn(&cloud->fibers, "test", fn, arg, NULL);

    assert(r == 0);
    do {
        fibers_run(&cloud->fibers);
    } while (clock_virtual_step(&cloud->clock));
    assert(cloud->fibers.living == 0);
}

static int let_pass(struct kind_op *op, const char *operation, struct err *err)
{
    struct fake_cloud *cloud = op->host_data;

    (void)operation;
    (void)err;
    cloud->gates++;
    return 0;
}

/* The value of every secret field is its own name. */
static int secret_of_field(struct kind_op *op, const char *field, struct secret **ret, struct err *err)
{
    (void)op;
    *ret = secret_new_text(field);
    return *ret ? 0 : err_no_memory(err);
}

static char *fingerprint(void *host_data, const struct secret *value)
{
    (void)host_data;
    return str_format("fp-%s", secret_text(value)); /* tests must be readable */
}

const struct kind_host fake_host = {
    .before_write = let_pass, .secret = secret_of_field, .fingerprint = fingerprint};

/* ---- matching ---- */

/* Does @whole hold all that is in @part? Arrays must be equal. */
static bool holds(struct json_object *whole, struct json_object *part)
{
    if (!json_object_is_type(part, json_type_object))
        return js_equal(whole, part);
    js_each (part, key, value) {
        struct json_object *other = NULL;

        json_object_object_get_ex(whole, key, &other);
        if (!holds(other, value))
            return false;
    }
    return true;
}

static struct json_object *answer_find(struct fake_cloud *cloud, const char *name, struct json_object *params)
{
    for (size_t i = 0; i < js_count(cloud->answers, NULL); i++) {
        struct json_object *answer = js_at(cloud->answers, i);
        int64_t times = js_int(answer, "times", 1);

        if (!str_equal(js_text(answer, "operation"), name) || times == 0 ||
            (js_get(answer, "params") && !holds(params, js_get(answer, "params"))))
            continue;
        js_set_int(answer, "times", times - 1);
        return answer;
    }
    return NULL;
}

/* An AWS code, a status of GitHub or a reason of a cluster's Status. */
static enum err_class class_of(const char *code)
{
    static const struct {
        const char *code;
        enum err_class class;
    } rows[] = {{"404", ERR_ABSENT},
                {"403", ERR_DENIED},
                {"NotFound", ERR_ABSENT},
                {"Conflict", ERR_CONFLICT},
                {"Invalid", ERR_INVALID}};
    enum err_class class = ERR_INVALID;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (str_equal(rows[i].code, code))
            return rows[i].class;
    }
    (void)aws_error_class(code, &class);
    return class;
}

static int refuse(struct err *err, const char *name, const char *code, const char *message)
{
    (void)err_set(err, -EREMOTEIO, class_of(code), "%s: %s", name, message ? message : code);
    (void)str_set(&err->wire_code, code);
    return -EREMOTEIO;
}

/* null members as the real client drops them */
static struct json_object *call_params(struct json_object *params)
{
    struct json_object *copy = params ? js_copy(params) : json_object_new_object();

    if (json_object_object_get_ex(copy, "Marker", NULL) && !js_get(copy, "Marker"))
        json_object_object_del(copy, "Marker");
    if (json_object_object_get_ex(copy, "KeyMarker", NULL) && !js_get(copy, "KeyMarker"))
        json_object_object_del(copy, "KeyMarker");
    return copy;
}

static void note(struct json_object *log, const char *name, struct json_object *params)
{
    struct json_object *line = json_object_new_object();

    js_put_key(line, name, json_object_get(params));
    json_object_array_add(log, line);
}

/* ---- the client's side ---- */

/* One call to whichever cloud, by its name. */
static int ask(struct fake_cloud *cloud, const char *name, bool write, struct json_object *params,
               struct json_object **ret, struct err *err)
{
    struct json_object *answer;

    if (fiber_sleep(&cloud->clock.clock, 1) < 0) /* a call waits */
        return err_set(err, -ECANCELED, ERR_CANCELED, "%s: canceled", name);
    note(cloud->log, name, params);
    if (write)
        note(cloud->writes, name, params);
    if (++cloud->calls == cloud->fail_at) {
        cloud->write_failed = write;
        return refuse(err, name, cloud->fail_code, NULL);
    }
    answer = answer_find(cloud, name, params);
    if (!answer) {
        if (!cloud->stray)
            cloud->stray = str_format("%s %s", name, json_object_to_json_string(params));
        return refuse(err, name, "InternalFailure", "no answer fits this call");
    }
    if (js_text(answer, "error"))
        return refuse(err, name, js_text(answer, "error"), js_text(answer, "message"));
    if (ret)
        *ret = js_get(answer, "answer") ? js_copy(js_get(answer, "answer")) : json_object_new_object();
    return 0;
}

int aws_call(struct aws *aws, enum aws_op op, struct json_object *params, const char *token,
             struct json_object **ret, struct err *err)
{
    const struct aws_operation *row = &aws_operations[op];
    struct json_object *sent CLEANUP_JS = call_params(params);

    (void)token;
    return ask(aws->cloud, row->name, row->access == AWS_WRITE, sent, ret, err);
}

int aws_call_secret(struct aws *aws, enum aws_op op, struct json_object *params, const char *token,
                    const char *member, const struct secret *value, struct json_object **ret, struct err *err)
{
    struct json_object *copy CLEANUP_JS = call_params(params);

    js_put_key(copy, member, json_object_new_string(secret_text(value)));
    return aws_call(aws, op, copy, token, ret, err);
}

int aws_read_secret(struct aws *aws, enum aws_op op, struct json_object *params, const char *member,
                    struct secret **ret_secret, struct json_object **ret, struct err *err)
{
    struct json_object *answer = NULL;
    int r = aws_call(aws, op, params, NULL, &answer, err);

    if (r < 0)
        return r;
    *ret_secret = js_text(answer, member) ? secret_new_text(js_text(answer, member)) : NULL;
    if (ret)
        *ret = json_object_get(answer);
    json_object_put(answer);
    return 0;
}

int aws_read_all(struct aws *aws, struct aws_read *reads, size_t count, size_t limit)
{
    (void)limit;
    for (size_t i = 0; i < count; i++) {
        assert(aws_operations[reads[i].op].access == AWS_READ);
        reads[i].result = aws_call(aws, reads[i].op, reads[i].params, NULL, &reads[i].answer, &reads[i].err);
    }
    return fiber_canceled() ? -ECANCELED : 0;
}

void aws_reads_done(struct aws_read *reads, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_object_put(reads[i].params);
        json_object_put(reads[i].answer);
        err_done(&reads[i].err);
    }
}

int aws_identity(struct aws *aws, const char **ret_account, const char **ret_arn, struct err *err)
{
    (void)aws;
    (void)err;
    if (ret_account)
        *ret_account = FAKE_ACCOUNT;
    if (ret_arn)
        *ret_arn = "arn:aws:iam::" FAKE_ACCOUNT ":user/test";
    return 0;
}

const char *aws_region(const struct aws *aws)
{
    return aws->cloud->region;
}

const char *aws_partition(const struct aws *aws)
{
    return strncmp(aws->cloud->region, "cn-", 3) == 0 ? "aws-cn" : "aws";
}

int github_call(struct github *github, enum github_op op, struct json_object *params,
                struct github_answer *ret, struct err *err)
{
    const struct github_operation *row = &github_operations[op];
    struct json_object *sent CLEANUP_JS = call_params(params);

    return ask(github->cloud, row->name, row->write, sent, &ret->body, err);
}

int github_put_secret(struct github *github, const char *repository, const char *secret_name,
                      const struct secret *value, struct github_answer *ret, struct err *err)
{
    (void)github;
    (void)repository;
    (void)secret_name;
    (void)value;
    (void)ret;
    return err_set(err, -ENOSYS, ERR_BUG, "not faked");
}

void github_answer_done(struct github_answer *answer)
{
    json_object_put(answer->body);
    *answer = (struct github_answer){0};
}

/* ---- clusters ---- */

/* The body with the secret values beside it; owned. */
static struct json_object *cluster_params(const struct kubernetes_call *call)
{
    struct json_object *params = json_object_new_object();

    if (json_object_is_type(call->body, json_type_array)) {
        js_put_key(params, "patch", js_copy(call->body));
    } else if (call->body) {
        json_object_put(params);
        params = js_copy(call->body);
    }
    for (size_t i = 0; i < call->hidden_count; i++) {
        char *key = str_format("%s/%s", call->hidden[i].path[0], call->hidden[i].path[1]);

        if (!js_get(params, "hidden"))
            js_put_key(params, "hidden", json_object_new_object());
        js_put_key(js_get(params, "hidden"), key, json_object_new_string(secret_text(call->hidden[i].value)));
        free(key);
    }
    return params;
}

/* Values of a Secret, written in clear in the test, as the kind sees them. */
static void put_fingerprints(const struct kubernetes_call *call, struct json_object *object)
{
    struct json_object *data = js_get(object, "data");

    for (size_t i = 0; i < js_count(object, "items"); i++)
        put_fingerprints(call, js_at(js_get(object, "items"), i));
    if (!str_equal(call->object.kind, "Secret") || !data)
        return;
    js_each (data, key, value) {
        struct secret *secret = secret_new_text(json_object_get_string(value));
        char *text = call->fingerprint ? call->fingerprint(call->fingerprint_data, secret) : NULL;
        struct json_object *mark = json_object_new_object();

        js_set_text(mark, "secret", text);
        js_put_key(data, key, mark);
        secret_free(secret);
        free(text);
    }
}

static struct json_object *serve(struct fake_cloud *cloud, const char *name, struct json_object *params,
                                 bool writes, struct err *err)
{
    struct json_object *answer;

    note(cloud->log, name, params);
    if (writes)
        note(cloud->writes, name, params);
    if (++cloud->calls == cloud->fail_at) {
        cloud->write_failed = writes;
        (void)refuse(err, name, cloud->fail_code, NULL);
        return NULL;
    }
    answer = answer_find(cloud, name, params);
    if (answer && !js_text(answer, "error"))
        return answer;
    if (!answer && !cloud->stray)
        cloud->stray = str_format("%s %s", name, json_object_to_json_string(params));
    (void)refuse(err, name, answer ? js_text(answer, "error") : "InternalFailure",
                 answer ? js_text(answer, "message") : "no answer fits this call");
    return NULL;
}

bool kubernetes_writes(enum kubernetes_verb verb)
{
    return verb == KUBERNETES_APPLY || verb == KUBERNETES_PATCH || verb == KUBERNETES_DELETE;
}

char *kubernetes_call_name(const struct kubernetes_call *call)
{
    static const char *const words[KUBERNETES_VERB_MAX] = {
        [KUBERNETES_GET] = "read",        [KUBERNETES_LIST] = "list",   [KUBERNETES_APPLY] = "apply",
        [KUBERNETES_DRY_RUN] = "compare", [KUBERNETES_PATCH] = "patch", [KUBERNETES_DELETE] = "delete",
        [KUBERNETES_CREATE] = "ask",
    };
    const struct kubernetes_object *object = &call->object;

    return str_format("%s %s %s%s%s", words[call->verb], object->kind,
                      object->namespace ? object->namespace : "",
                      object->namespace && object->name ? "/" : "", object->name ? object->name : "");
}

int kubernetes_call(struct kubernetes *kubernetes, const struct kubernetes_call *call,
                    struct kubernetes_answer *ret, struct err *err)
{
    struct fake_cloud *cloud = kubernetes->cloud;
    struct json_object *params CLEANUP_JS = cluster_params(call), *answer;
    char *name CLEANUP_FREE = kubernetes_call_name(call);

    assert(call->cluster.name && call->cluster.endpoint && call->cluster.certificate_authority);
    if (fiber_sleep(&cloud->clock.clock, 1) < 0)
        return err_set(err, -ECANCELED, ERR_CANCELED, "%s: canceled", name);
    answer = serve(cloud, name, params, kubernetes_writes(call->verb), err);
    if (!answer)
        return err->code;
    ret->status = (int)js_int(answer, "status", 200);
    ret->body = js_get(answer, "answer") ? js_copy(js_get(answer, "answer")) : json_object_new_object();
    put_fingerprints(call, ret->body);
    return 0;
}

void kubernetes_answer_done(struct kubernetes_answer *answer)
{
    json_object_put(answer->body);
    *answer = (struct kubernetes_answer){0};
}

/* ---- plain HTTP ---- */

static int serve_http(void *data, const struct http_request *request, struct http_answer *answer,
                      uint64_t *ret_delay_ms)
{
    struct json_object *params CLEANUP_JS = json_object_new_object(), *found;
    char *name CLEANUP_FREE = str_format("%s %s", request->method, request->url);
    struct err err CLEANUP_ERR = {0};
    const char *body;

    if (request->body)
        js_put_key(params, "body", json_object_new_string_len(request->body, (int)request->body_size));
    *ret_delay_ms = 1;
    found = serve(data, name, params, false, &err);
    if (!found)
        return -ECONNREFUSED;
    body = js_text(found, "answer") ? js_text(found, "answer") : "";
    answer->status = (int)js_int(found, "status", 200);
    return http_answer_set_body(answer, body, strlen(body));
}
