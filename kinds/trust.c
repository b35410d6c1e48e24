/*
 * trust.c: who may assume a role. A trust policy for workflows on GitHub that
 * tests too little lets strangers in, and nothing at AWS says so.
 *
 * Each statement that allows web identities is judged by its conditions on the
 * token's subject: the narrowest operator decides, since all must hold; within an operator the widest
 * value decides, since any may match. References may still stand in the text; what they
 * will become can not hold a wildcard of ours, and a kind's document is checked before they are resolved.
 */
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "kinds/registry-internal.h"

#define ISSUER "token.actions.githubusercontent.com"

/** How much a subject lets in, narrowest first. */
enum breadth {
    BREADTH_EXACT,      /* named subjects */
    BREADTH_REPOSITORY, /* every branch, pull request and environment of one repository */
    BREADTH_ANYONE,     /* other repositories */
    BREADTH_UNTESTED,   /* no condition that counts */
};

struct judgement {
    struct kind_check *check;
    const char *path; /* of the statement */
};

static void refuse(const struct judgement *judgement, const char *reason)
{
    struct kind_check *check = judgement->check;

    if (check->allow_wide_trust)
        check->warning(check, judgement->path, "%s (allowed by allow_wide_trust)", reason);
    else
        check->problem(check, judgement->path, "%s; write allow_wide_trust: true to mean it", reason);
}

static bool contains_nocase(const char *text, const char *part)
{
    return strcasestr(text, part) != NULL;
}

static bool ends_nocase(const char *text, const char *suffix)
{
    size_t length = strlen(text), tail = strlen(suffix);

    return length >= tail && str_equal_nocase(text + length - tail, suffix);
}

/* ---- lists that may be one ---- */

static size_t many_count(struct json_object *value)
{
    if (json_object_is_type(value, json_type_array))
        return json_object_array_length(value);
    return value ? 1 : 0;
}

static const char *many_text(struct json_object *value, size_t i)
{
    return js_text(json_object_is_type(value, json_type_array) ? js_at(value, i) : value, NULL);
}

/* ---- subjects ---- */

/* Length of "${...}" at @text, 0 when there is none. */
static size_t reference_length(const char *text)
{
    const char *end = str_starts(text, "${") ? strchr(text, '}') : NULL;

    return end ? (size_t)(end - text) + 1 : 0;
}

/* Bytes up to the next ':' that stands outside of a reference. */
static size_t segment_length(const char *text)
{
    size_t length = 0;

    while (text[length] && text[length] != ':')
        length += reference_length(text + length) ? reference_length(text + length) : 1;
    return length;
}

static bool has_wildcard(const char *text, size_t length)
{
    for (size_t i = 0; i < length;) {
        size_t skip = reference_length(text + i);

        if (skip == 0 && (text[i] == '*' || text[i] == '?'))
            return true;
        i += skip ? skip : 1;
    }
    return false;
}

/*
 * Where the part that names the repository ends: behind the second segment of "repo:OWNER/NAME:...", or
 * behind a reference that stands for both ("${github.oidc_subject_prefix}:...").
 */
static size_t repository_end(const char *subject)
{
    size_t first = segment_length(subject);

    if (reference_length(subject) > 0 || subject[first] == '\0')
        return first;
    return first + 1 + segment_length(subject + first + 1);
}

static enum breadth like_breadth(const char *subject)
{
    size_t end = repository_end(subject), length = strlen(subject);

    if (has_wildcard(subject, end) || (subject[end] == '\0' && has_wildcard(subject, length)))
        return BREADTH_ANYONE;
    if (!has_wildcard(subject, length))
        return BREADTH_EXACT;
    return BREADTH_REPOSITORY;
}

/* "OWNER@1/NAME@2" as "OWNER/NAME": the immutable form without its ids. Owned. */
static char *without_ids(const char *name, size_t length)
{
    char *plain = strndup(name, length), *to = plain;

    for (const char *from = plain; plain && *from;) {
        if (*from == '@') {
            from += 1 + strspn(from + 1, "0123456789");
            continue;
        }
        *to++ = *from++;
    }
    if (plain)
        *to = '\0';
    return plain;
}

