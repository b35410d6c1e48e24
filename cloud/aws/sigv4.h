/*
 * sigv4.h: AWS Signature Version 4, as headers and as a presigned query.
 *
 * Pure but for the cache of derived keys: time, keys and texts are arguments.
 * What is signed is what is given; what is sent is the caller's business.
 */
#ifndef MLOPSD_CLOUD_AWS_SIGV4_H
#define MLOPSD_CLOUD_AWS_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/crypto.h"
#include "common/err.h"
#include "common/str.h"

/** One set of keys. Borrowed where it appears as const. */
struct aws_keys {
    char *id;              /* access key id: public */
    struct secret *secret; /* secret access key */
    struct secret *token;  /* session token, NULL for long-lived keys */
};

/** The last derived key; zeroed at first. Wiped whenever what it stands for changes. */
struct aws_key_cache {
    char date[9];
    char *id, *region, *service;
    struct secret *key;
};
void aws_key_cache_done(struct aws_key_cache *cache);

/** What is signed. All borrowed. */
struct aws_to_sign {
    const char *method;
    const char *host;           /* as sent: lower case, port only where it is not the default */
    const char *path;           /* as sent, "" means "/" */
    const char *query;          /* as sent, without "?"; NULL = none */
    const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
    const void *body;
    size_t body_size;
    const char *service, *region;
    int64_t time_ms; /* the server's time as far as we know it */
    const struct aws_keys *keys;
    struct aws_key_cache *cache; /* may be NULL */
    bool raw_path;               /* S3: sign the path as it is sent, neither tidied nor encoded again */
    bool hash_header;            /* add x-amz-content-sha256 */
};

/**
 * Append to @ret what must be sent besides @what->headers: X-Amz-Date,
 * X-Amz-Security-Token, X-Amz-Content-SHA256, Authorization. Release with
 * aws_headers_wipe(). 0 or -ENOMEM; -EOVERFLOW for a time outside the years 1970 to 9999.
 */
int aws_sign_headers(const struct aws_to_sign *what, struct strv *ret, struct err *err);

/**
 * The query with its signature, without "?": everything of @what->query, then
 * the X-Amz-* parameters, the signature last. @unsigned_payload: for S3.
 */
int aws_sign_query(const struct aws_to_sign *what, uint32_t expires_s, bool unsigned_payload,
                   struct secret **ret, struct err *err);

/** The derived key AWS4 secret -> date ("20150830") -> region -> service. 0 or -ENOMEM. */
int aws_derive_key(const struct secret *secret, const char *date, const char *region, const char *service,
                   unsigned char key[DIGEST_SIZE]);

/** Wipe and release headers that may hold a token. */
void aws_headers_wipe(struct strv *headers);
#define CLEANUP_HEADERS CLEANUP(aws_headers_wipe)

void aws_keys_done(struct aws_keys *keys);

#endif
