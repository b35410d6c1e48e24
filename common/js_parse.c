/*
 * js_parse.c: JSON text from outside to a tree, in one pass.
 *
 * The tree is json-c's, the reading is ours. json-c's own reader takes more
 * than JSON (duplicate keys, single quotes, NaN, control characters, NUL in
 * strings, integers it has to clamp), and where memory ends it crashes or says
 * "null": an answer that could be taken for "nothing is there".
 *
 * No recursion: open arrays and objects stand on a stack of fixed size.
 */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/js-internal.h"
#include "common/js.h"
#include "common/str.h"
#include "common/utf8.h"

/* How deep arrays and objects may nest in text from outside. */
#define DEPTH_MAX        32
/* No service writes longer ones. */
#define NUMBER_MAX_BYTES 128

/* What may come next. */
enum expect {
    EXPECT_VALUE,
    EXPECT_VALUE_OR_END, /* just after '[' */
    EXPECT_KEY,
    EXPECT_KEY_OR_END, /* just after '{' */
    EXPECT_COMMA_OR_END,
};

struct container {
    struct json_object *value; /* borrowed */
    bool is_object;
};

struct reader {
    const char *text;
    size_t size, at;
    struct err *err;
    enum expect expect;
    struct json_object *root;         /* owned; holds all others */
    struct container open[DEPTH_MAX]; /* arrays and objects, outermost first */
    size_t depth;
    struct buf key;   /* of the value that comes next */
    struct buf plain; /* a string without its escapes */
};

