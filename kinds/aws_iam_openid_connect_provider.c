/*
 * aws_iam_openid_connect_provider.c: whom IAM believes when it says who a workflow or a pod is.
 *
 * The ARN follows from account and URL, so one GetOpenIDConnectProvider finds it
 * with or without a record. Ways to fail: the issuer does not answer while IAM looks for its
 * certificate ("not yet"), the URL is taken (exists).
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "kinds/registry-internal.h"

#define SCHEME         "https://"
#define LOOKS_AT_ONCE  5
#define THUMBPRINT_HEX 40

static bool accepts_url(const char *text)
{
    return has_reference(text) || (str_starts(text, SCHEME) && text[strlen(SCHEME)] && !strpbrk(text, "?#"));
}

static const struct field fields[] = {
    {
        .name = "url",
        .type = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_KEY | FIELD_IMMUTABLE,
        .wire = "Url",
        .pattern = "a URL that begins with https:// and has no query",
        .accepts = accepts_url,
        .max = 255,
        .doc = "URL of the issuer, as its tokens spell it.",
    },
    {
        .name = "client_id_list",
        .type = FIELD_SET,
        .element = FIELD_STRING,
        .flags = FIELD_REQUIRED | FIELD_EXCLUSIVE | FIELD_SECURITY,
        .wire = "ClientIDList",
        .min = 1,
        .max = 100,
        .doc = "Audiences that tokens may be made for; another one added by hand is removed.",
    },
    {
        .name = "thumbprint_list",
        .type = FIELD_SET,
        .element = FIELD_STRING,
        .flags = FIELD_OR_WORD | FIELD_EXCLUSIVE | FIELD_SECURITY | FIELD_IGNORE_CASE,
        .wire = "ThumbprintList",
        .fallback = "[\"auto\"]",
        .pattern = "auto",
        .min = 1,
        .max = 5,
        .doc =
            "SHA-1 thumbprints of the issuer's certificate authority, or auto: IAM finds them, and they are "
            "not compared, since it ignores them for public authorities.",
    },
    TAGS_ROW,
    {0},
};

static const struct attribute attributes[] = {
    {.name = "arn", .type = FIELD_STRING, .doc = "ARN of the provider, the principal of trust policies."},
    {.name = "id", .type = FIELD_STRING, .doc = "The same ARN."},
    {0},
};

static const struct not_yet not_yet[] = {
    {"OpenIdIdpCommunicationError", NULL, "the issuer to answer IAM"},
    {"IDPCommunicationError", NULL, "the issuer to answer IAM"},
    {0},
};

/* ---- spelling ---- */

/* The URL as IAM writes it: no scheme, host in lower case, no slash at the end. Owned. */
static char *plain_url(const char *url)
{
    char *plain = strdup(strncasecmp(url, SCHEME, strlen(SCHEME)) == 0 ? url + strlen(SCHEME) : url);
    size_t length;

    if (!plain)
        return NULL;
    for (char *c = plain; *c && *c != '/'; c++)
        *c = (char)tolower((unsigned char)*c);
    length = strlen(plain);
    while (length > 0 && plain[length - 1] == '/')
        plain[--length] = '\0';
    return plain;
}

static void normalise_url(struct json_object *document)
{
    const char *url = js_text(document, "url");
    char *plain CLEANUP_FREE = url ? plain_url(url) : NULL;

    if (plain)
        (void)js_set_text(document, "url",
                          plain); /* without memory it stays as it is: a difference, not a crash */
}

/* Not compared: IAM keeps that list by itself. */
static bool thumbprints_are_auto(struct json_object *document)
{
    struct json_object *list = js_get(document, "thumbprint_list");

    return !list || js_has_text(list, "auto");
}

static void normalise(struct json_object *desired, struct json_object *observed)
{
    normalise_url(desired);
    normalise_url(observed);
    if (thumbprints_are_auto(desired))
        json_object_object_del(desired, "thumbprint_list");
}

static bool is_thumbprint(const char *text)
{
    return strlen(text) == THUMBPRINT_HEX && strspn(text, "0123456789abcdefABCDEF") == THUMBPRINT_HEX;
}

static void check(struct kind_check *check)
{
    struct json_object *list = js_get(check->document, "thumbprint_list");

    tags_check(check);
    if (thumbprints_are_auto(check->document)) {
        if (js_count(list, NULL) > 1)
            check->problem(check, "thumbprint_list", "either auto alone or thumbprints");
        return;
    }
    for (size_t i = 0, count = js_count(list, NULL); i < count; i++) {
        const char *text = js_text(js_at(list, i), NULL);

        if (text && !has_reference(text) && !is_thumbprint(text))
            check->problem(check, "thumbprint_list", "\"%s\" is no SHA-1 thumbprint of %d hex digits", text,
                           THUMBPRINT_HEX);
    }
}

/* ---- looking ---- */

/* arn:PARTITION:iam::ACCOUNT:oidc-provider/HOST/PATH; owned. */
static char *provider_arn(struct aws *aws, const char *url, struct err *err)
{
    char *plain CLEANUP_FREE = url ? plain_url(url) : NULL;
    const char *account;
    char *arn;

    if (!plain) {
        (void)err_no_memory(err);
        return NULL;
    }
    if (aws_identity(aws, &account, NULL, err) < 0)
        return NULL;
    arn = str_format("arn:%s:iam::%s:oidc-provider/%s", aws_partition(aws), account, plain);
    if (!arn)
        (void)err_no_memory(err);
    return arn;
}

