/*
 * sigv4.c: see sigv4.h. Three steps: canonical request, text to sign, key chain.
 *
 * Two rules bite: every service but S3 signs a path that is tidied and then
 * percent-encoded once more; and a query parameter without "=" is signed as if it had one.
 */
#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "cloud/aws/sigv4.h"
#include "common/clock.h"
#include "common/encode.h"

#define CANONICAL_MAX (1u << 20) /* bytes of a canonical request: headers and query, not the body */

struct stamp {
    char time[CLOCK_BASIC_SIZE];
    char date[9];
};

static int stamp_make(int64_t time_ms, struct stamp *ret, struct err *err)
{
    if (time_ms < 0 || clock_format_basic(time_ms, ret->time) < 0)
        return err_set(err, -EOVERFLOW, ERR_BUG, "the clock stands outside the years 1970 to 9999");
    memcpy(ret->date, ret->time, 8);
    ret->date[8] = '\0';
    return 0;
}

/* ---- canonical request ---- */

/* Never signed: proxies and curl may change them on the way. */
static bool header_is_signed(const char *name, size_t size)
{
    static const char *const never[] = {
        "authorization",      "connection",          "expect",  "keep-alive",        "te",
        "proxy-authenticate", "proxy-authorization", "trailer", "transfer-encoding", "upgrade",
        "user-agent",         "x-amzn-trace-id"};

    for (size_t i = 0; i < ARRAY_SIZE(never); i++) {
        if (strncasecmp(never[i], name, size) == 0 && never[i][size] == '\0')
            return false;
    }
    return true;
}

/* "name:value" with the name in lower case and runs of blanks as one, in place. What becomes free is wiped. */
static void header_tidy(char *header)
{
    char *end = header + strlen(header);
    char *colon = strchr(header, ':');
    char *to;

    assert(colon && colon > header);
    for (char *c = header; c < colon; c++) {
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + 32);
    }
    to = colon + 1;
    for (const char *c = colon + 1; *c; c++) {
        bool blank = *c == ' ' || (*c >= '\t' && *c <= '\r');

        if (!blank)
            *to++ = *c;
        else if (to[-1] != ' ' && to > colon + 1)
            *to++ = ' ';
    }
    if (to > colon + 1 && to[-1] == ' ')
        to--;
    sodium_memzero(to, (size_t)(end - to));
}

static int header_canonical(const char *header, struct strv *lines)
{
    int r;

    if (!header_is_signed(header, strcspn(header, ":")))
        return 0;
    r = strv_add(lines, header);
    if (r == 0)
        header_tidy(lines->items[lines->count - 1]);
    return r;
}

/* Sort by name alone; strv_sort() would compare the ':' with name characters below it ('-'). */
static int header_name_compare(const void *a, const void *b)
{
    const char *x = *(const char *const *)a;
    const char *y = *(const char *const *)b;
    size_t x_size = strcspn(x, ":");
    size_t y_size = strcspn(y, ":");
    int r = memcmp(x, y, x_size < y_size ? x_size : y_size);

    if (r != 0)
        return r;
    return (x_size > y_size) - (x_size < y_size);
}

static int headers_canonical(const struct aws_to_sign *what, const struct strv *own, struct strv *ret)
{
    int r = strv_addf(ret, "host:%s", what->host);

    if (r == 0)
        header_tidy(ret->items[0]);
    for (const char *const *h = what->headers; r == 0 && h && *h; h++)
        r = header_canonical(*h, ret);
    for (size_t i = 0; r == 0 && i < own->count; i++)
        r = header_canonical(own->items[i], ret);
    if (r == 0)
        qsort(ret->items, ret->count, sizeof *ret->items, header_name_compare);
    return r;
}

/* Does line @i carry the name of the one before it? They are joined then. */
static bool repeats_name(const struct strv *lines, size_t i)
{
    return i > 0 && strncmp(lines->items[i - 1], lines->items[i], strcspn(lines->items[i], ":") + 1) == 0;
}

/* "a;b;c" from the sorted lines, each name once. */
static int signed_names(const struct strv *lines, struct buf *ret)
{
    for (size_t i = 0; i < lines->count; i++) {
        if (repeats_name(lines, i))
            continue;
        if (i > 0)
            buf_add_char(ret, ';');
        buf_add(ret, lines->items[i], strcspn(lines->items[i], ":"));
    }
    return ret->failed;
}

