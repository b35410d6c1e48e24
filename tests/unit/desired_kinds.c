/*
 * desired_kinds.c: kinds that exist only for the tests of desired/, and a registry
 * of them in place of the real one, so that the tests do not change with the real kinds.
 */
#include <string.h>

#include "common/js.h"
#include "common/str.h"
#include "kinds/kind.h"

static bool lower_case(const char *text)
{
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static const char *const modes[] = {"fast", "slow", "steady", NULL};

static const struct field box_fields[] = {
    {.name = "depth",
     .type = FIELD_INTEGER,
     .flags = FIELD_REQUIRED,
     .min = 1,
     .max = 10,
     .doc = "How deep."},
    {.name = "lid", .type = FIELD_BOOLEAN, .fallback = "true", .doc = "With a lid."},
    {.name = "colour", .type = FIELD_STRING, .doc = "The colour."},
    {0},
};

static const struct field rule_fields[] = {
    {.name = "name", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .doc = "Its name."},
    {.name = "policy", .type = FIELD_POLICY, .flags = FIELD_REQUIRED, .doc = "Its policy."},
    {0},
};

static const struct field thing_fields[] = {
    {.name = "name",
     .type = FIELD_STRING,
     .flags = FIELD_KEY | FIELD_REQUIRED,
     .min = 1,
     .max = 20,
     .accepts = lower_case,
     .pattern = "lower-case letters, digits and -",
     .doc = "Name of the thing."},
    {.name = "size", .type = FIELD_INTEGER, .min = 1, .max = 10, .fallback = "3", .doc = "Its size."},
    {.name = "enabled", .type = FIELD_BOOLEAN, .doc = "Is it on?"},
    {.name = "mode", .type = FIELD_ENUM, .values = modes, .doc = "How it works."},
    {.name = "labels", .type = FIELD_LIST, .element = FIELD_STRING, .max = 3, .doc = "Labels."},
    {.name = "marks", .type = FIELD_SET, .element = FIELD_STRING, .flags = FIELD_EXCLUSIVE, .doc = "Marks."},
    {.name = "tags", .type = FIELD_MAP, .element = FIELD_STRING, .doc = "Tags."},
    {.name = "box", .type = FIELD_OBJECT, .members = box_fields, .doc = "The box."},
    {.name = "rules",
     .type = FIELD_SET,
     .element = FIELD_OBJECT,
     .members = rule_fields,
     .key = "name",
     .flags = FIELD_EXCLUSIVE,
     .doc = "Rules."},
    {.name = "policy", .type = FIELD_POLICY, .flags = FIELD_SECURITY, .doc = "The policy."},
    {.name = "manifest", .type = FIELD_DOCUMENT, .doc = "A manifest."},
    {.name = "version", .type = FIELD_VERSION, .doc = "The version."},
    {.name = "engine", .type = FIELD_STRING, .flags = FIELD_SERVER_DEFAULT, .doc = "The engine."},
    {.name = "repository",
     .type = FIELD_STRING,
     .fallback = "\"${github.repository}\"",
     .doc = "The repository."},
    {0},
};

static const struct attribute thing_attributes[] = {
    {.name = "arn", .type = FIELD_STRING, .doc = "Its ARN."},
    {.name = "id", .type = FIELD_STRING, .doc = "Its id."},
    {.name = "number", .type = FIELD_INTEGER, .doc = "Its number."},
    {.name = "endpoints", .type = FIELD_LIST, .doc = "Endpoints."},
    {.name = "detail", .type = FIELD_OBJECT, .doc = "Details."},
    {0},
};

static void thing_check(struct kind_check *check)
{
    const char *name = js_text(check->document, "name");

    if (str_equal(name, "forbidden"))
        check->problem(check, "name", "a thing can not be named %s", name);
    if (str_equal(name, "odd"))
        check->warning(check, "name", "an odd name");
    if (js_get(check->document, "policy.Statement.0.Bad"))
        check->problem(check, "policy.Statement.0.Bad", "a bad statement");
    if (str_equal(name, "wide") && !check->allow_wide_trust)
        check->problem(check, "", "%s is too wide for %s", name, check->platform_repository);
}

static const struct kind test_thing = {.type = "test_thing",
                                       .doc = "A thing.",
                                       .fields = thing_fields,
                                       .attributes = thing_attributes,
                                       .check = thing_check};

static const struct field secret_fields[] = {
    {.name = "name",
     .type = FIELD_STRING,
     .flags = FIELD_KEY | FIELD_REQUIRED | FIELD_IGNORE_CASE,
     .doc = "Name of the secret."},
    {.name = "value",
     .type = FIELD_SECRET,
     .flags = FIELD_REQUIRED,
     .min = 1,
     .max = 100,
     .doc = "Its value."},
    {.name = "parts", .type = FIELD_MAP, .element = FIELD_SECRET, .doc = "More values."},
    {0},
};
static const struct attribute secret_attributes[] = {
    {.name = "updated_at", .type = FIELD_STRING, .doc = "When."},
    {0},
};
static const struct kind test_secret = {
    .type = "test_secret", .doc = "A secret.", .fields = secret_fields, .attributes = secret_attributes};

static const struct field password_fields[] = {
    {.name = "length",
     .type = FIELD_INTEGER,
     .flags = FIELD_REQUIRED,
     .min = 8,
     .max = 64,
     .doc = "Its length."},
    {0},
};
static const struct attribute password_attributes[] = {
    {.name = "result", .type = FIELD_STRING, .flags = FIELD_SENSITIVE, .doc = "The password."},
    {0},
};
static const struct kind test_password = {.type = "test_password",
                                          .flags = KIND_LOCAL,
                                          .doc = "A password.",
                                          .fields = password_fields,
                                          .attributes = password_attributes};

static const struct field cloud_fields[] = {
    {.name = "name", .type = FIELD_STRING, .flags = FIELD_KEY | FIELD_REQUIRED, .doc = "Name."},
    {0},
};
static const struct kind test_cloud = {.type = "test_cloud",
                                       .provider = PROVIDER_AWS,
                                       .doc = "Something in AWS.",
                                       .fields = cloud_fields,
                                       .attributes = thing_attributes};
static const struct kind test_hub = {.type = "test_hub",
                                     .provider = PROVIDER_GITHUB,
                                     .doc = "Something at GitHub.",
                                     .fields = cloud_fields,
                                     .attributes = NULL};

static const struct field word_fields[] = {
    {.name = "name", .type = FIELD_STRING, .flags = FIELD_KEY | FIELD_REQUIRED, .doc = "Name."},
    {.name = "prints",
     .type = FIELD_SET,
     .element = FIELD_STRING,
     .flags = FIELD_OR_WORD | FIELD_EXCLUSIVE,
     .pattern = "auto",
     .doc = "Prints, or auto."},
    {.name = "boundary", .type = FIELD_STRING, .fallback = "null", .doc = "None when not declared."},
    {0},
};
static const struct kind test_word = {.type = "test_word", .doc = "A word.", .fields = word_fields};

const struct kind *const kinds[] = {&test_cloud, &test_hub, &test_password, &test_secret, &test_thing,
                                    &test_word,  NULL};

const struct kind *kind_find(const char *type)
{
    for (size_t i = 0; kinds[i]; i++)
        if (str_equal(kinds[i]->type, type))
            return kinds[i];
    return NULL;
}

const char *kind_suggest(const char *type)
{
    for (size_t i = 0; kinds[i]; i++)
        if (str_distance(kinds[i]->type, type) <= 2)
            return kinds[i]->type;
    return NULL;
}
