/*
 * fuzz_github_link.c: what GitHub (or whoever answers in its place) sends never
 * does harm, and never sends our token anywhere else.
 *
 * The first byte says what the rest is: a Link header, a Location header, an answer that
 * holds a token, or an error's body.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cloud/github/github-internal.h"
#include "common/utf8.h"
#include "fuzz_main.h"

#define BASE "https://api.github.com/repos/o/r"

/* Whatever counts as the same host must, read plainly, be that host. */
static void check_host(const char *url)
{
    const char *rest;

    if (!url_same_host(BASE, url))
        return;
    FUZZ_CHECK(strncasecmp(url, "https://api.github.com", 22) == 0);
    rest = url + 22;
    if (strncmp(rest, ":443", 4) == 0)
        rest += 4;
    else if (strncmp(rest, ":0", 2) == 0) /* leading zeros of 443 */
        rest += strcspn(rest, "/?#");
    FUZZ_CHECK(*rest == '\0' || strchr("/?#", *rest));
    FUZZ_CHECK(!strpbrk(url, " \t\r\n\\"));
}

static void fuzz_location(const char *text)
{
    char *url CLEANUP_FREE = NULL;

    if (url_resolve(BASE, text, &url) < 0) {
        FUZZ_CHECK(!url);
        return;
    }
    FUZZ_CHECK(url);
    check_host(url);
    check_host(text);
}

static void fuzz_link(const char *text)
{
    char *next CLEANUP_FREE = NULL;
    int r = link_next(text, &next);

    FUZZ_CHECK(r == 0 || !next);
    if (next)
        fuzz_location(next);
}

static void fuzz_token(char *text, size_t size)
{
    struct secret *token CLEANUP_SECRET = NULL;

    if (token_cut(text, size, &token) < 0) {
        FUZZ_CHECK(!token);
        return;
    }
    FUZZ_CHECK(secret_size(token) > 0 && secret_size(token) < size);
    for (const char *c = secret_text(token); *c; c++)
        FUZZ_CHECK(*c > ' ' && *c < 0x7f && *c != '\\' && *c != '"');
}

static void fuzz_error(char *text, size_t size, int status)
{
    struct http_header type = {(char *)"content-type", (char *)"application/json"};
    struct http_answer answer = {
        .status = status, .headers = &type, .header_count = 1, .body = text, .body_size = size};
    struct err err CLEANUP_ERR = {0};
    char *message CLEANUP_FREE = answer_message(&answer);

    FUZZ_CHECK(!message || (strlen(message) <= 200 && utf8_valid(message, strlen(message), NULL)));
    FUZZ_CHECK(answer_error(&github_operations[GITHUB_PUT_SECRET], &answer, &err) < 0);
    FUZZ_CHECK(err.code < 0 && err.text && utf8_valid(err.text, strlen(err.text), NULL));
    FUZZ_CHECK(err.class != ERR_ABSENT || (status == 404 && message));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {400, 401, 403, 404, 422, 429, 500};
    static bool ready;
    char *text CLEANUP_FREE = size > 0 ? strndup((const char *)data + 1, size - 1) : NULL;

    if (!ready)
        ready = crypto_setup() == 0;
    if (!text)
        return 0;
    switch (data[0] % 4) {
    case 0:
        fuzz_link(text);
        break;
    case 1:
        fuzz_location(text);
        break;
    case 2:
        fuzz_token(text, strlen(text));
        break;
    default:
        fuzz_error(text, strlen(text), statuses[data[0] / 4 % ARRAY_SIZE(statuses)]);
        break;
    }
    return 0;
}
