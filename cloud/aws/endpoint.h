/*
 * endpoint.h: where a service of a Region lives, and what its signature must name.
 */
#ifndef MLOPSD_CLOUD_AWS_ENDPOINT_H
#define MLOPSD_CLOUD_AWS_ENDPOINT_H

#include <stdbool.h>

#include "cloud/aws/operations.h"
#include "cloud/aws/profile.h"
#include "common/err.h"

/** One of AWS's separate worlds. Static. */
struct aws_partition {
    const char *id;                                             /* "aws" */
    const char *suffix;                                         /* "amazonaws.com" */
    const char *dual_suffix;                                    /* "api.aws" */
    const char *iam_region;                                     /* IAM's home: what its signature names */
    const char *iam_host, *iam_fips, *iam_dual, *iam_dual_fips; /* NULL = there is none */
    bool s3_fips;
};

/** Partition by the Region's pattern; NULL when none fits. */
const struct aws_partition *aws_partition_find(const char *region);

/** Zero; release with aws_endpoint_done(). */
struct aws_endpoint {
    char *scheme; /* "https" */
    char *host;   /* lower case, with the port when it is not the scheme's own */
    char *prefix; /* path of a configured endpoint, "" or "/x", no slash at the end */
    char *region; /* the signature's */
    bool custom;  /* configured: no bucket in the host */
};

/**
 * @profiles may be NULL: then only the rules count, without the environment too.
 * -EINVAL (ERR_INVALID) for an unknown Region, a configured address that is none, or a
 * combination of dual-stack and FIPS that the service does not have.
 */
int aws_endpoint_resolve(const struct aws_service_info *service, const char *region,
                         const struct aws_profiles *profiles, struct aws_endpoint *ret, struct err *err);
/** The rules alone. */
int aws_endpoint_rule(const struct aws_service_info *service, const char *region, bool dual_stack, bool fips,
                      struct aws_endpoint *ret, struct err *err);
void aws_endpoint_done(struct aws_endpoint *endpoint);

/** Does @bucket go into the host name of @endpoint? */
bool aws_endpoint_bucket_in_host(const struct aws_endpoint *endpoint, const char *bucket);

#endif