/* Remove "." and "..", and join slashes, as RFC 3986 §5.2.4 with AWS's addition. */
static int path_tidy(const char *path, struct buf *ret)
{
    size_t size = strlen(path);
    bool slash_at_end = size > 0 && path[size - 1] == '/';

    buf_add_char(ret, '/');
    while (*path && !ret->failed) {
        size_t length = strcspn(path, "/");

        if (length == 2 && path[0] == '.' && path[1] == '.') {
            while (ret->size > 1 && ret->data[ret->size - 1] != '/')
                ret->data[--ret->size] = '\0';
            if (ret->size > 1)
                ret->data[--ret->size] = '\0';
        } else if (length > 0 && !(length == 1 && path[0] == '.')) {
            if (ret->size > 1)
                buf_add_char(ret, '/');
            buf_add(ret, path, length);
        }
        path += length;
        path += (*path == '/');
    }
    if (slash_at_end && ret->size > 1)
        buf_add_char(ret, '/');
    return ret->failed;
}

static int path_canonical(const struct aws_to_sign *what, struct buf *ret)
{
    struct buf tidy CLEANUP_BUF = BUF_INIT(CANONICAL_MAX);
    char *encoded CLEANUP_FREE = NULL;
    int r;

    if (what->raw_path)
        return buf_add_text(ret, str_empty(what->path) ? "/" : what->path);
    r = path_tidy(what->path, &tidy);
    if (r < 0)
        return r;
    encoded = encode_percent(buf_text(&tidy), true);
    return encoded ? buf_add_text(ret, encoded) : -ENOMEM;
}

/* Sorted by key, then value; both are already encoded, so bytes decide. */
static int pair_compare(const void *a, const void *b)
{
    const char *x = *(const char *const *)a;
    const char *y = *(const char *const *)b;
    size_t x_size = strcspn(x, "=");
    size_t y_size = strcspn(y, "=");
    int r = memcmp(x, y, x_size < y_size ? x_size : y_size);

    if (r != 0)
        return r;
    if (x_size != y_size)
        return x_size < y_size ? -1 : 1;
    return strcmp(x + x_size, y + y_size);
}

static int query_split(const char *query, struct strv *pairs)
{
    int r = 0;

    while (r == 0 && *query) {
        size_t length = strcspn(query, "&");
        bool whole = memchr(query, '=', length) != NULL;

        r = strv_addf(pairs, "%.*s%s", (int)length, query, whole ? "" : "=");
        query += length;
        query += (*query == '&');
    }
    return r;
}

static int query_canonical(const char *query, struct buf *ret)
{
    struct strv pairs CLEANUP_STRV = {0};
    int r;

    if (str_empty(query))
        return 0;
    r = query_split(query, &pairs);
    if (r < 0)
        return r;
    if (pairs.count > 0)
        qsort(pairs.items, pairs.count, sizeof *pairs.items, pair_compare);
    for (size_t i = 0; i < pairs.count; i++) {
        if (i > 0)
            buf_add_char(ret, '&');
        buf_add_text(ret, pairs.items[i]);
    }
    return ret->failed;
}

/* Join equal names with commas while writing the lines. */
static int lines_write(const struct strv *lines, struct buf *ret)
{
    for (size_t i = 0; i < lines->count; i++) {
        const char *line = lines->items[i];

        if (repeats_name(lines, i)) {
            buf_add_char(ret, ',');
            buf_add_text(ret, strchr(line, ':') + 1);
            continue;
        }
        if (i > 0)
            buf_add_char(ret, '\n');
        buf_add_text(ret, line);
    }
    return buf_add_char(ret, '\n');
}

/* Hex digest of the canonical request. */
static int request_digest(const struct aws_to_sign *what, const char *query, const struct strv *lines,
                          const char *names, const char *payload_hash, char **ret_hex)
{
    struct buf text CLEANUP(buf_wipe) = BUF_INIT(CANONICAL_MAX);
    unsigned char digest[DIGEST_SIZE];
    int r;

    buf_add_text(&text, what->method);
    buf_add_char(&text, '\n');
    r = path_canonical(what, &text);
    if (r < 0)
        return r;
    buf_add_char(&text, '\n');
    r = query_canonical(query, &text);
    if (r < 0)
        return r;
    buf_add_char(&text, '\n');
    lines_write(lines, &text);
    buf_add_char(&text, '\n');
    buf_add_text(&text, names);
    buf_add_char(&text, '\n');
    buf_add_text(&text, payload_hash);
    if (text.failed)
        return text.failed;
    digest_sha256(text.data, text.size, digest);
    *ret_hex = encode_hex(digest, sizeof digest);
    return *ret_hex ? 0 : -ENOMEM;
}

static char *body_hash(const struct aws_to_sign *what)
{
    unsigned char digest[DIGEST_SIZE];

    digest_sha256(what->body_size ? what->body : "", what->body_size, digest);
    return encode_hex(digest, sizeof digest);
}

/* ---- keys ---- */

