/*
 * profile.h: the AWS configuration files (~/.aws/config, ~/.aws/credentials)
 * and the environment variables that go with them, as settings.
 */
#ifndef MLOPSD_CLOUD_AWS_PROFILE_H
#define MLOPSD_CLOUD_AWS_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/macro.h"

#define AWS_FILE_MAX (1u << 20) /* bytes of a configuration file */

/* ---- one file ---- */

/** "key" or, for an indented block under an empty value, "key.sub". Keys are in lower case. */
struct aws_setting {
    char *key;
    char *value; /* may be a secret: wiped when released */
};

struct aws_section {
    char *name; /* as written between the brackets, blanks trimmed, quotes removed */
    struct aws_setting *settings;
    size_t count;
};

struct aws_ini {
    struct aws_section *sections;
    size_t count;
};

/**
 * Parse @size_bytes of text. Sections that come twice are joined, and of equal
 * keys the last wins. -EINVAL (ERR_INVALID) names the line; the message never
 * holds anything of the file but a line number. -EMSGSIZE for more than AWS_FILE_MAX bytes.
 */
int aws_ini_parse(const char *text, size_t size_bytes, struct aws_ini *ret, struct err *err);
const char *aws_ini_get(const struct aws_ini *ini, const char *section, const char *key); /* borrowed */
bool aws_ini_has(const struct aws_ini *ini, const char *section);
void aws_ini_done(struct aws_ini *ini);

/* ---- both files and the profile in force ---- */

struct aws_profiles;

/** Where a setting may come from. */
enum aws_file { AWS_FILE_ANY, AWS_FILE_CREDENTIALS, AWS_FILE_CONFIG };

/**
 * Read both files; a missing one is empty. @explicit_profile: NULL = AWS_PROFILE,
 * AWS_DEFAULT_PROFILE, "default". -EINVAL for a file that can not be parsed, other errno
 * for one that can not be read; a profile that was named but is in no file is -EINVAL (ERR_CREDENTIALS).
 */
int aws_profiles_load(const char *explicit_profile, struct aws_profiles **ret, struct err *err);
struct aws_profiles *aws_profiles_free(struct aws_profiles *profiles);
static inline void aws_profiles_freep(struct aws_profiles **profiles)
{
    aws_profiles_free(*profiles);
}
/** Did one of the files change since it was read? */
bool aws_profiles_stale(const struct aws_profiles *profiles);

const char *aws_profiles_name(const struct aws_profiles *profiles); /* borrowed, as all below */
bool aws_profiles_has(const struct aws_profiles *profiles, const char *profile);
/** The credentials file wins where both have the key. */
const char *aws_profiles_get(const struct aws_profiles *profiles, enum aws_file file, const char *profile,
                             const char *key);
/** @variable of the environment, else @key of the profile in force; NULL or "" = not set. */
const char *aws_profiles_setting(const struct aws_profiles *profiles, const char *variable, const char *key);
bool aws_profiles_flag(const struct aws_profiles *profiles, const char *variable, const char *key);
/** endpoint_url of a service in the profile's services section; NULL when there is none. */
const char *aws_profiles_service(const struct aws_profiles *profiles, const char *service);

/** Environment variable, NULL when unset or empty. */
const char *aws_env(const char *name);

#endif