/* Is the repository ours, letter by letter? */
static void check_repository(const struct judgement *judgement, const char *subject)
{
    struct kind_check *check = judgement->check;
    char *name CLEANUP_FREE = NULL;
    size_t length;

    if (!check->platform_repository || !str_starts(subject, "repo:"))
        return;
    length = segment_length(subject + 5);
    if (has_wildcard(subject + 5, length) || has_reference(subject))
        return;
    name = without_ids(subject + 5, length);
    if (!name || str_equal(name, check->platform_repository))
        return;
    if (str_equal_nocase(name, check->platform_repository))
        check->warning(
            check, judgement->path,
            "the subject says \"%s\", GitHub says \"%s\": capital letters count, so nothing will match", name,
            check->platform_repository);
    else if (!check->allow_wide_trust)
        check->warning(check, judgement->path, "the subject is of %s, not of this platform's repository %s",
                       name, check->platform_repository);
}

/* ---- operators ---- */

/** What an operator does with a list of subjects. */
enum operator_sort { OPERATOR_OTHER, OPERATOR_EQUALS, OPERATOR_LIKE, OPERATOR_LENIENT };

static enum operator_sort sort_of(const char *operator)
{
    const char *name = operator;

    if (str_equal_nocase(name, "StringEquals") || str_equal_nocase(name, "StringEqualsIgnoreCase"))
        return OPERATOR_EQUALS;
    if (str_equal_nocase(name, "StringLike"))
        return OPERATOR_LIKE;
    if (strncasecmp(name, "ForAnyValue:", 12) == 0 && !contains_nocase(name, "IfExists"))
        return sort_of(name + 12);
    /* Both are true for a token without the claim. */
    if (strncasecmp(name, "ForAllValues:", 13) == 0 || contains_nocase(name, "IfExists"))
        return OPERATOR_LENIENT;
    return OPERATOR_OTHER;
}

static enum breadth values_breadth(const struct judgement *judgement, enum operator_sort sort,
                                   struct json_object *values)
{
    enum breadth widest = BREADTH_EXACT;

    if (many_count(values) == 0)
        return BREADTH_UNTESTED;
    for (size_t i = 0, count = many_count(values); i < count; i++) {
        const char *subject = many_text(values, i);
        enum breadth breadth;

        if (!subject)
            continue;
        breadth = sort == OPERATOR_LIKE ? like_breadth(subject) : BREADTH_EXACT;
        if (sort == OPERATOR_EQUALS && has_wildcard(subject, strlen(subject)))
            judgement->check->warning(judgement->check, judgement->path,
                                      "StringEquals takes \"%s\" letter by letter, so nothing will match",
                                      subject);
        check_repository(judgement, subject);
        widest = breadth > widest ? breadth : widest;
    }
    return widest;
}

/** What all conditions of a statement say together. */
struct findings {
    enum breadth subject;
    bool lenient;  /* a subject tested by an operator that is content without it */
    bool audience; /* the audience is tested */
    bool github;   /* a condition names GitHub's issuer */
};

static void weigh_key(const struct judgement *judgement, struct findings *findings, enum operator_sort sort,
                      const char *key, struct json_object *values)
{
    enum breadth breadth;

    findings->github |= contains_nocase(key, ISSUER ":");
    if (ends_nocase(key, ":aud") && (sort == OPERATOR_EQUALS || sort == OPERATOR_LIKE))
        findings->audience = true;
    if (!ends_nocase(key, ":sub"))
        return;
    if (sort == OPERATOR_LENIENT)
        findings->lenient = true;
    if (sort != OPERATOR_EQUALS && sort != OPERATOR_LIKE)
        return;
    breadth = values_breadth(judgement, sort, values);
    if (breadth < findings->subject)
        findings->subject = breadth;
}

static struct findings weigh(const struct judgement *judgement, struct json_object *condition)
{
    struct findings findings = {.subject = BREADTH_UNTESTED};

    if (!json_object_is_type(condition, json_type_object))
        return findings;
    js_each (condition, operator, keys) {
        if (!json_object_is_type(keys, json_type_object))
            continue;
        js_each (keys, key, values) {
            weigh_key(judgement, &findings, sort_of(operator), key, values);
        }
    }
    return findings;
}

/* ---- statements ---- */