int aws_derive_key(const struct secret *secret, const char *date, const char *region, const char *service,
                   unsigned char key[DIGEST_SIZE])
{
    size_t size = secret_size(secret);
    struct buf seed CLEANUP(buf_wipe) = BUF_INIT(size + 8);

    buf_add_text(&seed, "AWS4");
    buf_add(&seed, secret_text(secret), size);
    if (seed.failed)
        return -ENOMEM;
    digest_hmac_sha256(seed.data, seed.size, date, strlen(date), key);
    digest_hmac_sha256(key, DIGEST_SIZE, region, strlen(region), key);
    digest_hmac_sha256(key, DIGEST_SIZE, service, strlen(service), key);
    digest_hmac_sha256(key, DIGEST_SIZE, "aws4_request", strlen("aws4_request"), key);
    return 0;
}

void aws_key_cache_done(struct aws_key_cache *cache)
{
    free(cache->id);
    free(cache->region);
    free(cache->service);
    secret_free(cache->key);
    *cache = (struct aws_key_cache){0};
}

static bool cache_fits(const struct aws_key_cache *cache, const struct aws_to_sign *what, const char *date)
{
    return cache->key && strcmp(cache->date, date) == 0 && str_equal(cache->id, what->keys->id) &&
           str_equal(cache->region, what->region) && str_equal(cache->service, what->service);
}

static void cache_keep(struct aws_key_cache *cache, const struct aws_to_sign *what, const char *date,
                       const unsigned char key[DIGEST_SIZE])
{
    aws_key_cache_done(cache);
    memcpy(cache->date, date, sizeof cache->date);
    cache->key = secret_new(key, DIGEST_SIZE);
    if (!cache->key || str_set(&cache->id, what->keys->id) < 0 || str_set(&cache->region, what->region) < 0 ||
        str_set(&cache->service, what->service) < 0)
        aws_key_cache_done(cache); /* a cache is a comfort: derive again next time */
}

static int signing_key(const struct aws_to_sign *what, const char *date, unsigned char key[DIGEST_SIZE])
{
    int r;

    if (what->cache && cache_fits(what->cache, what, date)) {
        memcpy(key, secret_text(what->cache->key), DIGEST_SIZE);
        return 0;
    }
    r = aws_derive_key(what->keys->secret, date, what->region, what->service, key);
    if (r == 0 && what->cache)
        cache_keep(what->cache, what, date, key);
    return r;
}

/* Hex signature over the digest of the canonical request. */
static char *signature(const struct aws_to_sign *what, const struct stamp *stamp, const char *request_hex)
{
    unsigned char key[DIGEST_SIZE];
    unsigned char digest[DIGEST_SIZE];
    char *text CLEANUP_FREE = str_format("AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n%s", stamp->time,
                                         stamp->date, what->region, what->service, request_hex);

    if (!text || signing_key(what, stamp->date, key) < 0)
        return NULL;
    digest_hmac_sha256(key, sizeof key, text, strlen(text), digest);
    sodium_memzero(key, sizeof key);
    return encode_hex(digest, sizeof digest);
}

/* ---- header form ---- */

static int own_headers(const struct aws_to_sign *what, const struct stamp *stamp, const char *hash,
                       struct strv *ret)
{
    int r = strv_addf(ret, "X-Amz-Date: %s", stamp->time);

    if (r == 0 && what->keys->token)
        r = strv_addf(ret, "X-Amz-Security-Token: %s", secret_text(what->keys->token));
    if (r == 0 && what->hash_header)
        r = strv_addf(ret, "X-Amz-Content-SHA256: %s", hash);
    return r;
}

static int sign_headers(const struct aws_to_sign *what, const struct stamp *stamp, struct strv *ret)
{
    struct strv lines CLEANUP_HEADERS = {0};
    struct buf names CLEANUP_BUF = BUF_INIT(CANONICAL_MAX);
    char *hash CLEANUP_FREE = body_hash(what);
    char *request CLEANUP_FREE = NULL;
    char *hex CLEANUP_FREE = NULL;
    int r;

    if (!hash)
        return -ENOMEM;
    r = own_headers(what, stamp, hash, ret);
    if (r == 0)
        r = headers_canonical(what, ret, &lines);
    if (r == 0)
        r = signed_names(&lines, &names);
    if (r == 0)
        r = request_digest(what, what->query, &lines, buf_text(&names), hash, &request);
    if (r < 0)
        return r;
    hex = signature(what, stamp, request);
    if (!hex)
        return -ENOMEM;
    return strv_addf(ret,
                     "Authorization: AWS4-HMAC-SHA256 Credential=%s/%s/%s/%s/aws4_request, "
                     "SignedHeaders=%s, Signature=%s",
                     what->keys->id, stamp->date, what->region, what->service, buf_text(&names), hex);
}

