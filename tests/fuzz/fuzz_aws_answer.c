/*
 * fuzz_aws_answer.c: no answer of a service does harm, as an answer or as a
 * refusal; what is taken is an object, and an absence is never guessed.
 *
 * First line: "SERVICE.OPERATION STATUS"; the rest is the body. A line that says neither still means some operation
 * and status, so that no input is wasted.
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

/* Is @operation what the line begins with? */
static bool is_named(const struct aws_operation *operation, const char *line, size_t size)
{
    char *name CLEANUP_FREE = str_format("%s.%s ", aws_services[operation->service].id, operation->name);

    FUZZ_CHECK(name);
    return size >= strlen(name) && memcmp(line, name, strlen(name)) == 0;
}

static const struct aws_operation *operation_of(const uint8_t *line, size_t size)
{
    for (size_t i = 0; i < AWS_OP_MAX; i++) {
        if (is_named(&aws_operations[i], (const char *)line, size))
            return &aws_operations[i];
    }
    return &aws_operations[line[0] % AWS_OP_MAX];
}

static int status_of(const uint8_t *line, size_t size)
{
    static const int statuses[] = {200, 301, 400, 403, 404, 409, 429, 500, 503};

    for (size_t i = 0; size >= 3 && i < ARRAY_SIZE(statuses); i++) {
        const uint8_t *digits = line + size - 3;

        if ((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + digits[2] - '0' == statuses[i])
            return statuses[i];
    }
    return statuses[line[size - 1] % ARRAY_SIZE(statuses)];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    const struct aws_operation *operation;
    struct http_answer answer CLEANUP_ANSWER = {0};

    if (!end || end == data || crypto_setup() < 0)
        return 0;
    operation = operation_of(data, (size_t)(end - data));
    answer.status = status_of(data, (size_t)(end - data));
    if (http_answer_set_body(&answer, (const char *)end + 1, size - (size_t)(end + 1 - data)) < 0)
        return 0;
    as_refusal(operation, &answer);
    as_answer(operation, &answer);
    as_keys(&answer);
    return 0;
}
