/*
 * ownership.c: see ownership.h. Alphabet: the intersection of what IAM, Lambda,
 * SageMaker and RDS accept in tag values.
 */
#include "daemon/ownership.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "common/crypto.h"
#include "common/js.h"
#include "common/str.h"
#include "kinds/kind.h"

#define TAG_VALUE_MAX 256

char *ownership_encode(const char *address)
{
    struct buf out CLEANUP_BUF = BUF_INIT(4096);
    const char *bracket = strchr(address, '[');
    const char *key = bracket ? bracket + 1 : NULL;
    size_t size = key ? strlen(key) : 0;

    if (!bracket)
        return str_format("%s", address);
    (void)buf_add(&out, address, (size_t)(bracket - address)); /* failures show at buf_take */
    (void)buf_add_char(&out, '/');
    if (size > 0 && key[size - 1] == ']')
        size--;
    if (size >= 2 && key[0] == '"' && key[size - 1] == '"') {
        key++;
        size -= 2;
    }
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)key[i];

        if ((c < 128 && isalnum(c)) || strchr("_.-", c))
            (void)buf_add_char(&out, (char)c);
        else
            (void)buf_addf(&out, "=%02X", c);
    }
    return buf_take(&out);
}

/** What stands in the tag: one that is too long is cut, with a digest of the whole in place of the rest. Owned. */
static char *mark_of(const char *address)
{
    char *encoded CLEANUP_FREE = ownership_encode(address), *digest CLEANUP_FREE = NULL;

    if (!encoded || strlen(encoded) <= TAG_VALUE_MAX)
        return TAKE(encoded);
    digest = digest_text(encoded);
    return digest ? str_format("%.*s=%s", (int)(TAG_VALUE_MAX - 1 - strlen(digest)), encoded, digest) : NULL;
}

int ownership_mark(struct json_object *document, const char *platform, const char *address)
{
    struct json_object *tags = NULL;
    char *encoded CLEANUP_FREE = mark_of(address);

    if (!encoded)
        return -ENOMEM;
    if (!json_object_object_get_ex(document, "tags", &tags) || !json_object_is_type(tags, json_type_object)) {
        tags = json_object_new_object();
        if (!tags || js_put_key(document, "tags", tags) < 0)
            return -ENOMEM;
    }
    if (js_put_key(tags, TAG_PLATFORM, json_object_new_string(platform)) < 0 ||
        js_put_key(tags, TAG_ADDRESS, json_object_new_string(encoded)) < 0)
        return -ENOMEM;
    return 0;
}

static const char *tag(struct json_object *observed, const char *key)
{
    return tag_value(js_get(observed, "tags"), key);
}

enum owner ownership_of(struct json_object *observed, const char *platform, const char *address)
{
    const char *of_platform = tag(observed, TAG_PLATFORM), *of_address = tag(observed, TAG_ADDRESS);
    char *encoded CLEANUP_FREE = mark_of(address);

    if (!of_platform && !of_address)
        return OWNER_NOBODY;
    if (str_equal(of_platform, platform) && encoded && str_equal(of_address, encoded))
        return OWNER_US;
    return OWNER_OTHERS;
}

bool ownership_by_intent(struct json_object *observed, const char *token)
{
    return token && str_equal(tag(observed, TAG_INTENT), token);
}