static int refuse(const struct reader *s, size_t at, const char *reason)
{
    size_t line = 1, start = 0;

    for (size_t i = 0; i < at; i++) {
        if (s->text[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    return err_set(s->err, -EBADMSG, ERR_BUG, "not valid JSON: line %zu, column %zu: %s", line,
                   utf8_count(s->text + start, at - start) + 1, reason);
}

static int refuse_here(const struct reader *s, const char *reason)
{
    return refuse(s, s->at, s->at < s->size ? reason : "the text ends too early");
}

/* The byte at the place we are, or -1 at the end. */
static int peek(const struct reader *s)
{
    return s->at < s->size ? (unsigned char)s->text[s->at] : -1;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Four hex digits at @at; -1 when they are not there. */
static int32_t hex_quad(const struct reader *s, size_t at)
{
    int32_t number = 0;

    if (s->size - at < 4)
        return -1;
    for (size_t i = at; i < at + 4; i++) {
        int value = hex_value(s->text[i]);

        if (value < 0)
            return -1;
        number = number << 4 | value;
    }
    return number;
}

/* "\uXXXX", maybe a pair of them; s->at stands on the backslash. */
static int skip_unicode_escape(struct reader *s)
{
    int32_t unit = hex_quad(s, s->at + 2), low;

    if (unit < 0)
        return refuse(s, s->at, "\\u needs four hex digits");
    if (unit == 0)
        return refuse(s, s->at, "NUL in a string");
    if (unit >= 0xd800 && unit <= 0xdbff) {
        low = s->size - s->at >= 12 && memcmp(s->text + s->at + 6, "\\u", 2) == 0 ? hex_quad(s, s->at + 8)
                                                                                  : -1;
        if (low < 0xdc00 || low > 0xdfff)
            return refuse(s, s->at, "half of a surrogate pair");
        s->at += 12;
        return 0;
    }
    if (unit >= 0xdc00 && unit <= 0xdfff)
        return refuse(s, s->at, "half of a surrogate pair");
    s->at += 6;
    return 0;
}

static int skip_escape(struct reader *s)
{
    char c;

    if (s->size - s->at < 2)
        return refuse(s, s->size, "the text ends too early");
    c = s->text[s->at + 1];
    if (c == 'u')
        return skip_unicode_escape(s);
    if (!c || !strchr("\"\\/bfnrt", c))
        return refuse(s, s->at, "unknown escape in a string");
    s->at += 2;
    return 0;
}

/* s->at stands on the first quote, and behind the last one afterwards. */
static int skip_string(struct reader *s, bool *ret_has_escapes)
{
    bool has_escapes = false;
    size_t length;
    int c, r;

    s->at++;
    while (true) {
        s->at += js_plain_run(s->text + s->at, s->size - s->at);
        c = peek(s);
        if (c == '"')
            break;
        if (c < 0)
            return refuse(s, s->at, "the text ends inside a string");
        if (c < 0x20)
            return refuse(s, s->at, "control character in a string");
        if (c == '\\') {
            has_escapes = true;
            r = skip_escape(s);
            if (r < 0)
                return r;
            continue;
        }
        length = utf8_length(s->text + s->at, s->size - s->at, NULL);
        if (length == 0)
            return refuse(s, s->at, "not UTF-8");
        s->at += length;
    }
    s->at++;
    *ret_has_escapes = has_escapes;
    return 0;
}

/* One decoded character of a string that was checked: moves *@from on, returns the bytes put to @to. */
static size_t decode_one(const struct reader *s, size_t *from, char *to)
{
    static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
    uint32_t point;
    char c = s->text[*from];
    const char *name;

    if (c != '\\') {
        *to = c;
        (*from)++;
        return 1;
    }
    c = s->text[*from + 1];
    if (c != 'u') {
        name = strchr(names, c);
        *to = name ? values[name - names] : c;
        *from += 2;
        return 1;
    }
    point = (uint32_t)hex_quad(s, *from + 2);
    *from += 6;
    if (point >= 0xd800 && point <= 0xdbff) {
        point = 0x10000 + ((point - 0xd800) << 10) + ((uint32_t)hex_quad(s, *from + 2) - 0xdc00);
        *from += 6;
    }
    return utf8_put(point, to);
}

/*
 * The string that begins at s->at (a quote): *ret is what stands between its
 * quotes, borrowed from the text, or decoded in @space where it has escapes.
 */
static int read_string(struct reader *s, struct buf *space, const char **ret, size_t *ret_size)
{
    bool has_escapes = false;
    size_t start = s->at + 1;
    char decoded[4];
    int r;

    r = skip_string(s, &has_escapes);
    if (r < 0)
        return r;
    *ret = s->text + start;
    *ret_size = s->at - 1 - start;
    if (!has_escapes)
        return 0;
    space->size = 0;
    while (start < s->at - 1) {
        size_t length = decode_one(s, &start, decoded);

        r = buf_add(space, decoded, length);
        if (r < 0)
            return err_no_memory(s->err);
    }
    *ret = space->data;
    *ret_size = space->size;
    return 0;
}

static bool in_object(const struct reader *s)
{
    return s->depth > 0 && s->open[s->depth - 1].is_object;
}

/* Hang a value into its place. NULL with @is_null unset means that memory ended. Takes @take_value. */
static int attach(struct reader *s, struct json_object *take_value, bool is_null)
{
    struct json_object *parent = s->depth > 0 ? s->open[s->depth - 1].value : NULL;
    int r = 0;

    if (!take_value && !is_null)
        return err_no_memory(s->err);
    if (!parent)
        s->root = take_value;
    else if (in_object(s))
        r = json_object_object_add_ex(parent, buf_text(&s->key), take_value, JSON_C_OBJECT_ADD_KEY_IS_NEW);
    else
        r = json_object_array_add(parent, take_value);
    if (r == 0)
        return 0;
    json_object_put(take_value);
    return err_no_memory(s->err);
}

static int read_key(struct reader *s)
{
    size_t at = s->at, size;
    struct json_object *other;
    const char *key;
    int r;

    r = read_string(s, &s->plain, &key, &size);
    if (r < 0)
        return r;
    s->key.size = 0;
    r = buf_add(&s->key, key, size);
    if (r < 0)
        return err_no_memory(s->err);
    if (js_find(s->open[s->depth - 1].value, buf_text(&s->key), &other))
        return refuse(s, at, "duplicate key");
    return 0;
}

static int open_container(struct reader *s)
{
    bool is_object = s->text[s->at] == '{';
    struct json_object *value;
    int r;

    if (s->depth == DEPTH_MAX)
        return refuse(s, s->at, "nested too deeply");
    value = is_object ? json_object_new_object() : json_object_new_array_ext(4);
    r = attach(s, value, false);
    if (r < 0)
        return r;
    s->open[s->depth++] = (struct container){value, is_object};
    s->expect = is_object ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
    s->at++;
    return 0;
}

static int close_container(struct reader *s)
{
    s->depth--;
    s->at++;
    s->expect = EXPECT_COMMA_OR_END;
    return 0;
}

static bool skip_digits(struct reader *s)
{
    size_t start = s->at;

    while (is_digit(peek(s)))
        s->at++;
    return s->at > start;
}

/* Step over a number; only the grammar is looked at. */
static int skip_number(struct reader *s, bool *ret_is_integer)
{
    if (peek(s) == '-')
        s->at++;
    if (peek(s) == '0')
        s->at++;
    else if (!skip_digits(s))
        return refuse_here(s, "a digit is missing");
    if (is_digit(peek(s)))
        return refuse(s, s->at, "a number must not begin with 0");
    if (peek(s) == '.') {
        *ret_is_integer = false;
        s->at++;
        if (!skip_digits(s))
            return refuse_here(s, "a digit is missing");
    }
    if (peek(s) == 'e' || peek(s) == 'E') {
        *ret_is_integer = false;
        s->at++;
        if (peek(s) == '+' || peek(s) == '-')
            s->at++;
        if (!skip_digits(s))
            return refuse_here(s, "a digit is missing");
    }
    return 0;
}

/*
 * A number that keeps its value: 64 bits (either sign) or a finite double. NULL
 * with errno ERANGE for others, or without memory.
 */
static struct json_object *number_value(const char *digits, bool is_integer)
{
    unsigned long long number;
    long long negative;
    double real;

    errno = 0;
    if (!is_integer) {
        real = strtod(digits, NULL);
        errno = isfinite(real) ? 0 : ERANGE; /* too small for a double is 0: fine */
        return errno ? NULL : json_object_new_double(real);
    }
    if (digits[0] == '-') {
        negative = strtoll(digits, NULL, 10);
        return errno ? NULL : json_object_new_int64(negative);
    }
    number = strtoull(digits, NULL, 10);
    if (errno)
        return NULL;
    return number <= INT64_MAX ? json_object_new_int64((int64_t)number) : json_object_new_uint64(number);
}

static int read_number(struct reader *s)
{
    char digits[NUMBER_MAX_BYTES + 1];
    size_t start = s->at, size;
    bool is_integer = true;
    struct json_object *value;
    int r;

    r = skip_number(s, &is_integer);
    if (r < 0)
        return r;
    size = s->at - start;
    if (size > NUMBER_MAX_BYTES)
        return refuse(s, start, "number too long");
    memcpy(digits, s->text + start, size);
    digits[size] = '\0';
    value = number_value(digits, is_integer);
    if (!value && errno == ERANGE)
        return refuse(s, start, is_integer ? "integer beyond 64 bits" : "number too big");
    return attach(s, value, false);
}

static bool skip_word(struct reader *s, const char *word)
{
    size_t length = strlen(word);

    if (s->size - s->at < length || memcmp(s->text + s->at, word, length) != 0)
        return false;
    s->at += length;
    return true;
}

static int read_word(struct reader *s)
{
    if (skip_word(s, "true"))
        return attach(s, json_object_new_boolean(1), false);
    if (skip_word(s, "false"))
        return attach(s, json_object_new_boolean(0), false);
    if (skip_word(s, "null"))
        return attach(s, NULL, true);
    return refuse_here(s, "a value must stand here");
}

static int read_string_value(struct reader *s)
{
    const char *text;
    size_t size;
    int r;

    r = read_string(s, &s->plain, &text, &size);
    if (r < 0)
        return r;
    return attach(s, json_object_new_string_len(text, (int)size), false);
}

static int read_value(struct reader *s)
{
    int c = peek(s);

    if (c == '{' || c == '[')
        return open_container(s);
    s->expect = EXPECT_COMMA_OR_END;
    if (c == '"')
        return read_string_value(s);
    if (c == '-' || is_digit(c))
        return read_number(s);
    return read_word(s);
}

static void skip_space(struct reader *s)
{
    int c;

    while ((c = peek(s)) == ' ' || c == '\n' || c == '\r' || c == '\t')
        s->at++;
}

static int read_member_start(struct reader *s)
{
    int r;

    if (peek(s) != '"')
        return refuse_here(s, "a key in double quotes must stand here");
    r = read_key(s);
    if (r < 0)
        return r;
    skip_space(s);
    if (peek(s) != ':')
        return refuse_here(s, "':' must stand here");
    s->at++;
    s->expect = EXPECT_VALUE;
    return 0;
}

static int read_comma_or_end(struct reader *s)
{
    bool is_object = in_object(s);

    if (peek(s) == (is_object ? '}' : ']'))
        return close_container(s);
    if (peek(s) != ',')
        return refuse_here(s, is_object ? "',' or '}' must stand here" : "',' or ']' must stand here");
    s->at++;
    s->expect = is_object ? EXPECT_KEY : EXPECT_VALUE;
    return 0;
}

static int read_step(struct reader *s)
{
    switch (s->expect) {
    case EXPECT_VALUE_OR_END:
        return peek(s) == ']' ? close_container(s) : read_value(s);
    case EXPECT_KEY_OR_END:
        return peek(s) == '}' ? close_container(s) : read_member_start(s);
    case EXPECT_KEY:
        return read_member_start(s);
    case EXPECT_COMMA_OR_END:
        return read_comma_or_end(s);
    case EXPECT_VALUE:
        break;
    }
    return read_value(s);
}

static int read_document(struct reader *s)
{
    int r;

    do {
        skip_space(s);
        r = read_step(s);
        if (r < 0)
            return r;
    } while (s->depth > 0);
    skip_space(s);
    return s->at == s->size ? 0 : refuse(s, s->at, "more text after the value");
}

int js_parse(const char *text, size_t size_bytes, struct json_object **ret, struct err *err)
{
    struct reader s = {
        .text = text,
        .size = size_bytes,
        .err = err,
        .expect = EXPECT_VALUE,
        .key = BUF_INIT(size_bytes),
        .plain = BUF_INIT(size_bytes),
    };
    int r;

    if (size_bytes > INT_MAX - 1)
        return err_set(err, -EBADMSG, ERR_BUG, "not valid JSON: %zu bytes are too many", size_bytes);
    r = read_document(&s);
    if (r == 0)
        *ret = s.root;
    else
        json_object_put(s.root);
    buf_done(&s.key);
    buf_wipe(&s.plain); /* it may have held a secret */
    return r;
}

int js_parse_text(const char *text, struct json_object **ret, struct err *err)
{
    return js_parse(text, strlen(text), ret, err);
}

struct json_object *js_read(const char *text)
{
    struct json_object *object = NULL;

    if (text && js_parse_text(text, &object, NULL) < 0)
        object = NULL;
    return object;
}
