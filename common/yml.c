/*
 * yml.c: YAML text to a tree, over libyaml's events.
 *
 * Two passes: the bytes first (encoding, characters that no config file
 * needs), then the events. Mistakes that leave the structure readable
 * (anchors, tags, bad keys) are collected and the reading goes on; the tree is
 * thrown away at the end. A syntax error, a limit or a second document ends it.
 *
 * Left to others: whether the content makes sense.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "common/str.h"
#include "common/utf8.h"
#include "common/yml-internal.h"

/* A list or map that is being read. */
struct frame {
    struct yml *node;
    bool has_key; /* MAP: the next node is the value of... */
    char *key;    /* ...this key; NULL when the key was refused */
    struct yml_mark key_mark;
    bool is_key; /* it stands where a key should, and was refused */
};

struct reader {
    const char *file;
    const char *text;
    size_t size;
    struct yml_mark text_end; /* behind the last character */
    char *source;             /* the text with a NUL behind it, made for the first problem */
    struct problems *problems;
    bool refused;
    int failed; /* a code that ends the reading: -ENOMEM, -EBADMSG */
    yaml_parser_t parser;
    struct yml *root;
    bool has_document;
    size_t node_count;
    size_t depth;
    struct frame frames[YML_DEPTH_MAX];
};

/* libyaml thinks of a line break at the end of every text, even where none is. */
static struct yml_mark to_mark(const struct reader *reader, yaml_mark_t mark)
{
    if (mark.line + 1 > reader->text_end.line)
        return reader->text_end;
    return (struct yml_mark){.line = (uint32_t)mark.line + 1, .column = (uint32_t)mark.column + 1};
}

/* Complaints. The macro keeps the format checked by the compiler. */
static const char *reader_source(struct reader *reader)
{
    reader->refused = true;
    if (!reader->source)
        reader->source = strndup(reader->text, reader->size);
    return reader->source; /* without memory: no excerpt */
}

#define refuse(reader, mark, ...)                                                                            \
    problems_add((reader)->problems, (reader)->file, (mark), reader_source(reader), __VA_ARGS__)

static int stop(struct reader *reader, int code)
{
    reader->failed = code;
    return code;
}

/* ---- the bytes ---- */

/* What a person should do about a character that may not stand in the file; NULL when it may. */
static const char *character_problem(uint32_t point)
{
    if (point == 0)
        return "NUL: this is no text file, or it is not UTF-8";
    if (point == 0x85 || point == 0x2028 || point == 0x2029)
        return "a line separator that editors do not show; use an ordinary line break, or \\u2028 in double "
               "quotes";
    if (point == 0xfeff)
        return "a byte order mark inside the text; remove it";
    if (point == '\t' || point == '\n' || point == '\r' || (point >= 0x20 && point < 0x7f))
        return NULL;
    if (point < 0xa0 || point == 0xfffe || point == 0xffff)
        return "a control character; write it as an escape in double quotes";
    return NULL;
}

/* Check every character, and count lines on the way. */
static int check_bytes(struct reader *reader)
{
    struct yml_mark mark = {1, 1};

    for (size_t at = 0; at < reader->size;) {
        uint32_t point = 0;
        size_t length = utf8_length(reader->text + at, reader->size - at, &point);
        const char *what = length ? character_problem(point) : "not UTF-8; save the file as UTF-8";

        if (what) {
            refuse(reader, mark, "%s", what);
            return stop(reader, -EBADMSG);
        }
        at += length;
        mark.column++;
        if (point == '\n' || (point == '\r' && (at == reader->size || reader->text[at] != '\n')))
            mark = (struct yml_mark){mark.line + 1, 1};
    }
    reader->text_end = mark;
    return 0;
}

/* ---- syntax errors ---- */

/* libyaml's words for frequent slips, and what to do about them. */
static const struct {
    const char *problem, *advice;
} advices[] = {
    {"mapping values are not allowed in this context",
     "a \":\" too many here; check the indentation, or put text that holds \": \" in quotes"},
    {"could not find expected ':'", "a \":\" is missing behind the key"},
    {"did not find expected key", "no key here; check the indentation and the quotes"},
    {"did not find expected '-' indicator", "no \"- \" here; check the indentation"},
    {"did not find expected ',' or ']'", "a \",\" or \"]\" is missing"},
    {"did not find expected ',' or '}'", "a \",\" or \"}\" is missing"},
    {"found character that cannot start any token",
     "text can not begin with this character; put it in quotes (a tab can not indent: use spaces)"},
    {"found a tab character that violates indentation", "a tab can not indent: use spaces"},
    {"found a tab character where an indentation space is expected", "a tab can not indent: use spaces"},
    {"found unexpected end of stream", "the closing quote is missing"},
};

