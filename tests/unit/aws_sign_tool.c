/*
 * aws_sign_tool.c: signs what it reads, for check_aws_signer.py to compare.
 *
 * One JSON object a line: {"mode": "headers"|"query", "method", "host", "path",
 * "query", "headers": ["Name: value"], "body", "service", "region", "time_ms",
 * "id", "secret", "token", "raw_path", "hash_header", "expires", "unsigned"}.
 * Prints one JSON object a line: {"headers": [...]} or {"query": "..."}.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "cloud/aws/sigv4.h"
#include "common/js.h"

static struct secret *optional_secret(struct json_object *line, const char *key)
{
    const char *text = js_text(line, key);

    return text ? secret_new_text(text) : NULL;
}

/* Pointers into @line, NULL-terminated. */
static const char **header_list(struct json_object *line)
{
    struct json_object *list = js_get(line, "headers");
    size_t count = js_count(list, NULL);
    const char **headers = calloc(count + 1, sizeof *headers);

    for (size_t i = 0; headers && i < count; i++)
        headers[i] = json_object_get_string(js_at(list, i));
    return headers;
}

static int print_headers(const struct aws_to_sign *what)
{
    struct json_object *answer CLEANUP_JS = json_object_new_object();
    struct json_object *list = json_object_new_array();
    struct strv headers CLEANUP_HEADERS = {0};
    int r = aws_sign_headers(what, &headers, NULL);

    for (size_t i = 0; i < headers.count; i++)
        js_add_text(list, headers.items[i]);
    js_put_key(answer, "headers", list);
    puts(json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN));
    return r;
}

static int print_query(struct json_object *line, const struct aws_to_sign *what)
{
    struct json_object *answer CLEANUP_JS = json_object_new_object();
    struct secret *query CLEANUP_SECRET = NULL;
    int r = aws_sign_query(what, (uint32_t)js_int(line, "expires", 60), js_bool(line, "unsigned", false),
                           &query, NULL);

    if (r == 0)
        js_set_text(answer, "query", secret_text(query));
    puts(json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN));
    return r;
}

static int sign_line(const char *text, struct aws_key_cache *cache)
{
    struct json_object *line CLEANUP_JS = NULL;
    struct aws_keys keys = {0};
    const char **headers CLEANUP_FREE = NULL;
    struct aws_to_sign what = {.keys = &keys, .cache = cache};
    const char *body;
    int r;

    if (js_parse_text(text, &line, NULL) < 0)
        return -1;
    headers = header_list(line);
    body = js_text(line, "body");
    keys.id = strdup(js_text(line, "id"));
    keys.secret = optional_secret(line, "secret");
    keys.token = optional_secret(line, "token");
    what.method = js_text(line, "method");
    what.host = js_text(line, "host");
    what.path = js_text(line, "path");
    what.query = js_text(line, "query");
    what.headers = headers;
    what.body = body;
    what.body_size = body ? strlen(body) : 0;
    what.service = js_text(line, "service");
    what.region = js_text(line, "region");
    what.time_ms = js_int(line, "time_ms", 0);
    what.raw_path = js_bool(line, "raw_path", false);
    what.hash_header = js_bool(line, "hash_header", false);
    r = strcmp(js_text(line, "mode"), "query") == 0 ? print_query(line, &what) : print_headers(&what);
    aws_keys_done(&keys);
    return r;
}

int main(void)
{
    struct aws_key_cache cache = {0};
    char *text = NULL;
    size_t size = 0;
    int r = 0;

    if (crypto_setup() < 0)
        return 1;
    while (r == 0 && getline(&text, &size, stdin) > 0) {
        text[strcspn(text, "\n")] = '\0';
        r = sign_line(text, &cache);
    }
    free(text);
    aws_key_cache_done(&cache);
    return r == 0 ? 0 : 1;
}
