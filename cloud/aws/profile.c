/*
 * profile.c: which profile is in force and what it says. Reads two small local
 * files on the loop thread; ini.c parses them.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cloud/aws/profile.h"
#include "common/str.h"

/* A file as it was when it was read. */
struct source {
    char *path; /* NULL: there is no place to look */
    bool exists;
    struct timespec modified;
    off_t size;
    ino_t inode;
    struct aws_ini ini;
};

struct aws_profiles {
    struct source config;
    struct source credentials;
    char *name;
};

const char *aws_env(const char *name)
{
    const char *value = getenv(name);

    return str_empty(value) ? NULL : value;
}

/* The variable's path, else one below the home directory; "~/" is expanded. NULL without a home. */
static int path_find(const char *variable, const char *below_home, char **ret)
{
    const char *home = aws_env("HOME");
    const char *given = aws_env(variable);
    char *path;

    if (given && !str_starts(given, "~/")) {
        path = strdup(given);
    } else if (home) {
        path = str_format("%s/%s", home, given ? given + 2 : below_home);
    } else {
        *ret = NULL;
        return 0;
    }
    if (!path)
        return -ENOMEM;
    *ret = path;
    return 0;
}

static int read_all(int fd, struct buf *ret)
{
    char chunk[4096];
    ssize_t size = 0;

    do {
        size = read(fd, chunk, sizeof chunk);
        if (size > 0)
            buf_add(ret, chunk, (size_t)size);
    } while ((size > 0 && !ret->failed) || (size < 0 && errno == EINTR));
    sodium_memzero(chunk, sizeof chunk);
    return size < 0 ? -errno : ret->failed;
}

static int source_read(struct source *source, int fd, struct err *err)
{
    struct buf text CLEANUP(buf_wipe) = BUF_INIT(AWS_FILE_MAX);
    struct stat status;
    int r;

    if (fstat(fd, &status) < 0)
        return err_set(err, -errno, ERR_CREDENTIALS, "%s", strerror(errno));
    if (!S_ISREG(status.st_mode))
        return err_set(err, -EINVAL, ERR_CREDENTIALS, "not a plain file");
    source->exists = true;
    source->modified = status.st_mtim;
    source->size = status.st_size;
    source->inode = status.st_ino;
    r = read_all(fd, &text);
    if (r < 0)
        return err_set(err, r, ERR_CREDENTIALS, "%s", strerror(-r));
    return aws_ini_parse(buf_text(&text), text.size, &source->ini, err);
}

