/*
 * common_dump.c: small functions of common/ behind a line protocol, for
 * check_common.py.
 *
 * A line on stdin is an operation and its arguments in hex, with a space
 * before each (an empty argument is "-"). The answer is one line: the result in
 * hex ("-" when empty), or "refused".
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto.h"
#include "common/encode.h"
#include "common/js.h"
#include "common/str.h"

#define ARGUMENTS_MAX 4

struct bytes {
    unsigned char *data; /* followed by a NUL */
    size_t size;
};

static const char *text_of(const struct bytes *bytes)
{
    return (const char *)bytes->data;
}

static void print_bytes(const void *data, size_t size)
{
    char *hex CLEANUP_FREE = encode_hex(data, size);

    puts(hex && hex[0] ? hex : "-");
}

static void print_text(const char *text)
{
    if (text)
        print_bytes(text, strlen(text));
    else
        puts("refused");
}

static void do_base64(const struct bytes *a)
{
    char *text CLEANUP_FREE = encode_base64(a[0].data, a[0].size);

    print_text(text);
}

static void do_base64url(const struct bytes *a)
{
    char *text CLEANUP_FREE = encode_base64url(a[0].data, a[0].size);

    print_text(text);
}

static void do_unbase64(const struct bytes *a)
{
    unsigned char *data CLEANUP_FREE = NULL;
    size_t size;

    if (decode_base64(text_of(&a[0]), &data, &size) == 0)
        print_bytes(data, size);
    else
        puts("refused");
}

static void do_percent(const struct bytes *a)
{
    char *text CLEANUP_FREE = encode_percent(text_of(&a[0]), false);

    print_text(text);
}

static void do_percent_slash(const struct bytes *a)
{
    char *text CLEANUP_FREE = encode_percent(text_of(&a[0]), true);

    print_text(text);
}

static void do_unpercent(const struct bytes *a)
{
    char *text CLEANUP_FREE = decode_percent(text_of(&a[0]));

    print_text(text);
}

static void do_sha256(const struct bytes *a)
{
    unsigned char digest[DIGEST_SIZE];

    digest_sha256(a[0].data, a[0].size, digest);
    print_bytes(digest, sizeof(digest));
}

static void do_hmac(const struct bytes *a)
{
    unsigned char digest[DIGEST_SIZE];

    digest_hmac_sha256(a[0].data, a[0].size, a[1].data, a[1].size, digest);
    print_bytes(digest, sizeof(digest));
}

static void do_key_id(const struct bytes *a)
{
    struct seal_key *key = seal_key_new(a[0].data);

    print_text(seal_key_id(key));
    seal_key_free(key);
}

static void do_seal(const struct bytes *a)
{
    struct seal_key *key = seal_key_new(a[0].data);
    unsigned char *sealed CLEANUP_FREE = NULL;
    size_t size;

    if (seal(key, text_of(&a[1]), a[2].data, a[2].size, &sealed, &size) == 0)
        print_bytes(sealed, size);
    else
        puts("refused");
    seal_key_free(key);
}

static void do_unseal(const struct bytes *a)
{
    struct seal_key *key = seal_key_new(a[0].data);
    struct secret *secret CLEANUP_SECRET = NULL;

    if (unseal(key, text_of(&a[1]), a[2].data, a[2].size, &secret, NULL) == 0)
        print_bytes(secret_text(secret), secret_size(secret));
    else
        puts("refused");
    seal_key_free(key);
}

static void do_fingerprint(const struct bytes *a)
{
    struct seal_key *key = seal_key_new(a[0].data);
    char *text CLEANUP_FREE = seal_fingerprint(key, text_of(&a[1]), a[2].data, a[2].size);

    print_text(text);
    seal_key_free(key);
}

static void do_box(const struct bytes *a)
{
    unsigned char *box CLEANUP_FREE = NULL;
    size_t size;

    if (sealed_box(a[0].data, a[1].data, a[1].size, &box, &size) == 0)
        print_bytes(box, size);
    else
        puts("refused");
}

static void do_json(const struct bytes *a)
{
    struct json_object *object CLEANUP_JS = NULL;
    char *text CLEANUP_FREE = NULL;

    if (js_parse(text_of(&a[0]), a[0].size, &object, NULL) == 0)
        text = js_canonical(object);
    print_text(text);
}

static const struct {
    const char *name;
    void (*run)(const struct bytes *arguments);
} operations[] = {
    {"base64", do_base64},
    {"base64url", do_base64url},
    {"unbase64", do_unbase64},
    {"percent", do_percent},
    {"percent/", do_percent_slash},
    {"unpercent", do_unpercent},
    {"sha256", do_sha256},
    {"hmac", do_hmac},
    {"key_id", do_key_id},
    {"seal", do_seal},
    {"unseal", do_unseal},
    {"fingerprint", do_fingerprint},
    {"box", do_box},
    {"json", do_json},
};

static int run(const char *name, const struct bytes *arguments)
{
    for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
        if (str_equal(name, operations[i].name)) {
            operations[i].run(arguments);
            return 0;
        }
    }
    fprintf(stderr, "unknown operation %s\n", name);
    return -1;
}

static int run_line(char *line)
{
    struct bytes arguments[ARGUMENTS_MAX] = {0};
    char *rest = line, *name = strsep(&rest, " \n"), *word;
    size_t count = 0;
    int r;

    while (count < ARGUMENTS_MAX && (word = strsep(&rest, " \n")) && word[0]) {
        size_t length = str_equal(word, "-") ? 0 : strlen(word);
        struct bytes *argument = &arguments[count++];

        argument->data = calloc(1, length / 2 + 1);
        if (!argument->data ||
            sodium_hex2bin(argument->data, length / 2, word, length, NULL, &argument->size, NULL) < 0)
            return -1;
    }
    r = run(name, arguments);
    for (size_t i = 0; i < count; i++)
        free(arguments[i].data);
    return r;
}

int main(void)
{
    char *line CLEANUP_FREE = NULL;
    size_t capacity = 0;

    if (crypto_setup() < 0)
        return EXIT_FAILURE;
    while (getline(&line, &capacity, stdin) > 0) {
        if (run_line(line) < 0)
            return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
