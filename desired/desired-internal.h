/*
 * desired-internal.h: what the files of desired/ share.
 *
 *   text → source (YAML tree) → node (merged, static references put in)
 *        → schema (JSON, defaults filled in, places kept) → draft → graph
 *
 * Every step reports what it finds and goes on, so that all mistakes of all files are told in
 * one go. What could not be understood becomes a "poisoned" node: later steps pass over it in silence.
 */
#ifndef MLOPSD_DESIRED_DESIRED_INTERNAL_H
#define MLOPSD_DESIRED_DESIRED_INTERNAL_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"
#include "common/yml.h"
#include "desired/desired.h"
#include "desired/reference.h"
#include "kinds/field.h"

/* Ceilings for what a file may make of itself. */
#define RESOURCES_MAX     20000
#define INSTANCES_MAX     1000   /* for_each of one resource */
#define EDGES_MAX         500000 /* of the whole graph */
#define OUTPUTS_MAX       1000
#define REFERENCES_MAX    100        /* in one string */
#define TEXT_MAX_BYTES    (64 << 10) /* one string after values were put in */
#define BODY_MAX_BYTES    (1 << 20)
#define GRAPH_MAX_BYTES   (64 << 20) /* all bodies together */
#define NODES_MAX         4000000    /* of all trees after references and for_each, texts by the 64 bytes */
#define DEPTH_MAX         24         /* of a body; js_parse() takes 32 */
#define FREE_PLACES_DEPTH 8          /* places kept inside a policy or document */
#define FILE_MAX_BYTES    (1 << 20)
#define NAME_MAX_LENGTH   64

/* ---- sources and reports (source.c) ---- */

/** One file: its text is kept until validation is over, since excerpts are cut from it. */
struct source {
    const char *path; /* as given; borrowed from the graph or the configuration */
    char *text;
    struct yml *root;
};

/** Where complaints go. Zeroed but for the lists. */
struct report {
    struct problems *problems;
    struct problems *warnings; /* may be NULL */
    const struct source *sources[2];
    size_t start; /* complaints that were there before us */
    size_t nodes; /* made by substitute() so far: NODES_MAX is the end */
    int failed;   /* 0 or -ENOMEM, sticky */
};

void report_init(struct report *report, struct problems *problems, struct problems *warnings);
void report_problem(struct report *report, struct place place, const char *format, ...) PRINTF_LIKE(3, 4);
/** Without the line itself: it may hold a secret. */
void report_hidden(struct report *report, struct place place, const char *format, ...) PRINTF_LIKE(3, 4);
void report_warning(struct report *report, struct place place, const char *format, ...) PRINTF_LIKE(3, 4);
void report_no_memory(struct report *report);
/** Complaints since report_init(). */
size_t report_count(const struct report *report);
/** 0, -EBADMSG when something was reported, -ENOMEM. */
int report_result(const struct report *report);

/** Read and parse. The source is known to the report from then on. 0, -EBADMSG (reported), -ENOMEM. */
int source_load(struct source *source, const char *path, struct report *report);
void source_done(struct source *source);

/* ---- words (words.c) ---- */

/** The closest spelling of a word among candidates. */
struct nearest {
    const char *text;
    const char *best;
    unsigned distance;
};
#define NEAREST(text) ((struct nearest){(text), NULL, 0})
void nearest_offer(struct nearest *nearest, const char *candidate);
/** Format helper: "; did you mean \"x\"?" or "", owned; NULL without memory. */
char *nearest_hint(const struct nearest *nearest);

/** Directory of a path, absolute; join; both owned, NULL without memory. */
char *path_directory(const char *path);
char *path_join(const char *directory, const char *path); /* @path itself when it is absolute */
bool file_exists(const char *path);
bool word_accepted(const char *text, size_t max,
                   const char *more); /* letters, digits and the bytes of @more */

#define POLL_INTERVAL_WORDS  "a duration from 1s to 1d, such as 60s, 5m or 1h"
#define WRITE_INTERVAL_WORDS "a duration up to 1m, such as 1s or 250ms"
bool poll_interval_accepted(const char *text);
bool write_interval_accepted(const char *text);
uint64_t duration_ms(const char *text, uint64_t otherwise);

/* ---- nodes (node.c) ---- */