static int refuse_syntax(struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    struct yml_mark mark = to_mark(reader, parser->problem_mark);
    const char *what = parser->problem ? parser->problem : "cannot be read";

    if (parser->error == YAML_MEMORY_ERROR)
        return stop(reader, -ENOMEM);
    for (size_t i = 0; i < ARRAY_SIZE(advices); i++) {
        if (str_equal(what, advices[i].problem))
            what = advices[i].advice;
    }
    if (parser->context && parser->context_mark.line != parser->problem_mark.line)
        refuse(reader, mark, "%s (%s that begins on line %zu)", what, parser->context,
               parser->context_mark.line + 1);
    else
        refuse(reader, mark, "%s", what);
    return stop(reader, -EBADMSG);
}

/* ---- the tree ---- */

struct yml *yml_free(struct yml *node)
{
    if (!node)
        return NULL;
    for (size_t i = 0; i < node->count; i++)
        yml_free(node->children[i]); /* no deeper than the parser's limit */
    free(node->children);
    free(node->key);
    free(node->text);
    free(node);
    return NULL;
}

/* Takes @take_child, also on failure. */
static int add_child(struct yml *parent, struct yml *take_child)
{
    /* The room doubles whenever the count is a power of two. */
    if ((parent->count & (parent->count - 1)) == 0) {
        size_t room = parent->count ? parent->count * 2 : 1;
        struct yml **children = reallocarray(parent->children, room, sizeof(struct yml *));

        if (!children) {
            yml_free(take_child);
            return -ENOMEM;
        }
        parent->children = children;
    }
    parent->children[parent->count++] = take_child;
    return 0;
}

/* Hang a new node in its place. Takes @take_node, also on failure. */
static int attach(struct reader *reader, struct yml *take_node)
{
    struct frame *frame;

    if (reader->depth == 0) {
        assert(!reader->root);
        reader->root = take_node;
        return 0;
    }
    frame = &reader->frames[reader->depth - 1];
    if (frame->node->kind == YML_MAP && frame->has_key) {
        take_node->key = TAKE(frame->key);
        take_node->key_mark = frame->key_mark;
        frame->has_key = false;
    }
    return add_child(frame->node, take_node);
}

/* A new node, already in its place; NULL with reader->failed set. */
static struct yml *new_node(struct reader *reader, enum yml_kind kind, const yaml_event_t *event)
{
    struct yml *node;
    int r;

    if (reader->node_count == YML_NODES_MAX) {
        refuse(reader, to_mark(reader, event->start_mark), "more than %d values; split the file",
               YML_NODES_MAX);
        (void)stop(reader, -EBADMSG);
        return NULL;
    }
    node = calloc(1, sizeof(*node));
    if (!node) {
        (void)stop(reader, -ENOMEM);
        return NULL;
    }
    reader->node_count++;
    node->kind = kind;
    node->start = to_mark(reader, event->start_mark);
    node->end = to_mark(reader, event->end_mark);
    r = attach(reader, node);
    if (r < 0) {
        (void)stop(reader, r);
        return NULL;
    }
    return node;
}

static bool wants_key(const struct reader *reader)
{
    const struct frame *frame = reader->depth ? &reader->frames[reader->depth - 1] : NULL;

    return frame && frame->node->kind == YML_MAP && !frame->has_key;
}

/* ---- the events ---- */

static void check_properties(struct reader *reader, const yaml_event_t *event, const yaml_char_t *anchor,
                             const yaml_char_t *tag)
{
    struct yml_mark mark = to_mark(reader, event->start_mark);

    if (anchor)
        refuse(reader, mark, "an anchor (&%s); write the value out where it is needed", (const char *)anchor);
    if (tag)
        refuse(reader, mark, "a tag (%s); remove it: quotes make text, bare words have their own type",
               (const char *)tag);
}

