/*
 * facts.c: run-time built-ins: what the graph asks of the outside that is no
 * resource. Zones to build in are taken from AWS once. The trust of a role depends on how GitHub spells the subject of its tokens,
 * so that is read from GitHub in its turn (see turns.c) and never guessed. The last answer is kept, so that a
 * restart while GitHub is away changes nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/js.h"
#include "common/log.h"
#include "common/macro.h"
#include "common/str.h"
#include "daemon/daemon.h"

#define FACTS_ROW "facts"
#define ZONES_MAX 16

bool facts_wanted(const struct graph *graph, const char *prefix)
{
    char *needle CLEANUP_FREE = str_format("${%s", prefix);

    if (!needle)
        return false;
    for (size_t i = 0; i < graph->count; i++)
        if (strstr(graph->resources[i].body, needle))
            return true;
    for (size_t i = 0; i < graph->outputs_count; i++)
        if (strstr(graph->outputs[i].value, needle))
            return true;
    return false;
}

static struct json_object *facts_now(const struct platform *platform)
{
    struct json_object *facts = js_read(platform->facts);

    return facts ? facts : json_object_new_object();
}

static struct json_object *repository_params(const struct platform *platform)
{
    struct json_object *params = json_object_new_object();

    if (params)
        (void)js_set_text(params, "repository", platform->graph->github.repository);
    return params;
}

/** Ids and the true letter case of the name: once; they do not change while the client lives. */
static int gather_repository(struct platform *platform, struct json_object *facts, struct err *err)
{
    struct github_answer answer CLEANUP_GITHUB_ANSWER = {0};
    struct json_object *params CLEANUP_JS = repository_params(platform);
    char number[32];
    int r;

    if (js_text(facts, "github_full_name") &&
        str_equal_nocase(js_text(facts, "github_full_name"), platform->graph->github.repository))
        return 0;
    r = github_call(platform->clouds.github, GITHUB_GET_REPOSITORY, params, &answer, err);
    if (r < 0)
        return r;
    (void)js_set_text(facts, "github_full_name", js_text(answer.body, "full_name"));
    (void)snprintf(number, sizeof(number), "%lld", (long long)js_int(answer.body, "id", 0));
    (void)js_set_text(facts, "github_repository_id", number);
    (void)snprintf(number, sizeof(number), "%lld", (long long)js_int(answer.body, "owner.id", 0));
    (void)js_set_text(facts, "github_owner_id", number);
    return 0;
}

/** "repo:OWNER/REPO" or the immutable form, as GitHub says; the name form where it does not say. */
static int gather_subject(struct platform *platform, struct json_object *facts, struct err *err)
{
    struct github_answer answer CLEANUP_GITHUB_ANSWER = {0};
    struct json_object *params CLEANUP_JS = repository_params(platform);
    struct err local CLEANUP_ERR = {0};
    char *prefix CLEANUP_FREE = NULL;
    int r;

    r = github_call(platform->clouds.github, GITHUB_GET_OIDC_SUBJECT, params, &answer, &local);
    if (r < 0 && local.class != ERR_ABSENT) {
        err_move(err, &local);
        return r;
    }
    if (r == 0 && !js_bool(answer.body, "use_default", true) &&
        js_count(answer.body, "include_claim_keys") > 0)
        return err_set(
            err, -EINVAL, ERR_INVALID,
            "repository %s customises the subject of its OIDC tokens (include_claim_keys): "
            "${github.oidc_subject_prefix} has no meaning there; write the subject out in the trust policy",
            platform->graph->github.repository);
    if (r == 0 && js_text(answer.body, "sub_claim_prefix"))
        prefix = str_format("%s", js_text(answer.body, "sub_claim_prefix"));
    else
        prefix = str_format("repo:%s", js_text(facts, "github_full_name"));
    if (!prefix)
        return err_no_memory(err);
    (void)js_set_text(facts, "github_oidc_subject_prefix", prefix);
    return 0;
}

/* ---- GitHub, as asked by the graph ---- */

static int gather_github(struct platform *platform, struct json_object *facts, struct err *err)
{
    int r;

    if (!platform->clouds.github || platform->github_blocked || !facts_wanted(platform->graph, "github."))
        return 0;
    r = gather_repository(platform, facts, err);
    if (r == 0 && facts_wanted(platform->graph, "github.oidc_subject_prefix") &&
        (turns_subject(platform) || platform->facts_failures > 0 ||
         !js_text(facts, "github_oidc_subject_prefix")))
        r = gather_subject(platform, facts, err);
    return r < 0 ? err_wrap(err, r, "GitHub") : 0;
}

/* ---- zones ---- */