/** A value of a file, or one that a reference brought in. Owned tree. */
struct node {
    enum yml_kind kind;
    bool quoted;
    bool given;  /* came out of a reference: scalars take the type that is wanted */
    bool poison; /* already complained about */
    bool exact;  /* the text stands in the file as it is here: columns can be counted */
    char *key;
    struct place key_place;
    struct place place;
    char *text; /* scalars */
    struct node **children;
    size_t count;
};
struct node *node_free(struct node *node);
static inline void node_freep(struct node **node)
{
    node_free(*node);
}
#define CLEANUP_NODE CLEANUP(node_freep)
/** Deep copies; NULL without memory. @file is borrowed. */
struct node *node_from_yml(const char *file, const struct yml *yml);
struct node *node_from_json(struct json_object *value, struct place place);
struct node *node_new(enum yml_kind kind, struct place place);
struct node *node_poison(struct place place);
int node_add(struct node *parent, struct node *take_child); /* 0, -ENOMEM (child freed) */
const struct node *node_get(const struct node *map, const char *key);
/** Take a member out of a map; NULL when there is none. Owned. */
struct node *node_take(struct node *map, const char *key);
/** Free-form JSON of a tree. 0; -ENOMEM; -ERANGE for a number that fits nowhere. */
int node_to_json(const struct node *node, struct json_object **ret);
/**
 * Lay @take_over over @base: maps and objects of @fields (NULL: none known) are merged member by member,
 * everything else is replaced. Both move in; the result is in *base.
 */
int node_merge(struct node **base, struct node *take_over, const struct field *fields);

/* ---- static references (substitute.c) ---- */

/** The values that are known when the files are read. */
struct scope {
    const struct graph *graph;
    struct json_object *variables;  /* object: name → value; NULL = no var.* here */
    const struct strv *broken;      /* variables that were complained about */
    const char *variables_from;     /* "blueprint mlops-platform": for messages; NULL = no blueprint */
    bool aws_broken, github_broken; /* those sections were complained about */
    const char *each_key;           /* NULL outside for_each */
    struct json_object *each_value;
};
/** A copy of @node with var, each, aws, github and platform values put in. NULL without memory. */
struct node *substitute(const struct node *node, const struct scope *scope, struct report *report);
/** Is this built-in one of those that are put in while reading? */
bool reference_is_static(const struct reference *reference);
bool text_has_reference(const char *text);
/** Is @reference all there is in @text? */
bool reference_is_whole(const struct reference *reference, const char *text);
/** Is the text one reference and nothing else? */
bool text_is_reference(const char *text);
/** @text with "$${" as "${"; owned. */
char *text_unescape(const char *text);
/** Does the reference name something that must not be shown? Asks the kinds' tables. */
bool reference_is_sensitive(const struct reference *reference);
/** "aws_subnet.public["a"]" → "aws_subnet": kind, or NULL. */
const struct kind *address_kind(const char *address);

/* ---- checking against rows (schema.c) ---- */

/** Any value at all: for the rows of our own files. */
#define FIELD_ANY FIELD_TYPE_MAX

struct place_list {
    struct field_place *items;
    size_t count, capacity;
};
int place_list_add(struct place_list *list, const char *path, struct place place);
void place_list_sort(struct place_list *list);
void place_list_done(struct place_list *list);
/* places.c: the longest known prefix of @path. */
struct place place_find(const struct field_place *places, size_t count, const char *path,
                        struct place otherwise);

struct schema {
    struct report *report;
    const char *subject;       /* "aws_iam_role", "the platform file": for messages */
    bool explain;              /* subject is a type: say where it is documented */
    bool partial;              /* members without a row are somebody else's */
    bool templates;            /* strings may hold references */
    const struct scope *scope; /* for fallbacks that hold references; may be NULL */
    const struct field *also;  /* rows that may stand beside the fields and are read by others; may be NULL */
    struct place_list *places; /* may be NULL */
    struct buf path;           /* the schema's own */
    unsigned depth;
};
/**
 * Check a map against rows: *ret is a new object with what is right, and defaults filled in.
 * Mistakes are reported; 0, or -ENOMEM.
 */
int schema_check(struct schema *schema, const struct field *fields, const struct node *node,
                 struct json_object **ret);
/** Type of what stands at a dotted path under these rows; FIELD_ANY inside free-form values. */
bool row_at(const struct field *fields, const char *path, enum field_type *ret, unsigned *ret_flags);
/** A row that describes the elements of @row. */
struct field row_of_element(const struct field *row);

/* ---- scalars of the schema (schema_scalar.c) ---- */

