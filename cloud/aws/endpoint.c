/*
 * endpoint.c: hosts by partition and service, and the addresses that people
 * configure instead. No network, no waiting.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cloud/aws/aws.h"
#include "cloud/aws/endpoint.h"
#include "common/str.h"

/* clang-format off */
static const struct aws_partition partitions[] = {
    {"aws", "amazonaws.com", "api.aws", "us-east-1",
     "iam.amazonaws.com", "iam-fips.amazonaws.com", "iam.global.api.aws", "iam-fips.global.api.aws", true},
    {"aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "cn-north-1",
     "iam.cn-north-1.amazonaws.com.cn", NULL, "iam.global.api.amazonwebservices.com.cn", NULL, false},
    {"aws-us-gov", "amazonaws.com", "api.aws", "us-gov-west-1",
     "iam.us-gov.amazonaws.com", "iam.us-gov.amazonaws.com", "iam.us-gov.api.aws", "iam.us-gov.api.aws", true},
    {"aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu", "eusc-de-east-1",
     "iam.eusc-de-east-1.amazonaws.eu", "iam-fips.amazonaws.eu", "iam.api.amazonwebservices.eu",
     "iam-fips.api.amazonwebservices.eu", true},
    {"aws-iso", "c2s.ic.gov", "api.aws.ic.gov", "us-iso-east-1",
     "iam.us-iso-east-1.c2s.ic.gov", "iam-fips.us-iso-east-1.c2s.ic.gov", "iam.api.aws.ic.gov",
     "iam-fips.api.aws.ic.gov", true},
    {"aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud", "us-isob-east-1",
     "iam.us-isob-east-1.sc2s.sgov.gov", "iam-fips.us-isob-east-1.sc2s.sgov.gov", "iam.api.aws.scloud",
     "iam-fips.api.aws.scloud", true},
    {"aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", "eu-isoe-west-1",
     "iam.eu-isoe-west-1.cloud.adc-e.uk", "iam-fips.cloud.adc-e.uk", "iam.api.cloud-aws.adc-e.uk",
     "iam-fips.api.cloud-aws.adc-e.uk", true},
    {"aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov", "us-isof-south-1",
     "iam.us-isof-south-1.csp.hci.ic.gov", "iam-fips.csp.hci.ic.gov", "iam.api.aws.hci.ic.gov",
     "iam-fips.api.aws.hci.ic.gov", true},
};

/* What stands before "-word-number". Longer ones need no care: a word has no hyphen. */
static const struct { const char *start; const char *partition; } patterns[] = {
    {"us", "aws"}, {"eu", "aws"}, {"ap", "aws"}, {"sa", "aws"}, {"ca", "aws"}, {"me", "aws"},
    {"af", "aws"}, {"il", "aws"}, {"mx", "aws"},
    {"cn", "aws-cn"}, {"us-gov", "aws-us-gov"}, {"eusc-de", "aws-eusc"},
    {"us-iso", "aws-iso"}, {"us-isob", "aws-iso-b"}, {"eu-isoe", "aws-iso-e"}, {"us-isof", "aws-iso-f"},
};
/* clang-format on */

/* "-word-number" and nothing behind it. */
static bool is_tail(const char *text)
{
    size_t word;
    size_t digits;

    if (*text++ != '-')
        return false;
    word = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");
    if (word == 0 || text[word] != '-')
        return false;
    text += word + 1;
    digits = strspn(text, "0123456789");
    return digits > 0 && text[digits] == '\0';
}

const struct aws_partition *aws_partition_find(const char *region)
{
    for (size_t i = 0; region && i < ARRAY_SIZE(patterns); i++) {
        if (!str_starts(region, patterns[i].start) || !is_tail(region + strlen(patterns[i].start)))
            continue;
        for (size_t j = 0; j < ARRAY_SIZE(partitions); j++) {
            if (strcmp(partitions[j].id, patterns[i].partition) == 0)
                return &partitions[j];
        }
    }
    return NULL;
}

const char *aws_partition_of(const char *region)
{
    const struct aws_partition *partition = aws_partition_find(region);

    return partition ? partition->id : NULL;
}

void aws_endpoint_done(struct aws_endpoint *endpoint)
{
    free(endpoint->scheme);
    free(endpoint->host);
    free(endpoint->prefix);
    free(endpoint->region);
    *endpoint = (struct aws_endpoint){0};
}

/* ---- rules ---- */