/* Could the principal be an OpenID Connect provider, and is it surely GitHub's? */
static bool is_web_identity(struct json_object *principal, bool *ret_github)
{
    struct json_object *federated = js_get(principal, "Federated");
    bool found = false;

    *ret_github = false;
    for (size_t i = 0, count = many_count(federated); i < count; i++) {
        const char *name = many_text(federated, i);

        if (!name)
            continue;
        found |= strstr(name, ":oidc-provider/") || has_reference(name) || str_equal(name, "*");
        *ret_github |= strstr(name, ISSUER) != NULL;
    }
    return found;
}

/* Does an action of the statement hand out credentials to web identities? */
static bool allows_web_identity(struct json_object *statement)
{
    struct json_object *actions = js_get(statement, "Action");

    if (js_get(statement, "NotAction"))
        return true;
    for (size_t i = 0, count = many_count(actions); i < count; i++) {
        const char *action = many_text(actions, i);

        if (action && (strpbrk(action, "*?$") || str_equal_nocase(action, "sts:AssumeRoleWithWebIdentity")))
            return true;
    }
    return false;
}

static void judge_web_identity(const struct judgement *judgement, struct json_object *statement, bool github)
{
    struct kind_check *check = judgement->check;
    struct findings findings = weigh(judgement, js_get(statement, "Condition"));

    github |= findings.github;
    if (findings.subject == BREADTH_UNTESTED && findings.lenient)
        refuse(judgement,
               "the subject (:sub) is tested only by ForAllValues or ...IfExists, which are true for a "
               "token without one: anyone could assume the role");
    else if (findings.subject == BREADTH_UNTESTED)
        refuse(judgement,
               "no condition tests the token's subject (:sub): anyone whom the issuer knows could assume "
               "the role");
    else if (findings.subject == BREADTH_ANYONE && github)
        refuse(judgement,
               "a wildcard stands where the repository is named: workflows of other repositories could "
               "assume the role");
    else if (findings.subject == BREADTH_REPOSITORY && github && !check->allow_wide_trust)
        check->warning(check, judgement->path,
                       "the subject admits every branch, pull request and environment of the repository");
    if (github && !findings.audience)
        check->warning(check, judgement->path, "no condition tests the token's audience (" ISSUER ":aud)");
}

static bool is_everybody(struct json_object *principal)
{
    struct json_object *aws = js_get(principal, "AWS");

    if (str_equal(js_text(principal, NULL), "*"))
        return true;
    for (size_t i = 0, count = many_count(aws); i < count; i++) {
        if (str_equal(many_text(aws, i), "*"))
            return true;
    }
    return false;
}

static void judge_statement(const struct judgement *judgement, struct json_object *statement)
{
    struct json_object *principal = js_get(statement, "Principal");
    const char *effect = js_text(statement, "Effect");
    bool github;

    if (effect && !str_equal_nocase(effect, "Allow"))
        return;
    if (js_get(statement, "NotPrincipal"))
        refuse(judgement, "NotPrincipal with Allow admits everybody else in the world");
    if (is_everybody(principal) && !js_get(statement, "Condition"))
        refuse(judgement, "the principal \"*\" without a condition admits every AWS account");
    if (is_web_identity(principal, &github) && allows_web_identity(statement))
        judge_web_identity(judgement, statement, github);
}

static void judge_at(struct kind_check *check, const char *path, struct json_object *statement)
{
    struct judgement judgement = {.check = check, .path = path};

    if (json_object_is_type(statement, json_type_object))
        judge_statement(&judgement, statement);
}

static void judge_policy(struct kind_check *check, const char *path, struct json_object *policy)
{
    struct json_object *statements = js_get(policy, "Statement");
    char *place CLEANUP_FREE = str_format("%s.Statement", path);

    if (!place)
        return;
    if (!json_object_is_type(statements, json_type_array)) {
        judge_at(check, place, statements);
        return;
    }
    for (size_t i = 0, count = js_count(statements, NULL); i < count; i++) {
        char *at CLEANUP_FREE = str_format("%s.%zu", place, i);

        if (at)
            judge_at(check, at, js_at(statements, i));
    }
}

void trust_check(struct kind_check *check, const char *path, struct json_object *policy)
{
    struct json_object *parsed CLEANUP_JS = NULL;

    if (json_object_is_type(policy, json_type_string))
        parsed = wire_policy(json_object_get_string(policy));
    else
        parsed = json_object_get(policy);
    if (json_object_is_type(parsed, json_type_object))
        judge_policy(check, path, parsed);
}