static int source_load(struct source *source, const char *variable, const char *below_home, struct err *err)
{
    int fd;
    int r = path_find(variable, below_home, &source->path);

    if (r < 0)
        return err_no_memory(err);
    if (source->path && str_equal(source->path, "/dev/null")) /* the usual way to say: no file */
        free(TAKE(source->path));
    if (!source->path)
        return 0;
    fd = open(source->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (fd < 0)
        return err_set(err, -errno, ERR_CREDENTIALS, "%s: %s", source->path, strerror(errno));
    r = source_read(source, fd, err);
    close(fd);
    return r < 0 ? err_wrap(err, r, "%s", source->path) : 0;
}

static bool source_stale(const struct source *source)
{
    struct stat status;

    if (!source->path)
        return false;
    if (stat(source->path, &status) < 0)
        return source->exists;
    return !source->exists || status.st_mtim.tv_sec != source->modified.tv_sec ||
           status.st_mtim.tv_nsec != source->modified.tv_nsec || status.st_size != source->size ||
           status.st_ino != source->inode;
}

bool aws_profiles_stale(const struct aws_profiles *profiles)
{
    return source_stale(&profiles->config) || source_stale(&profiles->credentials);
}

/* config: [default] or [profile x]; credentials: [x]. */
static const char *config_get(const struct aws_profiles *profiles, const char *profile, const char *key)
{
    char *section CLEANUP_FREE = str_format("profile %s", profile);
    const char *value = section ? aws_ini_get(&profiles->config.ini, section, key) : NULL;

    if (!value && strcmp(profile, "default") == 0)
        value = aws_ini_get(&profiles->config.ini, "default", key);
    return value;
}

const char *aws_profiles_get(const struct aws_profiles *profiles, enum aws_file file, const char *profile,
                             const char *key)
{
    const char *value = NULL;

    if (file != AWS_FILE_CONFIG)
        value = aws_ini_get(&profiles->credentials.ini, profile, key);
    if (!value && file != AWS_FILE_CREDENTIALS)
        value = config_get(profiles, profile, key);
    return str_empty(value) ? NULL : value;
}

bool aws_profiles_has(const struct aws_profiles *profiles, const char *profile)
{
    char *section CLEANUP_FREE = str_format("profile %s", profile);

    return aws_ini_has(&profiles->credentials.ini, profile) ||
           (section && aws_ini_has(&profiles->config.ini, section)) ||
           (strcmp(profile, "default") == 0 && aws_ini_has(&profiles->config.ini, "default"));
}

const char *aws_profiles_name(const struct aws_profiles *profiles)
{
    return profiles->name;
}

const char *aws_profiles_setting(const struct aws_profiles *profiles, const char *variable, const char *key)
{
    const char *value = variable ? aws_env(variable) : NULL;

    return value ? value : aws_profiles_get(profiles, AWS_FILE_ANY, profiles->name, key);
}

bool aws_profiles_flag(const struct aws_profiles *profiles, const char *variable, const char *key)
{
    return str_equal_nocase(aws_profiles_setting(profiles, variable, key), "true");
}

const char *aws_profiles_service(const struct aws_profiles *profiles, const char *service)
{
    const char *services = aws_profiles_get(profiles, AWS_FILE_ANY, profiles->name, "services");
    char *section CLEANUP_FREE = services ? str_format("services %s", services) : NULL;
    char *key CLEANUP_FREE = str_format("%s.endpoint_url", service);
    const char *value = section && key ? aws_ini_get(&profiles->config.ini, section, key) : NULL;

    return str_empty(value) ? NULL : value;
}

/* A profile that somebody asked for by name must be there; "default" need not. */
static int name_choose(struct aws_profiles *profiles, const char *explicit_profile, struct err *err)
{
    const char *name = explicit_profile;

    if (!name)
        name = aws_env("AWS_PROFILE");
    if (!name)
        name = aws_env("AWS_DEFAULT_PROFILE");
    profiles->name = strdup(name ? name : "default");
    if (!profiles->name)
        return err_no_memory(err);
    if (name && !aws_profiles_has(profiles, name) && (explicit_profile || strcmp(name, "default") != 0))
        return err_set(err, -EINVAL, ERR_CREDENTIALS, "profile %s is in neither %s nor %s", name,
                       profiles->config.path ? profiles->config.path : "(no config file)",
                       profiles->credentials.path ? profiles->credentials.path : "(no credentials file)");
    return 0;
}

int aws_profiles_load(const char *explicit_profile, struct aws_profiles **ret, struct err *err)
{
    struct aws_profiles *profiles CLEANUP(aws_profiles_freep) = calloc(1, sizeof *profiles);
    int r;

    if (!profiles)
        return err_no_memory(err);
    r = source_load(&profiles->config, "AWS_CONFIG_FILE", ".aws/config", err);
    if (r == 0)
        r = source_load(&profiles->credentials, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", err);
    if (r == 0)
        r = name_choose(profiles, explicit_profile, err);
    if (r < 0)
        return r;
    *ret = TAKE(profiles);
    return 0;
}

struct aws_profiles *aws_profiles_free(struct aws_profiles *profiles)
{
    if (!profiles)
        return NULL;
    aws_ini_done(&profiles->config.ini);
    aws_ini_done(&profiles->credentials.ini);
    free(profiles->config.path);
    free(profiles->credentials.path);
    free(profiles->name);
    free(profiles);
    return NULL;
}