static char *host_global(const struct aws_partition *partition, bool dual_stack, bool fips)
{
    const char *host = partition->iam_host;

    if (dual_stack)
        host = fips ? partition->iam_dual_fips : partition->iam_dual;
    else if (fips)
        host = partition->iam_fips;
    return host ? strdup(host) : NULL;
}

static char *host_s3(const struct aws_partition *partition, const char *region, bool dual_stack, bool fips)
{
    if (fips && !partition->s3_fips)
        return NULL;
    return str_format("s3%s%s.%s.%s", fips ? "-fips" : "", dual_stack ? ".dualstack" : "", region,
                      partition->suffix);
}

/* Names that follow a rule of their own; @fips and @dual_stack are what the generic rule shall see. */
static const char *host_label(const struct aws_service_info *service, const struct aws_partition *partition,
                              bool *dual_stack, bool *fips)
{
    bool gov = strcmp(partition->id, "aws-us-gov") == 0, aws = strcmp(partition->id, "aws") == 0;
    bool china = strcmp(partition->id, "aws-cn") == 0;

    /* ECR drops the "api." in its dual-stack names. */
    if (*dual_stack && str_starts(service->host, "api.ecr"))
        return service->host + strlen("api.");
    /* These put the word elsewhere; what is in the government Regions is FIPS as it is. */
    if (*fips && !*dual_stack && (aws || gov) && strcmp(service->id, "sagemaker") == 0) {
        *fips = false;
        return "api-fips.sagemaker";
    }
    if (*fips && !*dual_stack && (aws || gov) && strcmp(service->id, "eks") == 0) {
        *fips = false;
        return gov ? service->host : "fips.eks";
    }
    /* In the oldest partitions the one name of Secrets Manager is dual-stack. */
    if (strcmp(service->id, "secretsmanager") == 0 && (aws || gov || (china && !*fips)))
        *dual_stack = false;
    /* In the government Regions these are FIPS as they are. */
    if (gov && (strcmp(service->id, "events") == 0 ||
                (!*dual_stack && (strcmp(service->id, "sts") == 0 || strcmp(service->id, "ec2") == 0 ||
                                  strcmp(service->id, "rds") == 0))))
        *fips = false;
    return service->host;
}

static char *host_regional(const struct aws_service_info *service, const struct aws_partition *partition,
                           const char *region, bool dual_stack, bool fips)
{
    const char *label = host_label(service, partition, &dual_stack, &fips);

    return str_format("%s%s.%s.%s", label, fips ? "-fips" : "", region,
                      dual_stack ? partition->dual_suffix : partition->suffix);
}

static char *host_build(const struct aws_service_info *service, const struct aws_partition *partition,
                        const char *region, bool dual_stack, bool fips)
{
    if (service->global)
        return host_global(partition, dual_stack, fips);
    if (service->s3)
        return host_s3(partition, region, dual_stack, fips);
    return host_regional(service, partition, region, dual_stack, fips);
}

static const struct aws_partition *partition_need(const char *region, struct err *err)
{
    const struct aws_partition *partition = aws_partition_find(region);

    if (!partition)
        err_set(err, -EINVAL, ERR_INVALID, "unknown Region %.64s", region ? region : "(none)");
    return partition;
}

/* The Region that the signature names: IAM has a home, the others live where they are asked. */
static char *signing_region(const struct aws_service_info *service, const struct aws_partition *partition,
                            const char *region)
{
    return strdup(service->global ? partition->iam_region : region);
}

int aws_endpoint_rule(const struct aws_service_info *service, const char *region, bool dual_stack, bool fips,
                      struct aws_endpoint *ret, struct err *err)
{
    struct aws_endpoint made CLEANUP(aws_endpoint_done) = {0};
    const struct aws_partition *partition = partition_need(region, err);

    if (!partition)
        return -EINVAL;
    made.host = host_build(service, partition, region, dual_stack, fips);
    if (!made.host)
        return err_set(err, -EINVAL, ERR_INVALID, "%s has no%s%s endpoint in %s", service->id,
                       dual_stack ? " dual-stack" : "", fips ? " FIPS" : "", partition->id);
    made.scheme = strdup("https");
    made.prefix = strdup("");
    made.region = signing_region(service, partition, region);
    if (!made.scheme || !made.prefix || !made.region)
        return err_no_memory(err);
    *ret = made;
    made = (struct aws_endpoint){0};
    return 0;
}

/* ---- configured addresses ---- */

