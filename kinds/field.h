/*
 * field.h: the row from which everything about one field is derived: reading
 * and checking the config, defaults, requests and answers, the diff, the drift line,
 * "explain", the JSON Schema and the manual.
 */
#ifndef MLOPSD_KINDS_FIELD_H
#define MLOPSD_KINDS_FIELD_H

#include <stdbool.h>

enum field_type {
    FIELD_STRING,
    FIELD_INTEGER,
    FIELD_BOOLEAN,
    FIELD_ENUM,    /* one of @values */
    FIELD_LIST,    /* order matters; elements of type @element */
    FIELD_SET,     /* order does not; objects are told apart by the member @key */
    FIELD_MAP,     /* text → @element */
    FIELD_OBJECT,  /* @members */
    FIELD_POLICY,  /* IAM-style JSON document, compared by meaning; text or object in the config */
    FIELD_VERSION, /* "16" is satisfied by "16.4"; never lowered */
    FIELD_DOCUMENT, /* any JSON object (a Kubernetes manifest): its declared leaves are compared, others are not */
    FIELD_SECRET, /* write-only text; documents carry a fingerprint in its place (kind.h) */
    FIELD_TYPE_MAX,
};

enum field_flag {
    FIELD_REQUIRED = 1 << 0,
    FIELD_KEY = 1 << 1,       /* part of the natural key: with all of them known the thing can be looked up */
    FIELD_IMMUTABLE = 1 << 2, /* a change means replace */
    FIELD_EXCLUSIVE = 1 << 3, /* SET, MAP, LIST: elements not declared are drift ("extra") and removed */
    FIELD_CREATE_ONCE = 1 << 4,    /* set at birth, then left to others */
    FIELD_SERVER_DEFAULT = 1 << 5, /* when not declared the service chooses: not compared */
    FIELD_SECURITY = 1 << 6,       /* drift here is critical */
    FIELD_SENSITIVE = 1 << 7,      /* attribute or field that is never shown or stored in clear */
    FIELD_LOCAL = 1 << 8,          /* steers mlopsd (force_destroy), not the cloud: never compared */
    FIELD_IGNORE_CASE = 1 << 9,    /* text compared without case */
    /**
     * LIST, SET of text: the config may give the one word in @pattern instead of a list. In documents it
     * is a list of that word alone: "thumbprint_list: auto" stands as ["auto"].
     */
    FIELD_OR_WORD = 1 << 10,
};

struct field {
    const char *name; /* Terraform's argument name; NULL ends a table */
    enum field_type type;
    unsigned flags;
    /** Dotted path in requests and answers, for members relative to their object's; NULL = the kind's own code translates. */
    const char *wire;
    /**
     * Default as JSON text ("\"AES256\"", "[]", "false"); NULL = none. Members of an OBJECT have their own, filled in
     * where the object is there. "null" = not declared means "there must be none" (as a declared null does).
     */
    const char *fallback;
    const char *doc;             /* one sentence, ends with a full stop */
    enum field_type element;     /* LIST, SET, MAP: type of the elements */
    const struct field *members; /* OBJECT; or LIST, SET, MAP of FIELD_OBJECT */
    /** SET of objects: the member that names an element; one of the rows, or one that normalise() adds. */
    const char *key;
    const char *const *values; /* ENUM: NULL-terminated */
    /**
     * DOCUMENT: dotted paths in it that say which thing it is; NULL-terminated. With FIELD_KEY they, and not all of
     * it, must be known before the thing can be looked up; another value under one of them means replace.
     */
    const char *const *identity;
    const char *pattern; /* STRING: what is allowed, in words, for messages; checked by @accepts */
    bool (*accepts)(const char *text); /* STRING: NULL = anything */
    long long min, max;                /* INTEGER: bounds; STRING, LIST, SET: length. Both 0 = no bound */
};

/** What the cloud computes: "arn". */
struct attribute {
    const char *name; /* NULL ends a table */
    enum field_type type;
    unsigned flags; /* FIELD_SENSITIVE */
    const char *wire;
    const char *doc;
};

/** "string", "set of strings", ...; static. */
const char *field_type_name(const struct field *field);
/** How long, or how large: "1 to 20", "at least 2", "at most 5", "exactly 1"; owned; NULL without memory. */
char *field_bounds(const struct field *field);
/** Row by name in a NULL-name-terminated table, or NULL. */
const struct field *field_find(const struct field *fields, const char *name);
const struct attribute *attribute_find(const struct attribute *attributes, const char *name);

#endif
