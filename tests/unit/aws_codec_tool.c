/*
 * aws_codec_tool.c: our codecs on a pipe, for check_aws_codec.py to compare.
 *
 * One JSON object a line: {"do": "table"}, {"do": "encode", "service", "op",
 * "params", "bucket_in_host"}, {"do": "decode" | "error", "service", "op",
 * "status", "headers": [[name, value]], "body"}, {"do": "endpoint", "service",
 * "region", "dual", "fips"}. Prints one JSON object a line.
 *
 * Besides the shipped table it knows some operations of services with the
 * protocols that the table does not use yet, so that these codecs are compared too.
 */
#include <stdio.h>
#include <string.h>

#include "cloud/aws/aws_error.h"
#include "cloud/aws/codec.h"
#include "cloud/aws/endpoint.h"
#include "common/crypto.h"
#include "common/js.h"

static const struct aws_service_info more_services[] = {
    {.id = "rds",
     .env = "RDS",
     .protocol = AWS_QUERY,
     .version = "2014-10-31",
     .host = "rds",
     .signing_name = "rds"},
    {.id = "eks", .env = "EKS", .protocol = AWS_REST_JSON, .host = "eks", .signing_name = "eks"},
};

struct extra {
    const struct aws_service_info *service;
    struct aws_operation operation;
};

static const struct extra extras[] = {
    {&more_services[0],
     {.name = "CreateDBSubnetGroup",
      .access = AWS_WRITE,
      .result = true,
      .shape = "SubnetIds:l(SubnetIdentifier) Tags:l(Tag)",
      .answer = "DBSubnetGroup:s Subnets:l SupportedNetworkTypes:l"}},
    {&more_services[0],
     {.name = "DescribeDBSubnetGroups",
      .result = true,
      .shape = "Filters:l(Filter) Values:l(Value)",
      .answer = "DBSubnetGroups:l Subnets:l SupportedNetworkTypes:l"}},
    {&more_services[1],
     {.name = "CreateCluster", .access = AWS_WRITE, .method = "POST", .path = "/clusters"}},
    {&more_services[1],
     {.name = "DescribeAccessEntry",
      .method = "GET",
      .path = "/clusters/{clusterName}/access-entries/{principalArn}"}},
    {&more_services[1],
     {.name = "UntagResource",
      .access = AWS_WRITE,
      .method = "DELETE",
      .path = "/tags/{resourceArn}",
      .query = "tagKeys"}},
    {&more_services[1],
     {.name = "ListClusters", .method = "GET", .path = "/clusters", .query = "maxResults nextToken include"}},
};