/* "host", "host:port", "[v6]:port": lower case, without the scheme's own port. */
static char *host_clean(const char *text, size_t size, bool https)
{
    const char *own = https ? ":443" : ":80";
    char *host = strndup(text, size);

    if (!host)
        return NULL;
    for (char *c = host; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    if (str_ends(host, own))
        host[strlen(host) - strlen(own)] = '\0';
    return host;
}

static bool is_host(const char *text, size_t size)
{
    if (size == 0 || size > 512)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (!isalnum((unsigned char)text[i]) && !strchr(".-_:[]", text[i]))
            return false;
    }
    return true;
}

static bool is_path(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f || *text == '?' || *text == '#')
            return false;
    }
    return true;
}

/* "http://host:port/prefix". A user or a query in it is refused: it would not go where it seems to. */
static int configured(const char *url, struct aws_endpoint *ret, struct err *err)
{
    bool https = str_starts(url, "https://");
    const char *host = https ? url + 8 : url + 7;
    size_t size;

    if (!https && !str_starts(url, "http://"))
        return err_set(err, -EINVAL, ERR_INVALID, "endpoint %.200s is neither http:// nor https://", url);
    size = strcspn(host, "/?#");
    if (!is_host(host, size) || !is_path(host + size))
        return err_set(err, -EINVAL, ERR_INVALID, "endpoint is no plain address: %.200s",
                       strchr(url, '@') ? "(with a user name)" : url);
    ret->scheme = strdup(https ? "https" : "http");
    ret->host = host_clean(host, size, https);
    ret->prefix = strdup(host + size);
    if (!ret->scheme || !ret->host || !ret->prefix)
        return err_no_memory(err);
    while (str_ends(ret->prefix, "/"))
        ret->prefix[strlen(ret->prefix) - 1] = '\0';
    ret->custom = true;
    return 0;
}

static void lower_copy(const char *text, char *ret, size_t size)
{
    size_t i = 0;

    for (; text[i] && i + 1 < size; i++)
        ret[i] = (char)tolower((unsigned char)text[i]);
    ret[i] = '\0';
}

/* The first of: variable of the service, variable of all, services section, profile. */
static const char *configured_url(const struct aws_service_info *service, const struct aws_profiles *profiles)
{
    char variable[96];
    char section[64];
    const char *url;
    int n = snprintf(variable, sizeof variable, "AWS_ENDPOINT_URL_%s", service->env);

    if (n < 0 || (size_t)n >= sizeof variable)
        return NULL;
    if (aws_profiles_flag(profiles, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls"))
        return NULL;
    lower_copy(service->env, section, sizeof section);
    url = aws_env(variable);
    if (!url)
        url = aws_env("AWS_ENDPOINT_URL");
    if (!url)
        url = aws_profiles_service(profiles, section);
    if (!url)
        url = aws_profiles_setting(profiles, NULL, "endpoint_url");
    return url;
}

static int resolve_configured(const struct aws_service_info *service, const char *region, const char *url,
                              struct aws_endpoint *ret, struct err *err)
{
    struct aws_endpoint made CLEANUP(aws_endpoint_done) = {0};
    const struct aws_partition *partition = partition_need(region, err);
    int r;

    if (!partition)
        return -EINVAL;
    r = configured(url, &made, err);
    if (r < 0)
        return r;
    made.region = signing_region(service, partition, region);
    if (!made.region)
        return err_no_memory(err);
    *ret = made;
    made = (struct aws_endpoint){0};
    return 0;
}

int aws_endpoint_resolve(const struct aws_service_info *service, const char *region,
                         const struct aws_profiles *profiles, struct aws_endpoint *ret, struct err *err)
{
    const char *url;

    if (!profiles)
        return aws_endpoint_rule(service, region, false, false, ret, err);
    url = configured_url(service, profiles);
    if (url)
        return resolve_configured(service, region, url, ret, err);
    return aws_endpoint_rule(
        service, region, aws_profiles_flag(profiles, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"),
        aws_profiles_flag(profiles, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"), ret, err);
}

/* A name with dots does not fit the certificate *.s3.REGION...; one with odd letters is no host name. */
bool aws_endpoint_bucket_in_host(const struct aws_endpoint *endpoint, const char *bucket)
{
    size_t size = bucket ? strlen(bucket) : 0;

    if (endpoint->custom || size < 3 || size > 63 || bucket[0] == '-' || bucket[size - 1] == '-')
        return false;
    return strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789-") == size;
}