int aws_sign_headers(const struct aws_to_sign *what, struct strv *ret, struct err *err)
{
    struct strv made CLEANUP_HEADERS = {0};
    struct stamp stamp;
    int r = stamp_make(what->time_ms, &stamp, err);

    if (r < 0)
        return r;
    r = sign_headers(what, &stamp, &made);
    for (size_t i = 0; r == 0 && i < made.count; i++)
        r = strv_add(ret, made.items[i]);
    if (r == -EMSGSIZE)
        return err_set(err, r, ERR_LIMIT, "request too long to be signed");
    return r < 0 ? err_no_memory(err) : 0;
}

/* ---- query form ---- */

/* "KEY=encoded value" with "&" before it when something is there already. */
static int query_add(struct buf *query, const char *key, const char *value)
{
    char *encoded = encode_percent(value, false);
    int r;

    if (!encoded)
        return -ENOMEM;
    r = buf_addf(query, "%s%s=%s", query->size ? "&" : "", key, encoded);
    sodium_memzero(encoded, strlen(encoded));
    free(encoded);
    return r;
}

static int query_parameters(const struct aws_to_sign *what, const struct stamp *stamp, uint32_t expires_s,
                            const char *names, struct buf *query)
{
    char *scope CLEANUP_FREE = str_format("%s/%s/%s/%s/aws4_request", what->keys->id, stamp->date,
                                          what->region, what->service);
    char *expires CLEANUP_FREE = str_format("%u", (unsigned)expires_s);
    int r;

    if (!scope || !expires)
        return -ENOMEM;
    r = query_add(query, "X-Amz-Algorithm", "AWS4-HMAC-SHA256");
    if (r == 0)
        r = query_add(query, "X-Amz-Credential", scope);
    if (r == 0)
        r = query_add(query, "X-Amz-Date", stamp->time);
    if (r == 0)
        r = query_add(query, "X-Amz-Expires", expires);
    if (r == 0)
        r = query_add(query, "X-Amz-SignedHeaders", names);
    if (r == 0 && what->keys->token)
        r = query_add(query, "X-Amz-Security-Token", secret_text(what->keys->token));
    return r;
}

static int sign_query(const struct aws_to_sign *what, const struct stamp *stamp, uint32_t expires_s,
                      bool unsigned_payload, struct buf *query)
{
    static const struct strv none = {0};
    struct strv lines CLEANUP_HEADERS = {0};
    struct buf names CLEANUP_BUF = BUF_INIT(CANONICAL_MAX);
    char *hash CLEANUP_FREE = body_hash(what);
    char *request CLEANUP_FREE = NULL;
    char *hex CLEANUP_FREE = NULL;
    int r;

    if (!hash)
        return -ENOMEM;
    r = headers_canonical(what, &none, &lines);
    if (r == 0)
        r = signed_names(&lines, &names);
    if (r == 0 && !str_empty(what->query))
        r = buf_add_text(query, what->query);
    if (r == 0)
        r = query_parameters(what, stamp, expires_s, buf_text(&names), query);
    if (r == 0)
        r = request_digest(what, buf_text(query), &lines, buf_text(&names),
                           unsigned_payload ? "UNSIGNED-PAYLOAD" : hash, &request);
    if (r < 0)
        return r;
    hex = signature(what, stamp, request);
    return hex ? buf_addf(query, "&X-Amz-Signature=%s", hex) : -ENOMEM;
}

int aws_sign_query(const struct aws_to_sign *what, uint32_t expires_s, bool unsigned_payload,
                   struct secret **ret, struct err *err)
{
    struct buf query CLEANUP(buf_wipe) = BUF_INIT(CANONICAL_MAX);
    struct secret *made;
    struct stamp stamp;
    int r = stamp_make(what->time_ms, &stamp, err);

    if (r < 0)
        return r;
    r = sign_query(what, &stamp, expires_s, unsigned_payload, &query);
    if (r == -EMSGSIZE)
        return err_set(err, r, ERR_LIMIT, "request too long to be signed");
    made = r == 0 ? secret_new(query.data, query.size) : NULL;
    if (!made)
        return err_no_memory(err);
    *ret = made;
    return 0;
}

/* ---- releasing ---- */

void aws_headers_wipe(struct strv *headers)
{
    for (size_t i = 0; i < headers->count; i++)
        sodium_memzero(headers->items[i], strlen(headers->items[i]));
    strv_done(headers);
}

void aws_keys_done(struct aws_keys *keys)
{
    free(keys->id);
    secret_free(keys->secret);
    secret_free(keys->token);
    *keys = (struct aws_keys){0};
}
