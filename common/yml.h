/*
 * yml.h: YAML 1.2 text to a tree that knows where everything stood.
 *
 * Narrowed on purpose: no anchors, aliases, tags, merge keys or second
 * documents; keys are strings and unique. Plain scalars are typed by the core
 * schema, narrowed again: booleans are true and false only, integers are decimal;
 * quoted text is always a string. So "no" and "on" are strings.
 */
#ifndef MLOPSD_COMMON_YML_H
#define MLOPSD_COMMON_YML_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum yml_kind { YML_NULL, YML_STRING, YML_INTEGER, YML_NUMBER, YML_BOOLEAN, YML_LIST, YML_MAP, YML_KIND_MAX };

/** 1-based, columns count characters (not bytes). */
struct yml_mark {
    uint32_t line, column;
};

struct yml {
    enum yml_kind kind;
    char *key; /* in a map: its key; else NULL */
    struct yml_mark key_mark;
    struct yml_mark start, end;
    char *text; /* scalars: the text as written, unquoted; NULL otherwise */
    bool quoted;
    struct yml **children; /* LIST and MAP */
    size_t count;
};

/** One complaint about a text: place and what to do. */
struct problem {
    char *file;           /* as given */
    struct yml_mark mark; /* line 0 = the whole file */
    char *text;
    char *excerpt; /* the offending line, without newline; NULL when unknown */
};
/** A growing list of complaints: all mistakes are reported in one go, sorted by place, up to 20. */
struct problems {
    struct problem *items;
    size_t count;
    size_t dropped; /* beyond the limit */
};
#define PROBLEMS_MAX 20
/** @source: the text of the file to cut the excerpt from; may be NULL. */
void problems_add(struct problems *problems, const char *file, struct yml_mark mark, const char *source,
                  const char *format, ...) PRINTF_LIKE(5, 6);
void problems_sort(struct problems *problems);
/**
 * "etc/x.yaml:12:5: error: text" + newline + "   12 | the line" + newline + caret line, per problem; a last line
 * counts those not shown. Owned by the caller; NULL without memory.
 */
char *problems_text(const struct problems *problems);
/** The same of complaints that stop nothing: "warning" stands for "error". */
char *warnings_text(const struct problems *warnings);
void problems_done(struct problems *problems);

/**
 * Parse @text (at most 1 MiB, depth 32, 100,000 nodes).
 * Return 0 with *ret owned by the caller (never NULL; an empty file is YML_NULL),
 * or -EBADMSG with at least one problem added, or -ENOMEM.
 */
int yml_parse(const char *file, const char *text, size_t size_bytes, struct yml **ret,
              struct problems *problems);
struct yml *yml_free(struct yml *node);
/** Child of a map by key; NULL when missing or no map. Borrowed. */
const struct yml *yml_get(const struct yml *map, const char *key);
/** The tree as JSON (typed as above); owned; NULL without memory or for null. */
struct json_object *yml_to_json(const struct yml *node);
/** "a string", "a list", ...: for messages. */
const char *yml_kind_name(enum yml_kind kind);

/** Read a whole file of at most @max_bytes. 0, or negative errno with @err ("cannot read PATH: ..."). Owned, NUL-terminated. */
int file_read(const char *path, size_t max_bytes, char **ret, size_t *ret_size_bytes, struct err *err);

#endif
