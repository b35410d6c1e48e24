/*
 * fuzz_aws_answer.c: no answer of a service does harm, as an answer or as a
 * refusal; what is taken is an object, and an absence is never guessed.
 *
 * First byte: which operation; second: which status; the rest is the body.
 */
#include <ctype.h>
#include <string.h>

#include "cloud/aws/aws_error.h"
#include "cloud/aws/codec.h"
#include "cloud/aws/credentials.h"
#include "common/utf8.h"
#include "fuzz_main.h"

static void check_line(const struct aws_operation *operation, const struct err *err)
{
    FUZZ_CHECK(err->code < 0);
    FUZZ_CHECK(str_starts(err->text, operation->name));
    FUZZ_CHECK(strlen(err->text) < 800);
    FUZZ_CHECK(utf8_valid(err->text, strlen(err->text), NULL));
    for (const char *c = err->text; *c; c++)
        FUZZ_CHECK(!iscntrl((unsigned char)*c));
}

static void as_refusal(const struct aws_operation *operation, const struct http_answer *answer)
{
    struct err err CLEANUP_ERR = {0};

    aws_error_read(&aws_services[operation->service], operation, answer, "us-east-1", &err);
    check_line(operation, &err);
    if (err.class ==
        ERR_ABSENT) /* only a code may say so: there is no request id here that makes a HEAD believable */
        FUZZ_CHECK(!isdigit((unsigned char)err.wire_code[0]));
}

static void as_answer(const struct aws_operation *operation, const struct http_answer *answer)
{
    struct json_object *made = NULL;
    struct err err CLEANUP_ERR = {0};
    int r = aws_decode(&aws_services[operation->service], operation, answer, &made, &err);

    FUZZ_CHECK((r == 0) == (made != NULL));
    FUZZ_CHECK((r == 0) == (err.code == 0));
    if (made)
        FUZZ_CHECK(json_object_is_type(made, json_type_object));
    json_object_put(made);
}

static void as_keys(const struct http_answer *answer)
{
    struct aws_credentials keys CLEANUP_CREDENTIALS = {0};

    if (aws_metadata_parse(answer->body, answer->body_size, "x", &keys, NULL) == 0)
        FUZZ_CHECK(keys.keys.id && keys.keys.secret && !strpbrk(keys.keys.id, "\r\n"));
    if (aws_process_parse(answer->body, answer->body_size, &keys, NULL) == 0)
        FUZZ_CHECK(keys.keys.id && keys.keys.secret && !strpbrk(keys.keys.id, "\r\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 301, 400, 403, 404, 409, 429, 500, 503};
    const struct aws_operation *operation;
    struct http_answer answer CLEANUP_ANSWER = {0};

    if (size < 2 || crypto_setup() < 0)
        return 0;
    operation = &aws_operations[data[0] % AWS_OP_MAX];
    answer.status = statuses[data[1] % ARRAY_SIZE(statuses)];
    if (http_answer_set_body(&answer, data + 2, size - 2) < 0)
        return 0;
    as_refusal(operation, &answer);
    as_answer(operation, &answer);
    as_keys(&answer);
    return 0;
}