/** Zones in which EKS makes no control plane (EKS user guide, subnet requirements); ids are the same in all accounts. */
static bool is_refused_by_eks(const char *zone_id)
{
    static const char *const refused[] = {"use1-az3", "usw1-az2", "cac1-az3"};

    for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
        if (str_equal(zone_id, refused[i]))
            return true;
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int take_zones(struct json_object *list, struct json_object *facts, struct err *err)
{
    const char *names[ZONES_MAX];
    size_t count = 0;

    for (size_t i = 0; i < js_count(list, NULL) && count < ZONES_MAX; i++) {
        struct json_object *zone = js_at(list, i);

        if (js_text(zone, "ZoneName") && !is_refused_by_eks(js_text(zone, "ZoneId")))
            names[count++] = js_text(zone, "ZoneName");
    }
    if (count == 0)
        return err_set(err, -ENOENT, ERR_RETRY, "DescribeAvailabilityZones: there is no zone to build in");
    qsort(names, count, sizeof(names[0]), by_name);
    for (size_t i = 0; i < count; i++) {
        char key[32];

        (void)snprintf(key, sizeof(key), "aws_zones_%zu", i);
        if (js_set_text(facts, key, names[i]) < 0)
            return err_no_memory(err);
    }
    return 0;
}

/** Asked once and kept for ever: a zone that AWS opens later must not move the subnets. */
static int gather_zones(struct platform *platform, struct json_object *facts, struct err *err)
{
    static const char filters[] = "{\"Filters\":[{\"Name\":\"zone-type\",\"Values\":[\"availability-zone\"]},"
                                  "{\"Name\":\"opt-in-status\",\"Values\":[\"opt-in-not-required\"]},"
                                  "{\"Name\":\"state\",\"Values\":[\"available\"]}]}";
    struct json_object *params CLEANUP_JS = NULL;
    struct json_object *answer CLEANUP_JS = NULL;
    int r;

    if (!platform->clouds.aws || platform->aws_blocked || js_text(facts, "aws_zones_0") ||
        !facts_wanted(platform->graph, "aws.zones."))
        return 0;
    params = js_read(filters);
    if (!params)
        return err_no_memory(err);
    r = aws_call(platform->clouds.aws, AWS_EC2_DESCRIBE_AVAILABILITY_ZONES, params, NULL, &answer, err);
    if (r == 0)
        r = take_zones(js_get(answer, "AvailabilityZones"), facts, err);
    return r < 0 ? err_wrap(err, r, "AWS") : 0;
}

/** Name of the role in "arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION"; owned; NULL when it is none. */
static char *assumed_role(const char *arn)
{
    static const char marker[] = ":assumed-role/";
    const char *name = arn ? strstr(arn, marker) : NULL;

    return name ? str_format("%.*s", (int)strcspn(name + strlen(marker), "/"), name + strlen(marker)) : NULL;
}

/**
 * The user or role that mlopsd itself is, as an access entry of a cluster wants it: of an assumed role the role,
 * with its path, which only IAM knows.
 */
static int gather_principal(struct platform *platform, struct json_object *facts, struct err *err)
{
    struct json_object *params CLEANUP_JS = NULL;
    struct json_object *answer CLEANUP_JS = NULL;
    char *role CLEANUP_FREE = NULL;
    const char *account = NULL, *arn = NULL, *known = js_text(facts, "aws_caller");
    int r;

    if (!platform->clouds.aws || platform->aws_blocked || !facts_wanted(platform->graph, "aws.principal_arn"))
        return 0;
    r = aws_identity(platform->clouds.aws, &account, &arn, err);
    if (r < 0)
        return err_wrap(err, r, "AWS");
    role = assumed_role(arn);
    if (known && str_equal(known, role ? role : arn))
        return 0; /* sessions change, the role does not */
    if (role) {
        params = json_object_new_object();
        if (!params || js_set_text(params, "RoleName", role) < 0)
            return err_no_memory(err);
        r = aws_call(platform->clouds.aws, AWS_IAM_GET_ROLE, params, NULL, &answer, err);
        if (r < 0)
            return err_wrap(err, r, "AWS: the role that mlopsd runs as");
        arn = js_text(answer, "Role.Arn");
    }
    if (!arn || js_set_text(facts, "aws_principal_arn", arn) < 0 ||
        js_set_text(facts, "aws_caller", role ? role : arn) < 0)
        return err_no_memory(err);
    return 0;
}

static int gather_aws(struct platform *platform, struct json_object *facts, struct err *err)
{
    int r = gather_zones(platform, facts, err);

    return r < 0 ? r : gather_principal(platform, facts, err);
}

static int keep(struct platform *platform, struct json_object *facts, struct err *err)
{
    char *text CLEANUP_FREE = js_canonical(facts);

    if (!text)
        return err_no_memory(err);
    if (str_equal(text, platform->facts))
        return 0;
    if (str_set(&platform->facts, text) < 0)
        return err_no_memory(err);
    if (platform->daemon->mode == RUN_ONCE_PLAN)
        return 0;
    return fact_put(platform->daemon->store, platform->name, FACTS_ROW, text, err);
}

int facts_gather(struct platform *platform, struct err *err)
{
    struct json_object *facts CLEANUP_JS = NULL;
    struct err unkept CLEANUP_ERR = {0};
    int r, aws;

    if (!platform->facts) {
        r = fact_get(platform->daemon->store, platform->name, FACTS_ROW, &platform->facts, err);
        if (r < 0 && r != -ENOENT)
            return r;
        err_done(err);
    }
    facts = facts_now(platform);
    if (!facts)
        return err_no_memory(err);
    r = gather_github(platform, facts, err);
    aws = gather_aws(platform, facts, r < 0 ? NULL : err); /* whatever GitHub says */
    if (json_object_object_length(facts) > 0 && keep(platform, facts, &unkept) < 0)
        log_err(LOG_AT_WARNING, &unkept, "%s: what the outside said could not be kept", platform->name);
    return r < 0 ? r : aws;
}
