/*
 * ctl.h: what the files of mlopsctl share: one run of one command.
 */
#ifndef MLOPSD_CTL_CTL_H
#define MLOPSD_CTL_CTL_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "view/view.h"

#define EXIT_DONE    0
#define EXIT_FAILED  1
#define EXIT_CHANGES 2
#define EXIT_USAGE   64

enum option_flag {
    OPTION_PLATFORM = 1 << 0,
    OPTION_DETAILED = 1 << 1,
    OPTION_REVEAL = 1 << 2,
    OPTION_RAW = 1 << 3,
    OPTION_ALL = 1 << 4,
    OPTION_LONG = 1 << 5,
    OPTION_LIMIT = 1 << 6,
    OPTION_WHY = 1 << 7,
    OPTION_YES = 1 << 8,
    OPTION_TFSTATE = 1 << 9,
};

struct ctl {
    const char *socket; /* NULL = the usual places */
    bool json, color, is_terminal;
    unsigned width, height; /* of the terminal; 0 = not one */
    unsigned options;       /* flags that were given */
    const char *platform, *why, *tfstate;
    long long limit;
    const struct command *command;
    size_t argument_count;
    const char *const *arguments;
};

struct command {
    const char *name;      /* "state list" */
    const char *arguments; /* "ADDRESS": for help */
    const char *help;      /* one line */
    size_t least, most;    /* arguments */
    unsigned options;      /* allowed flags */
    const char *method;    /* "Status"; NULL = no daemon is asked */
    /** Parameters beside "platform", from the arguments; may be NULL. 0 or -ENOMEM. */
    int (*fill)(const struct ctl *ctl, struct json_object *parameters);
    /** Show the answer; returns the exit status. */
    int (*show)(const struct ctl *ctl, struct json_object *reply);
    /** Instead of method, fill and show. */
    int (*run)(const struct ctl *ctl);
};
extern const struct command commands[]; /* ends with a NULL name */

/** A view whose text ctl_print() sends to stdout. */
struct view ctl_view(const struct ctl *ctl, struct buf *out);
/** Write to stdout. EXIT_DONE, or EXIT_FAILED with the reason on stderr. */
int ctl_print(const struct buf *out);
int ctl_print_json(const struct ctl *ctl, struct json_object *document);
/** "mlopsctl: TEXT" on stderr; returns EXIT_FAILED. */
int ctl_fail(const char *format, ...) PRINTF_LIKE(1, 2);
int ctl_usage(const char *format, ...) PRINTF_LIKE(1, 2); /* returns EXIT_USAGE */
const char *ctl_socket(const struct ctl *ctl, struct buf *space);

const char *ctl_version(void);
int ctl_help(const struct ctl *ctl);

/* ---- call.c ---- */

struct varlink_client;
/** Connect; on failure tells, and returns NULL. */
struct varlink_client *ctl_connect(const struct ctl *ctl);
/** What was asked for as parameters: platform and what command->fill adds. NULL (told) without memory. */
struct json_object *ctl_parameters(const struct ctl *ctl);
/** A command of one call and one answer. */
int ctl_call(const struct ctl *ctl);

/* ---- stream.c ---- */
int ctl_apply(const struct ctl *ctl);
/** Call @method with @take_parameters, show its events, and its last answer; returns the exit status. */
int ctl_follow(const struct ctl *ctl, const char *method, struct json_object *take_parameters);
int ctl_watch(const struct ctl *ctl);

/* ---- destroy.c ---- */
int ctl_destroy(const struct ctl *ctl);

/* ---- import.c ---- */
int ctl_import(const struct ctl *ctl);

/* ---- import_tfstate.c ---- */
int ctl_import_tfstate(const struct ctl *ctl);

/* ---- confirm.c ---- */
/** May this command ask a person? Else it has said that it wants --yes. */
bool ctl_may_ask(const struct ctl *ctl, const char *what);
/** Ask on the terminal for @word: true when it was typed, false otherwise (told). */
bool ctl_confirm(const char *question, const char *word);

/* ---- offline.c, explain.c ---- */
int ctl_validate(const struct ctl *ctl);
int ctl_explain(const struct ctl *ctl);

#endif