/* The document of a GetOpenIDConnectProvider answer; owned; NULL without memory. */
static struct json_object *document_of(const char *arn, struct json_object *answer)
{
    struct json_object *document = params_new("arn", arn, "id", arn, NULL);
    struct json_object *tags = tags_from_list(js_get(answer, "Tags"), "Key", "Value");
    const char *url = js_text(answer, "Url");
    char *full CLEANUP_FREE = url ? str_format("%s%s", str_starts(url, SCHEME) ? "" : SCHEME, url) : NULL;

    params_set(&document, "tags", tags);
    if (document && wire_read(&aws_iam_openid_connect_provider_kind, answer, document) < 0)
        params_set(&document, "url", NULL);
    params_set(&document, "url", full ? json_object_new_string(full) : NULL);
    return document;
}

static void look(struct kind_batch *batch, struct kind_item *item)
{
    struct json_object *answer CLEANUP_JS = NULL;
    struct err err CLEANUP_ERR = {0};
    char *arn CLEANUP_FREE = NULL;
    int r;

    arn = item->id ? strdup(item->id) : provider_arn(batch->clouds.aws, js_text(item->desired, "url"), &err);
    if (!arn) {
        batch_unknown(item, &err);
        return;
    }
    r = batch_ask(batch, AWS_IAM_GET_OPEN_ID_CONNECT_PROVIDER,
                  params_new("OpenIDConnectProviderArn", arn, NULL), &answer, &err);
    if (r < 0) {
        batch_failed(item, &err);
        return;
    }
    batch_present(item, arn, document_of(arn, answer));
    item->created_wall_ms = answer_time_ms(answer, "CreateDate");
}

static int observe(struct kind_batch *batch)
{
    if (!batch->clouds.aws)
        return err_set(batch->err, -EINVAL, ERR_INVALID, "the platform has no aws: section");
    return batch_each(batch, LOOKS_AT_ONCE, look);
}

/* ---- changing ---- */

static int create(struct kind_op *op)
{
    struct json_object *params = wire_write(fields, op->desired), *answer CLEANUP_JS = NULL;
    const char *arn;
    int r;

    if (params && thumbprints_are_auto(op->desired))
        json_object_object_del(params, "ThumbprintList");
    params_set(&params, "Tags", op_tag_list(op, "Key", "Value"));
    r = op_send(op, AWS_IAM_CREATE_OPEN_ID_CONNECT_PROVIDER, params, &answer);
    if (r < 0)
        return r;
    arn = js_text(answer, "OpenIDConnectProviderArn");
    if (!arn)
        return op_fail(op, -EBADMSG, ERR_BUG, "CreateOpenIDConnectProvider: an answer without an ARN");
    r = op_created(op, arn);
    if (r == 0)
        r = op_attribute_text(op, "arn", arn);
    return r < 0 ? r : op_attribute_text(op, "id", arn);
}

static int change_client_ids(struct kind_op *op, const struct diff *diff)
{
    const char *client_id;
    size_t cursor = 0;
    int r;

    /* Added first: in between, workflows must be able to log in with one of them. */
    while ((client_id = diff_next_added(diff, "client_id_list", &cursor))) {
        r = op_send(op, AWS_IAM_ADD_CLIENT_ID_TO_OPEN_ID_CONNECT_PROVIDER,
                    params_new("OpenIDConnectProviderArn", op->id, "ClientID", client_id, NULL), NULL);
        if (r < 0)
            return r;
    }
    cursor = 0;
    while ((client_id = diff_next_removed(diff, "client_id_list", &cursor))) {
        r = op_send(op, AWS_IAM_REMOVE_CLIENT_ID_FROM_OPEN_ID_CONNECT_PROVIDER,
                    params_new("OpenIDConnectProviderArn", op->id, "ClientID", client_id, NULL), NULL);
        if (r < 0)
            return r;
    }
    return 0;
}

static int change_thumbprints(struct kind_op *op)
{
    struct json_object *params = params_new("OpenIDConnectProviderArn", op->id, NULL);

    params_set(&params, "ThumbprintList", js_copy(js_get(op->desired, "thumbprint_list")));
    return op_send(op, AWS_IAM_UPDATE_OPEN_ID_CONNECT_PROVIDER_THUMBPRINT, params, NULL);
}

static int put_tags(struct kind_op *op, const struct diff *diff)
{
    return op_put_tags(op, diff, AWS_IAM_TAG_OPEN_ID_CONNECT_PROVIDER,
                       params_new("OpenIDConnectProviderArn", op->id, NULL), "Tags");
}

static int update(struct kind_op *op, const struct diff *diff)
{
    int r = change_client_ids(op, diff);

    if (r == 0 && diff_has(diff, "thumbprint_list"))
        r = change_thumbprints(op);
    if (r == 0 && diff_has(diff, "tags"))
        r = put_tags(op, diff);
    return r;
}

static int remove_provider(struct kind_op *op)
{
    int r;

    if (!op->id)
        return op_fail(op, -EINVAL, ERR_BUG, "DeleteOpenIDConnectProvider: no ARN is recorded");
    r = op_send(op, AWS_IAM_DELETE_OPEN_ID_CONNECT_PROVIDER,
                params_new("OpenIDConnectProviderArn", op->id, NULL), NULL);
    return op_forgive(op, r, "NoSuchEntity");
}

const struct kind aws_iam_openid_connect_provider_kind = {
    .type = "aws_iam_openid_connect_provider",
    .provider = PROVIDER_AWS,
    .doc = "An OpenID Connect provider in IAM: an issuer whose tokens roles may trust.",
    .fields = fields,
    .attributes = attributes,
    .not_yet = not_yet,
    .pace =
        {.first_look_ms = 1000, .every_ms = 2000, .give_up_ms = 120000, .grace_ms = 120000, .usual_ms = 1000},
    .check = check,
    .normalise = normalise,
    .observe = observe,
    .create = create,
    .update = update,
    .remove = remove_provider,
};