static bool find(struct json_object *line, const struct aws_service_info **ret_service,
                 const struct aws_operation **ret_operation)
{
    const char *service = js_text(line, "service");
    const char *op = js_text(line, "op");

    for (int i = 0; i < AWS_OP_MAX; i++) {
        const struct aws_service_info *info = &aws_services[aws_operations[i].service];

        if (str_equal(info->id, service) && str_equal(aws_operations[i].name, op)) {
            *ret_service = info;
            *ret_operation = &aws_operations[i];
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(extras); i++) {
        if (str_equal(extras[i].service->id, service) && str_equal(extras[i].operation.name, op)) {
            *ret_service = extras[i].service;
            *ret_operation = &extras[i].operation;
            return true;
        }
    }
    return false;
}

/* ---- table ---- */

static struct json_object *row(const struct aws_service_info *service, const struct aws_operation *op,
                               bool shipped)
{
    static const char *const protocols[] = {"query", "ec2", "json", "rest-json", "rest-xml"};
    struct json_object *object = json_object_new_object();

    js_set_text(object, "service", service->id);
    js_set_text(object, "protocol", protocols[service->protocol]);
    js_set_text(object, "version", service->version);
    js_set_text(object, "target", service->target);
    js_set_text(object, "signing_name", service->signing_name);
    js_set_text(object, "env", service->env);
    js_set_text(object, "name", op->name);
    js_set_text(object, "method", op->method);
    js_set_text(object, "path", op->path);
    js_set_text(object, "token", op->token);
    js_set_text(object, "shape", op->shape);
    js_set_text(object, "query", op->query);
    js_set_text(object, "headers", op->headers);
    js_set_text(object, "payload", op->payload);
    js_set_text(object, "answer", op->answer);
    js_set_text(object, "answer_headers", op->answer_headers);
    js_set_text(object, "answer_payload", op->answer_payload);
    js_set_text(object, "answer_root", op->answer_root);
    js_set_text(object, "page_in", op->page_in);
    js_set_text(object, "page_out", op->page_out);
    js_set_text(object, "page_more", op->page_more);
    js_set_text(object, "page_lists", op->page_lists);
    js_set_bool(object, "write", op->access == AWS_WRITE);
    js_set_bool(object, "creates", op->creates);
    js_set_bool(object, "anonymous", op->anonymous);
    js_set_bool(object, "result", op->result);
    js_set_bool(object, "checksum", op->checksum);
    js_set_bool(object, "shipped", shipped);
    return object;
}

static struct json_object *table(void)
{
    struct json_object *answer = json_object_new_object();
    struct json_object *rows = json_object_new_array();

    for (int i = 0; i < AWS_OP_MAX; i++)
        json_object_array_add(rows, row(&aws_services[aws_operations[i].service], &aws_operations[i], true));
    for (size_t i = 0; i < ARRAY_SIZE(extras); i++)
        json_object_array_add(rows, row(extras[i].service, &extras[i].operation, false));
    js_put_key(answer, "rows", rows);
    return answer;
}

/* ---- encode, decode ---- */

static struct json_object *failed(const struct err *err)
{
    struct json_object *answer = json_object_new_object();

    js_set_text(answer, "error", err_text(err));
    js_set_text(answer, "class", err_class_name(err->class));
    js_set_text(answer, "code", err->wire_code);
    js_set_text(answer, "request_id", err->request_id);
    return answer;
}

static struct json_object *encode(struct json_object *line, const struct aws_service_info *service,
                                  const struct aws_operation *op)
{
    struct aws_message message CLEANUP_MESSAGE = {0};
    struct err err CLEANUP_ERR = {0};
    struct json_object *headers = json_object_new_array();
    struct json_object *answer;

    if (aws_encode(service, op, js_get(line, "params"), js_bool(line, "bucket_in_host", false), &message,
                   &err) < 0) {
        json_object_put(headers);
        return failed(&err);
    }
    answer = json_object_new_object();
    js_set_text(answer, "method", message.method);
    js_set_text(answer, "path", buf_text(&message.path));
    js_set_text(answer, "query", buf_text(&message.query));
    js_set_text(answer, "body", buf_text(&message.body));
    for (size_t i = 0; i < message.headers.count; i++)
        js_add_text(headers, message.headers.items[i]);
    js_put_key(answer, "headers", headers);
    return answer;
}

static void answer_fill(struct json_object *line, struct http_answer *ret)
{
    struct json_object *headers = js_get(line, "headers");
    const char *body = js_text(line, "body");

    ret->status = (int)js_int(line, "status", 200);
    ret->body = strdup(body ? body : "");
    ret->body_size = strlen(ret->body);
    ret->headers = calloc(js_count(headers, NULL) + 1, sizeof *ret->headers);
    for (size_t i = 0; i < js_count(headers, NULL); i++) {
        ret->headers[i].name = strdup(json_object_get_string(js_at(js_at(headers, i), 0)));
        ret->headers[i].value = strdup(json_object_get_string(js_at(js_at(headers, i), 1)));
        ret->header_count++;
    }
}

static struct json_object *decode(struct json_object *line, const struct aws_service_info *service,
                                  const struct aws_operation *op, bool as_error)
{
    struct http_answer http CLEANUP_ANSWER = {0};
    struct err err CLEANUP_ERR = {0};
    struct json_object *made = NULL;
    struct json_object *answer;

    answer_fill(line, &http);
    if (as_error) {
        aws_error_read(service, op, &http, "us-east-1", &err);
        return failed(&err);
    }
    if (aws_decode(service, op, &http, &made, &err) < 0)
        return failed(&err);
    answer = json_object_new_object();
    js_put_key(answer, "answer", made);
    return answer;
}

static struct json_object *endpoint(struct json_object *line)
{
    struct aws_endpoint made CLEANUP(aws_endpoint_done) = {0};
    struct err err CLEANUP_ERR = {0};
    struct json_object *answer;

    for (int i = 0; i < AWS_SERVICE_MAX; i++) {
        if (!str_equal(aws_services[i].id, js_text(line, "service")))
            continue;
        if (aws_endpoint_rule(&aws_services[i], js_text(line, "region"), js_bool(line, "dual", false),
                              js_bool(line, "fips", false), &made, &err) < 0)
            return failed(&err);
        answer = json_object_new_object();
        js_put_key(answer, "host", json_object_new_string(made.host));
        js_set_text(answer, "region", made.region);
        return answer;
    }
    return NULL;
}

static struct json_object *run(struct json_object *line)
{
    const struct aws_service_info *service = NULL;
    const struct aws_operation *op = NULL;
    const char *what = js_text(line, "do");

    if (str_equal(what, "table"))
        return table();
    if (str_equal(what, "endpoint"))
        return endpoint(line);
    if (!find(line, &service, &op))
        return NULL;
    if (str_equal(what, "encode"))
        return encode(line, service, op);
    return decode(line, service, op, str_equal(what, "error"));
}

int main(void)
{
    char *text = NULL;
    size_t size = 0;
    int r = 0;

    if (crypto_setup() < 0 || setvbuf(stdout, NULL, _IOLBF, 1u << 16) != 0)
        return 1;
    while (r == 0 && getline(&text, &size, stdin) > 0) {
        struct json_object *line CLEANUP_JS = NULL;
        struct json_object *answer CLEANUP_JS = NULL;

        text[strcspn(text, "\n")] = '\0';
        r = js_parse_text(text, &line, NULL);
        if (r == 0)
            answer = run(line);
        puts(answer ? json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN) : "null");
    }
    free(text);
    return r == 0 ? 0 : 1;
}
