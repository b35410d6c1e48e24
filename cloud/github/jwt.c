/*
 * jwt.c: how a GitHub App proves itself: a JSON Web Token (RFC 7519) signed
 * with RS256 by the App's private key. Pure but for the signature; asking
 * GitHub is token.c's.
 *
 * The key is kept as PEM in locked memory and parsed for each signature: that
 * happens about once an hour, and no parsed copy lies around in between.
 */
#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#include "cloud/github/github-internal.h"
#include "common/encode.h"
#include "common/js.h"

#define JWT_BACK_S  60  /* our clock may be ahead of theirs */
#define JWT_AHEAD_S 540 /* ten minutes at most are allowed */
#define PEM_MAX     (64u << 10)

DEFINE_CLEANUP(BIO *, BIO_free_all)
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)

/* Without this OpenSSL asks for the password of an encrypted key on the terminal. */
static int no_password(char *buffer, int size, int writing, void *data)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)data;
    return -1;
}

static int load_key(const struct secret *pem, EVP_PKEY **ret, struct err *err)
{
    BIO *bio CLEANUP(BIO_free_allp) = NULL;
    EVP_PKEY *key CLEANUP(EVP_PKEY_freep) = NULL;

    if (secret_size(pem) > PEM_MAX)
        return err_set(err, -EINVAL, ERR_INVALID, "the App's private key is too long for a PEM file");
    bio = BIO_new_mem_buf(secret_text(pem), (int)secret_size(pem));
    if (!bio)
        return err_no_memory(err);
    key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    ERR_clear_error();
    if (!key)
        return err_set(err, -EINVAL, ERR_INVALID, "the App's private key is no PEM key (without a password)");
    if (!EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_bits(key) < 2048)
        return err_set(err, -EINVAL, ERR_INVALID, "the App's private key is no RSA key of 2048 bits or more");
    *ret = TAKE(key);
    return 0;
}

int app_key_check(const struct secret *pem, struct err *err)
{
    EVP_PKEY *key CLEANUP(EVP_PKEY_freep) = NULL;

    return load_key(pem, &key, err);
}

static int add_claims(struct buf *jwt, const char *app_id, int64_t wall_ms)
{
    struct json_object *claims CLEANUP_JS = json_object_new_object();
    char *text CLEANUP_FREE = NULL;
    char *encoded CLEANUP_FREE = NULL;
    int64_t now_s = wall_ms / 1000;

    if (!claims || js_set_int(claims, "iat", now_s - JWT_BACK_S) < 0 ||
        js_set_int(claims, "exp", now_s + JWT_AHEAD_S) < 0 || js_set_text(claims, "iss", app_id) < 0)
        return -ENOMEM;
    text = js_canonical(claims);
    encoded = text ? encode_base64url(text, strlen(text)) : NULL;
    return encoded ? buf_add_text(jwt, encoded) : -ENOMEM;
}

static int add_signature(struct buf *jwt, EVP_PKEY *key)
{
    EVP_MD_CTX *context CLEANUP(EVP_MD_CTX_freep) = EVP_MD_CTX_new();
    unsigned char *signature CLEANUP_FREE = malloc((size_t)EVP_PKEY_size(key));
    size_t size = (size_t)EVP_PKEY_size(key);
    char *encoded CLEANUP_FREE = NULL;

    if (!context || !signature)
        return -ENOMEM;
    if (EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) != 1 ||
        EVP_DigestSign(context, signature, &size, (const unsigned char *)buf_text(jwt), jwt->size) != 1) {
        ERR_clear_error();
        return -EIO;
    }
    encoded = encode_base64url(signature, size);
    if (!encoded)
        return -ENOMEM;
    buf_add_char(jwt, '.');
    return buf_add_text(jwt, encoded);
}

int app_jwt(const struct secret *pem, const char *app_id, int64_t wall_ms, struct secret **ret,
            struct err *err)
{
    EVP_PKEY *key CLEANUP(EVP_PKEY_freep) = NULL;
    char *header CLEANUP_FREE = NULL;
    struct buf jwt CLEANUP(buf_wipe) = BUF_INIT(16384);
    const char *head = "{\"alg\":\"RS256\",\"typ\":\"JWT\"}";
    struct secret *secret;
    int r;

    r = load_key(pem, &key, err);
    if (r < 0)
        return r;
    header = encode_base64url(head, strlen(head));
    if (!header)
        return err_no_memory(err);
    buf_add_text(&jwt, header);
    buf_add_char(&jwt, '.');
    r = add_claims(&jwt, app_id, wall_ms);
    if (r == 0)
        r = add_signature(&jwt, key);
    if (r == -EIO)
        return err_set(err, r, ERR_BUG, "signing with the App's private key failed");
    secret = r == 0 ? secret_new(jwt.data, jwt.size) : NULL;
    if (!secret)
        return err_no_memory(err);
    *ret = secret;
    return 0;
}
