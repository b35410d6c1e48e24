/*
 * problems.c: complaints about a text, with place, source line and caret.
 *
 * Only the first PROBLEMS_MAX by place are kept. All text shown is made safe
 * for a terminal here, so that callers may quote what stood in the file.
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/str.h"
#include "common/utf8.h"
#include "common/yml.h"

/* Of a long line, this much is shown, the caret's place within it. */
#define SHOWN_CHARACTERS  100
#define SHOWN_BEFORE      60
/* A complaint may quote a value from the file, of any length. */
#define PROBLEM_MAX_BYTES 1000
#define TEXT_MAX_BYTES    (4096UL * 1024)

static void problem_done(struct problem *problem)
{
    free(problem->file);
    free(problem->text);
    free(problem->excerpt);
    memset(problem, 0, sizeof(*problem));
}

/* Line @line (from 1) of @source, without its break; NULL when there is none or no memory. Owned. */
static char *cut_line(const char *source, uint32_t line)
{
    for (uint32_t current = 1; current < line; current++) {
        source += strcspn(source, "\r\n");
        if (!*source)
            return NULL;
        source += source[0] == '\r' && source[1] == '\n' ? 2 : 1;
    }
    return strndup(source, strcspn(source, "\r\n"));
}

/* By file, then by place. */
static int compare_place(const char *file, struct yml_mark mark, const struct problem *other)
{
    int order = strcmp(file, other->file);

    if (order != 0)
        return order;
    if (mark.line != other->mark.line)
        return mark.line < other->mark.line ? -1 : 1;
    return (mark.column > other->mark.column) - (mark.column < other->mark.column);
}

/* Shorten owned text, not in the middle of a character. */
static void cut_text(char *text)
{
    size_t end = PROBLEM_MAX_BYTES - 3;

    if (strlen(text) <= PROBLEM_MAX_BYTES)
        return;
    while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80)
        end--;
    memcpy(text + end, "...", 4);
}

/* Where a new problem goes, or NULL when it comes after all that are kept, or there is no memory. */
static struct problem *make_room(struct problems *problems, const char *file, struct yml_mark mark)
{
    struct problem *last;

    if (!problems->items) {
        problems->items = calloc(PROBLEMS_MAX, sizeof(*problems->items));
        if (!problems->items)
            return NULL;
    }
    if (problems->count < PROBLEMS_MAX)
        return &problems->items[problems->count];
    last = &problems->items[0];
    for (size_t i = 1; i < problems->count; i++) {
        struct problem *item = &problems->items[i];

        if (compare_place(item->file, item->mark, last) >= 0)
            last = item;
    }
    return compare_place(file, mark, last) < 0 ? last : NULL;
}

void problems_add(struct problems *problems, const char *file, struct yml_mark mark, const char *source,
                  const char *format, ...)
{
    struct problem *room = make_room(problems, file, mark);
    struct problem added = {.mark = mark};
    va_list arguments;
    int r;

    if (!room) {
        problems->dropped++;
        return;
    }
    va_start(arguments, format);
    r = vasprintf(&added.text, format, arguments);
    va_end(arguments);
    if (r < 0)
        added.text = NULL;
    added.file = strdup(file);
    added.excerpt = source && mark.line > 0 ? cut_line(source, mark.line) : NULL;
    if (!added.text || !added.file) {
        problem_done(&added);
        problems->dropped++;
        return;
    }
    cut_text(added.text);
    if (room == problems->items + problems->count) {
        problems->count++;
    } else {
        problem_done(room);
        problems->dropped++;
    }
    *room = added;
}

/* By insertion: few items, and those of one place keep their order. */
void problems_sort(struct problems *problems)
{
    for (size_t i = 1; i < problems->count; i++) {
        struct problem moving = problems->items[i];
        size_t to = i;

        for (; to > 0 && compare_place(moving.file, moving.mark, &problems->items[to - 1]) < 0; to--)
            problems->items[to] = problems->items[to - 1];
        problems->items[to] = moving;
    }
}

/* One character of a source line; what could do harm is a '?', so that the caret stays below its place. */
static size_t add_source_character(struct buf *out, const char *text, size_t size)
{
    uint32_t point = 0;
    size_t length = utf8_length(text, size, &point);

    if (length == 0 || (utf8_is_risky(point) && point != '\t'))
        (void)buf_add_char(out, '?'); /* here and below: a failed buffer stays failed, the end looks */
    else
        (void)buf_add(out, text, length);
    return length ? length : 1;
}

/*
 * The source line and a caret line. Both are built character by character: a
 * tab in the line is a tab above the caret too, whatever its width.
 */
static void add_excerpt(struct buf *out, const struct problem *problem)
{
    struct buf blank CLEANUP_BUF = BUF_INIT(SHOWN_CHARACTERS + 8);
    const char *text = problem->excerpt;
    size_t size = strlen(text), end = utf8_count(text, size) + 1, first = 1, number = 1;
    size_t column = problem->mark.column < end ? problem->mark.column : end;

    if (column > SHOWN_CHARACTERS - 10)
        first = column - SHOWN_BEFORE;
    (void)buf_addf(out, "%5u | %s", problem->mark.line, first > 1 ? "..." : "");
    for (size_t at = 0; at < size; number++) {
        uint32_t point;
        size_t length = utf8_length(text + at, size - at, &point);

        if (number >= first + SHOWN_CHARACTERS) {
            (void)buf_add_text(out, "...");
            break;
        }
        if (number >= first) {
            (void)add_source_character(out, text + at, size - at);
            if (number < column)
                (void)buf_add_char(&blank, text[at] == '\t' ? '\t' : ' ');
        }
        at += length ? length : 1;
    }
    (void)buf_add_char(out, '\n');
    if (column > 0)
        (void)buf_addf(out, "      | %s%s^\n", first > 1 ? "   " : "", buf_text(&blank));
}

static void add_problem(struct buf *out, const struct problem *problem, const char *word)
{
    (void)utf8_add_visible(out, problem->file, strlen(problem->file));
    if (problem->mark.line > 0)
        (void)buf_addf(out, ":%u", problem->mark.line);
    if (problem->mark.line > 0 && problem->mark.column > 0)
        (void)buf_addf(out, ":%u", problem->mark.column);
    (void)buf_addf(out, ": %s: ", word);
    (void)utf8_add_visible(out, problem->text, strlen(problem->text));
    (void)buf_add_char(out, '\n');
    if (problem->excerpt)
        add_excerpt(out, problem);
}

static char *as_text(const struct problems *problems, const char *word)
{
    struct buf out CLEANUP_BUF = BUF_INIT(TEXT_MAX_BYTES);

    for (size_t i = 0; i < problems->count; i++)
        add_problem(&out, &problems->items[i], word);
    if (problems->dropped > 0)
        (void)buf_addf(&out, "%zu more not shown\n", problems->dropped);
    return buf_take(&out);
}

char *problems_text(const struct problems *problems)
{
    return as_text(problems, "error");
}

char *warnings_text(const struct problems *warnings)
{
    return as_text(warnings, "warning");
}

void problems_done(struct problems *problems)
{
    if (!problems)
        return;
    for (size_t i = 0; i < problems->count; i++)
        problem_done(&problems->items[i]);
    free(problems->items);
    memset(problems, 0, sizeof(*problems));
}