/* The key of the next child, or NULL when it is refused. */
static void set_key(struct reader *reader, char *take_key, struct yml_mark mark)
{
    struct frame *frame = &reader->frames[reader->depth - 1];

    frame->has_key = true;
    frame->key = take_key;
    frame->key_mark = mark;
}

/* A key that is no text, or NULL when it is fine. */
static bool key_is_refused(struct reader *reader, const char *text, bool quoted, struct yml_mark mark)
{
    enum yml_kind kind = YML_STRING;

    if (quoted)
        return false;
    if (yml_plain_kind(text, &kind) < 0)
        kind = YML_NUMBER;
    if (kind == YML_STRING)
        return false;
    if (text[0])
        refuse(reader, mark, "this key is %s, not text; put it in quotes: \"%s\"", yml_kind_name(kind), text);
    else
        refuse(reader, mark, "a key is missing before the \":\"");
    return true;
}

static int read_key(struct reader *reader, const yaml_event_t *event, const char *text, bool quoted)
{
    struct yml_mark mark = to_mark(reader, event->start_mark);
    char *key = NULL;

    if (!key_is_refused(reader, text, quoted, mark)) {
        key = strdup(text);
        if (!key)
            return stop(reader, -ENOMEM);
    }
    set_key(reader, key, mark);
    return 0;
}

static int read_scalar(struct reader *reader, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    bool quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    enum yml_kind kind = YML_STRING;
    struct yml *node;

    check_properties(reader, event, event->data.scalar.anchor, event->data.scalar.tag);
    if (strlen(text) != event->data.scalar.length)
        refuse(reader, to_mark(reader, event->start_mark), "NUL (\\0) in text; no value may hold it");
    if (wants_key(reader))
        return read_key(reader, event, text, quoted);
    if (!quoted && yml_plain_kind(text, &kind) < 0)
        refuse(reader, to_mark(reader, event->start_mark),
               "the number is too big; if it is text, put it in quotes");
    node = new_node(reader, kind, event);
    if (!node)
        return reader->failed;
    node->quoted = quoted;
    node->text = strdup(text);
    return node->text ? 0 : stop(reader, -ENOMEM);
}

static int read_alias(struct reader *reader, const yaml_event_t *event)
{
    refuse(reader, to_mark(reader, event->start_mark), "an alias (*%s); write the value out",
           (const char *)event->data.alias.anchor);
    if (wants_key(reader))
        set_key(reader, NULL, to_mark(reader, event->start_mark));
    else if (!new_node(reader, YML_NULL, event))
        return reader->failed;
    return 0;
}

static int open_frame(struct reader *reader, enum yml_kind kind, const yaml_event_t *event)
{
    bool is_key = wants_key(reader);
    struct yml *node;

    if (is_key)
        refuse(reader, to_mark(reader, event->start_mark), "a key that is %s; keys are text",
               yml_kind_name(kind));
    if (reader->depth == YML_DEPTH_MAX) {
        refuse(reader, to_mark(reader, event->start_mark), "nested more than %d deep", YML_DEPTH_MAX);
        return stop(reader, -EBADMSG);
    }
    node = new_node(reader, kind, event);
    if (!node)
        return reader->failed;
    reader->frames[reader->depth++] = (struct frame){.node = node, .is_key = is_key};
    return 0;
}

static int compare_keys(const void *a, const void *b)
{
    const struct yml *x = *(struct yml *const *)a, *y = *(struct yml *const *)b;
    int order = strcmp(x->key, y->key);

    if (order != 0)
        return order;
    if (x->key_mark.line != y->key_mark.line)
        return x->key_mark.line < y->key_mark.line ? -1 : 1;
    return (x->key_mark.column > y->key_mark.column) - (x->key_mark.column < y->key_mark.column);
}

/* Sorted, equal keys are neighbours; the first in the file comes first. */
static int check_duplicates(struct reader *reader, const struct yml *map)
{
    struct yml **sorted CLEANUP_FREE = NULL;
    size_t count = 0, first = 0;

    if (map->count < 2)
        return 0;
    sorted = reallocarray(NULL, map->count, sizeof(struct yml *));
    if (!sorted)
        return stop(reader, -ENOMEM);
    for (size_t i = 0; i < map->count; i++) {
        if (map->children[i]->key)
            sorted[count++] = map->children[i];
    }
    qsort(sorted, count, sizeof(struct yml *), compare_keys);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(sorted[first]->key, sorted[i]->key) == 0)
            refuse(reader, sorted[i]->key_mark, "\"%s\" is here twice; the first is on line %u",
                   sorted[i]->key, sorted[first]->key_mark.line);
        else
            first = i;
    }
    return 0;
}

