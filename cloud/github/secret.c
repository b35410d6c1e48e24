/*
 * secret.c: one Actions secret on its way to GitHub: its name and size
 * checked, sealed to the repository's public key, put.
 *
 * The key is read once per repository and kept for five minutes. All of it happens in the lane: eleven
 * secrets at once read one key. A 422 says that the key is no longer the one GitHub holds (or that the
 * name is bad): the key is read anew and the PUT repeated, once.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "cloud/github/github-internal.h"
#include "common/encode.h"
#include "common/js.h"

#define SECRET_MAX (48u << 10)

static int check_secret(const char *name, const struct secret *value, struct err *err)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    size_t size = strlen(name);

    if (size == 0 || !strchr(letters, name[0]) ||
        strspn(name, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_") != size ||
        strncasecmp(name, "GITHUB_", 7) == 0)
        return err_set(
            err, -EINVAL, ERR_INVALID,
            "a secret's name has letters, digits and _, begins with no digit and not with GITHUB_");
    if (secret_size(value) > SECRET_MAX)
        return err_set(err, -EINVAL, ERR_INVALID, "secret %s has %zu bytes; GitHub takes %u", name,
                       secret_size(value), SECRET_MAX);
    return 0;
}

/* ---- the public key ---- */

static struct public_key *find_key(struct github *github, const char *repository)
{
    uint64_t now_ms = clock_monotonic_ms(github->clock);

    for (size_t i = 0; i < PUBLIC_KEYS_MAX; i++) {
        struct public_key *key = &github->keys[i];

        if (str_equal_nocase(key->repository, repository) && now_ms - key->read_at_ms < PUBLIC_KEY_AGE_MS)
            return key;
    }
    return NULL;
}

static void forget_key(struct public_key *key)
{
    free(key->repository);
    free(key->key_id);
    *key = (struct public_key){0};
}

/* The place of this repository, a free one, or the oldest. */
static struct public_key *key_place(struct github *github, const char *repository)
{
    struct public_key *place = &github->keys[0];

    for (size_t i = 0; i < PUBLIC_KEYS_MAX; i++) {
        struct public_key *key = &github->keys[i];

        if (str_equal_nocase(key->repository, repository))
            return key;
        if (place->repository && (!key->repository || key->read_at_ms < place->read_at_ms))
            place = key;
    }
    return place;
}

static int keep_key(struct github *github, const char *repository, struct json_object *answer,
                    struct public_key **ret, struct err *err)
{
    const char *id = js_text(answer, "key_id");
    const char *text = js_text(answer, "key");
    unsigned char *bytes CLEANUP_FREE = NULL;
    struct public_key *place;
    size_t size;
    int r;

    r = id && text ? decode_base64(text, &bytes, &size) : -EINVAL;
    if (r == -ENOMEM)
        return err_no_memory(err);
    if (r < 0 || size != sizeof(place->key))
        return err_set(err, -EBADMSG, ERR_BUG, "GET public key: the answer holds no key of %zu bytes",
                       sizeof(place->key));
    place = key_place(github, repository);
    forget_key(place);
    if (str_set(&place->repository, repository) < 0 || str_set(&place->key_id, id) < 0) {
        forget_key(place);
        return err_no_memory(err);
    }
    memcpy(place->key, bytes, sizeof(place->key));
    place->read_at_ms = clock_monotonic_ms(github->clock);
    *ret = place;
    return 0;
}

/* A 404 here is about the repository. Nobody may take it for the absence of the secret. */
static int hidden(int r, struct err *err)
{
    if (r != -ENOENT)
        return r;
    if (err) {
        err->code = -EPERM;
        err->class = ERR_DENIED;
    }
    return err_wrap(err, -EPERM, "the repository does not exist, or the token may not see it");
}

static int read_key(struct github *github, struct json_object *params, const char *repository,
                    struct public_key **ret, struct err *err)
{
    struct github_answer answer CLEANUP_GITHUB_ANSWER = {0};
    int r;

    r = github_call_in_lane(github, GITHUB_GET_PUBLIC_KEY, params, &answer, NULL, err);
    if (r < 0)
        return hidden(r, err);
    return keep_key(github, repository, answer.body, ret, err);
}

/* ---- sealing and putting ---- */

static int put_body(struct json_object *params, const struct public_key *key, const struct secret *value)
{
    unsigned char *box CLEANUP_FREE = NULL;
    char *encoded CLEANUP_FREE = NULL;
    struct json_object *body;
    size_t size;
    int r;

    r = sealed_box(key->key, secret_text(value), secret_size(value), &box, &size);
    if (r < 0)
        return r;
    encoded = encode_base64(box, size);
    body = json_object_new_object();
    if (!encoded || !body || js_set_text(body, "encrypted_value", encoded) < 0 ||
        js_set_text(body, "key_id", key->key_id) < 0) {
        json_object_put(body);
        return -ENOMEM;
    }
    return js_put_key(params, "body", body);
}

static int put_in_lane(struct github *github, const char *repository, struct json_object *params,
                       const struct secret *value, struct github_answer *ret, struct err *err)
{
    for (bool again = true;; again = false) {
        struct public_key *key = find_key(github, repository);
        struct err why CLEANUP_ERR = {0};
        int status = 0;
        int r = 0;

        if (!key)
            r = read_key(github, params, repository, &key, err);
        if (r < 0)
            return r;
        r = put_body(params, key, value);
        if (r == -ENOMEM)
            return err_no_memory(err);
        if (r < 0)
            return err_set(err, r, ERR_BUG, "PUT secret: the repository's public key can not be used");
        r = github_call_in_lane(github, GITHUB_PUT_SECRET, params, ret, &status, &why);
        if (r == 0)
            return 0;
        if (status == 422) {
            key = find_key(github, repository);
            if (key)
                forget_key(key);
            if (again)
                continue;
        }
        if (err)
            err_move(err, &why);
        return hidden(r, err);
    }
}

int github_put_secret(struct github *github, const char *repository, const char *secret_name,
                      const struct secret *value, struct github_answer *ret, struct err *err)
{
    struct json_object *params CLEANUP_JS = json_object_new_object();
    struct github_answer answer CLEANUP_GITHUB_ANSWER = {0};
    int r;

    r = check_secret(secret_name, value, err);
    if (r < 0)
        return r;
    if (!params || js_set_text(params, "repository", repository) < 0 ||
        js_set_text(params, "secret_name", secret_name) < 0)
        return err_no_memory(err);
    r = github_begin(github, &github_operations[GITHUB_PUT_SECRET], err);
    if (r < 0)
        return r;
    r = put_in_lane(github, repository, params, value, &answer, err);
    lane_leave(&github->limits);
    if (r < 0)
        return r;
    if (ret) {
        *ret = answer;
        answer = (struct github_answer){0};
    }
    return 0;
}