/** One place in a tree under check. */
struct spot {
    const struct field *row;
    enum field_type type;
    const struct node *node;
    const char *label; /* "name", "tags.owner": what messages begin with */
};
/** True with *ret (may be a NULL pointer for null) when the value is right. */
bool schema_scalar(struct schema *schema, const struct spot *spot, struct json_object **ret);
void schema_problem(struct schema *schema, const struct spot *spot, const char *format, ...)
    PRINTF_LIKE(3, 4);
/** Is a text or container as long as its row wants it? Says so when not; @units: "elements". */
bool schema_length(struct schema *schema, const struct spot *spot, const char *units, long long count);
const char *type_wanted(enum field_type type); /* "a string" */

/* ---- one platform in the making (loader.c and others) ---- */

/** A resource as the files declare it, before when and for_each. */
struct declared {
    char *address;
    const struct kind *kind; /* NULL = no such type (reported) */
    const struct yml *base;  /* in the blueprint; may be NULL */
    const struct yml *over;  /* in the platform file; may be NULL */
    struct place place;      /* of the address */
    struct place when;       /* of the when that switched it off */
    bool off;
    bool each;   /* has for_each */
    bool broken; /* could not be expanded: references to it are let pass */
};

struct edge {
    size_t to;
    struct place place;
};
/** A resource in the making. */
struct draft {
    struct desired_resource resource;
    struct node *depends_on; /* list of addresses, or NULL */
    bool sound;              /* no complaint so far: the kind's own check may look at it */
    bool refers_to_fields;   /* holds references to declared fields of others */
    struct edge *edges;      /* unique by .to after edges_finish() */
    size_t edges_count, edges_capacity;
};

struct draft_output {
    struct desired_output output;
    struct place place;
};

struct loader {
    struct report report;
    struct source platform, blueprint;
    struct graph *graph;
    struct scope scope;
    struct json_object *variables;
    struct strv broken; /* variables */
    char *variables_from;
    struct declared *declared; /* sorted by address */
    size_t declared_count;
    struct draft *drafts; /* sorted by address once expanded */
    size_t drafts_count, drafts_capacity;
    struct draft_output *outputs;
    size_t outputs_count;
    size_t body_bytes;               /* of all drafts */
    size_t edges;                    /* of all drafts */
    struct json_object *credentials; /* object used as a set of names */
    struct place_list settings;      /* places of the platform file's own settings */
    struct json_object *policy;      /* policy.protect, policy.ignore as written */
};

struct place loader_place(const char *file, struct yml_mark mark);
/** Place of a setting of the platform file. */
struct place loader_setting(const struct loader *loader, const char *path);

/* platform_file.c */
int platform_read(struct loader *loader);
/* blueprint.c */
int blueprint_read(struct loader *loader, const struct daemon_config *config);
int parameters_read(struct loader *loader);
/* expand.c */
int declare_resources(struct loader *loader);
int expand_resources(struct loader *loader);
const struct declared *declared_find(const struct loader *loader, const char *base_address, size_t length);
struct draft *draft_find(const struct loader *loader, const char *address);
/** [*ret_first, *ret_end): the instances of "TYPE.NAME". */
void draft_instances(const struct loader *loader, const char *base_address, size_t *ret_first,
                     size_t *ret_end);
/* condition.c */
/** Is "when" true? Mistakes are reported and mean yes, so that they bring no second one. */
bool condition_holds(struct report *report, const struct node *when);
/* outputs.c */
int outputs_read(struct loader *loader);
int outputs_link(struct loader *loader);
/* links.c */
int links_find(struct loader *loader);
/** What a document's strings refer to, checked; @draft is NULL for outputs. */
struct link_walk {
    struct loader *loader;
    struct draft *draft;
    struct place place; /* of the whole */
    bool refers_to_fields;
    bool sensitive; /* something sensitive was referred to */
    struct buf path;
    size_t from; /* index of the draft */
};
int link_value(struct link_walk *walk, struct json_object *value, const struct field *fields);
/** "; did you mean ..." among all addresses; owned. */
char *address_hint(const struct loader *loader, const char *address);
int edge_add(struct loader *loader, struct draft *draft, size_t to, struct place place);
/* order.c */
/** Indexes of the drafts, needs first. Cycles are reported. Owned. */
int order_find(struct loader *loader, size_t **ret_order);
/* splice.c */
int splice_fields(struct loader *loader, const size_t *order);
int splice_outputs(struct loader *loader);
/* rules.c */
int rules_check(struct loader *loader);
/* graph_text.c */
int graph_write_text(struct graph *graph);

#endif
