/*
 * credentials.h: whose keys sign, where they come from, and when they are made anew.
 *
 * The chain asks its sources in order; the first that is configured decides,
 * and its failure is a failure, not a reason to try the next. Left out on
 * purpose: sign-in through SSO (a clear refusal says what to do instead).
 */
#ifndef MLOPSD_CLOUD_AWS_CREDENTIALS_H
#define MLOPSD_CLOUD_AWS_CREDENTIALS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "cloud/aws/profile.h"
#include "cloud/aws/sigv4.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/fiber.h"
#include "common/http.h"

struct aws;

/** One set of keys with what is known about it. Release with aws_credentials_done(). */
struct aws_credentials {
    struct aws_keys keys;
    int64_t expires_ms; /* Unix time; 0 = never */
    char *identity;     /* equal texts = surely the same principal */
    const char *source; /* for messages: "the environment"; static */
};
void aws_credentials_done(struct aws_credentials *credentials);
#define CLEANUP_CREDENTIALS CLEANUP(aws_credentials_done)
/** Take over @from; the old content of @to is wiped. */
void aws_credentials_move(struct aws_credentials *to, struct aws_credentials *from);
/** Fill from three texts; @token and @identity may be NULL (then the key id). -EINVAL for keys with odd bytes. */
int aws_credentials_set(struct aws_credentials *credentials, const char *source, const char *id,
                        const char *secret, const char *token, const char *identity, struct err *err);

struct aws_credentials_waiter;

/** The keys in force. Embedded in struct aws, zeroed at first. */
struct aws_chain {
    struct aws_credentials current; /* keys.id is NULL when there are none yet */
    uint64_t generation;            /* counts the sets that were in force */
    bool refreshing;
    struct aws_credentials_waiter *waiters;
    struct err failure;       /* of the last refresh; code 0 when it went well */
    uint64_t failed_at_ms;    /* monotonic, as all below */
    uint64_t refreshed_at_ms; /* the last refresh that went well */
    uint64_t looked_at_ms;    /* when the files were last looked at */
};

/**
 * May wait. On return 0 @aws->chain.current holds keys that are good for now.
 * @stale  generation that a service refused, 0 = none: newer keys are fetched.
 */
int aws_chain_ensure(struct aws *aws, uint64_t stale, struct err *err);
void aws_chain_done(struct aws_chain *chain);

/* ---- sources: 1 = found, 0 = not configured, negative = error. All may wait. ---- */

int aws_source_environment(struct aws *aws, struct aws_credentials *ret, struct err *err);
int aws_source_static(struct aws *aws, enum aws_file file, const char *profile, struct aws_credentials *ret,
                      struct err *err);
/** role_arn with source_profile or credential_source; follows chains of profiles. */
int aws_source_role(struct aws *aws, const char *profile, struct aws_credentials *ret, struct err *err);
/** Environment first (unless @profile_only), then the profile. */
int aws_source_web_identity(struct aws *aws, const char *profile, bool profile_only,
                            struct aws_credentials *ret, struct err *err);
int aws_source_sso(struct aws *aws, const char *profile, struct err *err); /* 0 or the refusal */
int aws_source_process(struct aws *aws, const char *profile, struct aws_credentials *ret, struct err *err);
int aws_source_container(struct aws *aws, struct aws_credentials *ret, struct err *err);
int aws_source_imds(struct aws *aws, struct aws_credentials *ret, struct err *err);
/** Everything one profile can say, without what the environment says. */
int aws_source_profile(struct aws *aws, const char *profile, struct aws_credentials *ret, struct err *err);

/* ---- pieces, for tests and fuzzers ---- */

/** Split a command line as a shell would (quotes, backslashes), without expanding anything. -EINVAL. */
int aws_process_split(const char *line, struct strv *ret);
/** {"Version": 1, "AccessKeyId": ...} of credential_process. The tree is wiped. */
int aws_process_parse(const char *text, size_t size_bytes, struct aws_credentials *ret, struct err *err);
/** {"AccessKeyId", "SecretAccessKey", "Token", "Expiration", "Code"} of the metadata services. */
int aws_metadata_parse(const char *text, size_t size_bytes, const char *source, struct aws_credentials *ret,
                       struct err *err);
/** May a container's token go to this address? https, loopback, and the fixed addresses of ECS and EKS. */
bool aws_container_url_ok(const char *url);
/** Overwrite the text of a member before the tree goes. */
void aws_wipe_member(struct json_object *object, const char *key);

#endif
