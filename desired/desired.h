/*
 * desired.h: from files to a graph of desired resources.
 *
 * Two kinds of files: the daemon's (mlopsd.yaml) and one per platform, with the
 * blueprint it names. Everything is checked against the kinds' tables; all
 * mistakes are reported in one go, each with file, line, column and the line itself.
 * Pure but for reading files; knows nothing of clouds or of the state.
 */
#ifndef MLOPSD_DESIRED_DESIRED_H
#define MLOPSD_DESIRED_DESIRED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/log.h"
#include "common/str.h"
#include "common/yml.h"
#include "kinds/kind.h"

/* ---- the daemon's file ---- */

struct daemon_config {
    char *file;          /* as given */
    char *state_dir;     /* absolute; NULL = not in the file: $STATE_DIRECTORY decides */
    char *socket;        /* NULL = $RUNTIME_DIRECTORY/mlopsd.sock */
    char *platforms_dir; /* absolute: "platforms" beside the file, default platforms.d */
    char *
        blueprints_dir; /* absolute: "blueprints" beside the file, default blueprints, then DATADIR/mlopsd/blueprints */
    uint64_t poll_interval_ms; /* default 60000; 1 s .. 1 d */
    enum log_format log_format;
    enum log_level log_level;
    char *access_group; /* who may change things besides root: default "mlopsd" */
};
/** 0; -EBADMSG with problems; -ENOENT etc. as a problem with line 0. *ret owned, untouched on failure. */
int daemon_config_load(const char *path, struct daemon_config **ret, struct problems *problems);
struct daemon_config *daemon_config_free(struct daemon_config *config);

/* ---- a platform's graph ---- */

/** Where a value stood. Borrowed file name: lives as long as the graph. */
struct place {
    const char *file;
    struct yml_mark mark;
};

/** Where a secret that the daemon does not make itself comes from. */
struct credential_source {
    char *credential;  /* systemd credential name: $CREDENTIALS_DIRECTORY/NAME */
    char *file;        /* or a file that only its owner may read */
    char *environment; /* or a variable (for trying out; refused by nobody, warned about) */
};

struct desired_resource {
    char *address;                    /* aws_iam_role.github_actions, aws_subnet.public["a"] */
    char *type, *name, *instance_key; /* key under for_each, or NULL */
    const struct kind *kind;
    char *body; /* canonical JSON of the fields: defaults filled in, var/each/aws/github.* static values put
                               in; strings may still hold ${TYPE.NAME.ATTR} and run-time built-ins. A secret that was
                               written out in the file stands here as it is: never store or show a body, but graph.text */
    bool adopt; /* take over an existing, unmarked thing of that name */
    bool allow_wide_trust;
    size_t *needs; /* indexes of the resources this one refers to or depends on, sorted, unique */
    size_t needs_count;
    struct place place;
    struct field_place { /* where each field stood, by dotted path; sorted by path */
        char *path;
        struct place place;
    } * places;
    size_t places_count;
};

struct desired_output {
    char *name;
    char *value;       /* canonical JSON; strings may hold references */
    bool sensitive;    /* true also where the value refers to something sensitive */
    char *description; /* may be NULL */
};

enum on_drift { ON_DRIFT_HEAL, ON_DRIFT_ALERT };

struct desired_policy {
    enum on_drift on_drift;
    struct strv protect; /* addresses: never deleted or replaced */
    bool approve_create, approve_update, approve_replace, approve_delete;
    struct ignore_rule {
        char *address, *path;
    } * ignore;
    size_t ignore_count;
};

struct graph {
    char *platform; /* name: [a-z0-9-], 1..40 */
    char *file;
    char *blueprint, *blueprint_file, *blueprint_dir; /* NULL without one; the folder as an absolute path */
    struct {
        bool configured;
        char *account_id; /* 12 digits; required with AWS resources */
        char *region, *partition, *profile;
    } aws;
    struct {
        bool configured;
        char *repository, *owner, *name; /* "john-doe/mlops-project", "john-doe", "mlops-project" */
        char *api_url;                   /* NULL = GITHUB_API_URL or github.com */
        bool has_token;
        struct credential_source token;
        char *app_id, *app_installation_id; /* or an App */
        struct credential_source app_private_key;
        uint64_t write_interval_ms; /* 0 = default */
    } github;
    uint64_t poll_interval_ms; /* 0 = the daemon's */
    struct desired_policy policy;
    struct desired_resource *resources; /* in an order where needs come first */
    size_t count;
    size_t *by_address;             /* indexes of resources, sorted by address: for graph_find() */
    struct desired_output *outputs; /* sorted by name */
    size_t outputs_count;
    struct credential_use { /* ${credential.NAME} used anywhere */
        char *name;
    } * credentials;
    size_t credentials_count;
    bool is_frame; /* read back from a generation: settings only, see graph_frame() */
    char *text;    /* canonical JSON of all of it, without secrets: what a generation is */
    char *digest;  /* hex SHA-256 of text */
};

/**
 * Read one platform file and its blueprint. @config may be NULL (then blueprints are looked for beside
 * the file and in DATADIR). Warnings are problems too: @ret_warnings may be NULL.
 * 0 with *ret owned; -EBADMSG with @problems.
 */
int graph_load(const struct daemon_config *config, const char *path, struct graph **ret,
               struct problems *problems, struct problems *warnings);
/**
 * The settings of a platform (account, repository, policy) out of @text, a generation's, without its resources: for
 * a platform whose file is gone. Its digest fits no file.
 */
int graph_frame(const char *text, const char *file, struct graph **ret, struct err *err);
struct graph *graph_free(struct graph *graph);
const struct desired_resource *graph_find(const struct graph *graph, const char *address);
/** Place of a field of a resource: the longest known prefix of @path; the resource itself at worst. */
struct place graph_place(const struct desired_resource *resource, const char *path);
/** All platform files of the directory (*.yaml, *.yml), sorted; -ENOENT etc. as a problem. */
int platform_files(const char *directory, struct strv *ret, struct problems *problems);

#endif