static int close_frame(struct reader *reader, const yaml_event_t *event)
{
    struct frame *frame = &reader->frames[--reader->depth];

    frame->node->end = to_mark(reader, event->end_mark);
    if (frame->is_key)
        set_key(reader, NULL, frame->node->start);
    return frame->node->kind == YML_MAP ? check_duplicates(reader, frame->node) : 0;
}

static int begin_document(struct reader *reader, const yaml_event_t *event)
{
    if (reader->has_document) {
        refuse(reader, to_mark(reader, event->start_mark), "a second document; one file holds one: split it");
        return stop(reader, -EBADMSG);
    }
    reader->has_document = true;
    return 0;
}

static int read_event(struct reader *reader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return begin_document(reader, event);
    case YAML_SCALAR_EVENT:
        return read_scalar(reader, event);
    case YAML_ALIAS_EVENT:
        return read_alias(reader, event);
    case YAML_SEQUENCE_START_EVENT:
        check_properties(reader, event, event->data.sequence_start.anchor, event->data.sequence_start.tag);
        return open_frame(reader, YML_LIST, event);
    case YAML_MAPPING_START_EVENT:
        check_properties(reader, event, event->data.mapping_start.anchor, event->data.mapping_start.tag);
        return open_frame(reader, YML_MAP, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_frame(reader, event);
    default:
        return 0;
    }
}

static int read_events(struct reader *reader)
{
    bool at_end = false;

    while (!at_end) {
        yaml_event_t event;
        int r;

        if (!yaml_parser_parse(&reader->parser, &event))
            return refuse_syntax(reader);
        at_end = event.type == YAML_STREAM_END_EVENT;
        r = read_event(reader, &event);
        yaml_event_delete(&event);
        if (r < 0)
            return r;
    }
    return 0;
}

/* An empty file has no document: it reads as nothing. */
static int ensure_root(struct reader *reader)
{
    struct yml *node;

    if (reader->root)
        return 0;
    node = calloc(1, sizeof(*node));
    if (!node)
        return -ENOMEM;
    node->start = node->end = (struct yml_mark){1, 1};
    node->text = strdup("");
    reader->root = node;
    return node->text ? 0 : -ENOMEM;
}

static int read_text(struct reader *reader)
{
    int r;

    if (reader->size > YML_TEXT_MAX_BYTES) {
        problems_add(reader->problems, reader->file, (struct yml_mark){0, 0}, NULL,
                     "%zu bytes; a file may have %lu: split it", reader->size, YML_TEXT_MAX_BYTES);
        reader->refused = true;
        return -EBADMSG;
    }
    r = check_bytes(reader);
    if (r < 0)
        return r;
    if (!yaml_parser_initialize(&reader->parser))
        return -ENOMEM;
    yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader->parser, (const unsigned char *)reader->text, reader->size);
    r = read_events(reader);
    yaml_parser_delete(&reader->parser);
    return r < 0 ? r : ensure_root(reader);
}

int yml_parse(const char *file, const char *text, size_t size_bytes, struct yml **ret,
              struct problems *problems)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    struct reader *reader = calloc(1, sizeof(*reader));
    size_t count_before = problems->count;
    int r;

    if (!reader)
        return -ENOMEM;
    if (size_bytes >= 3 && memcmp(text, byte_order_mark, 3) == 0) {
        text += 3;
        size_bytes -= 3;
    }
    reader->file = file;
    reader->text = text;
    reader->size = size_bytes;
    reader->problems = problems;
    r = read_text(reader);
    if (r == 0 && reader->refused)
        r = -EBADMSG;
    /* A problem that could not be kept for want of memory: then memory is the story. */
    if (r == -EBADMSG && problems->count == count_before && problems->count < PROBLEMS_MAX)
        r = -ENOMEM;
    for (size_t i = 0; i < reader->depth; i++)
        free(reader->frames[i].key);
    if (r == 0)
        *ret = TAKE(reader->root);
    yml_free(reader->root);
    free(reader->source);
    free(reader);
    return r;
}
