/*
 * table.c: aligned columns that fit the terminal.
 *
 * The last column takes what is left and wraps between words; when too little is left for it, it stands below the
 * others. Only when these are too wide by themselves is the widest cut: an address should be there to be copied.
 * Without a known width nothing is cut or wrapped: programs read it.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"
#include "view/view-internal.h"

#define COLUMNS_MAX 12
#define GAP         2
#define NOTHING     "-"
#define LAST_MIN    24
#define CUT_MIN     8
#define BELOW       4 /* indentation of a last column that stands below */

struct table {
    const char *const *headings;
    size_t columns;
    struct strv cells;
    unsigned char *styles;
    size_t styles_capacity;
    bool failed;
};

struct table *table_new(const char *const *headings)
{
    struct table *table = calloc(1, sizeof(*table));

    if (!table)
        return NULL;
    table->headings = headings;
    while (headings[table->columns])
        table->columns++;
    assert(table->columns > 0 && table->columns <= COLUMNS_MAX);
    return table;
}

static bool style_add(struct table *table, enum view_style style)
{
    size_t capacity = table->styles_capacity ? table->styles_capacity * 2 : 64;
    unsigned char *grown;

    if (table->cells.count == table->styles_capacity) {
        grown = realloc(table->styles, capacity);
        if (!grown)
            return false;
        table->styles = grown;
        table->styles_capacity = capacity;
    }
    table->styles[table->cells.count] = (unsigned char)style;
    return true;
}

void table_add(struct table *table, enum view_style style, const char *text)
{
    char *escaped CLEANUP_FREE = NULL;

    if (!table || table->failed)
        return;
    escaped = view_escape(text ? text : NOTHING);
    table->failed = !escaped || !style_add(table, style) || strv_add(&table->cells, escaped) < 0;
}

static void measure(const struct table *table, size_t *widths)
{
    size_t columns;

    for (size_t i = 0; i < table->columns; i++)
        widths[i] = view_columns(table->headings[i]);
    for (size_t i = 0; i < table->cells.count; i++) {
        columns = view_columns(table->cells.items[i]);
        if (columns > widths[i % table->columns])
            widths[i % table->columns] = columns;
    }
}

struct layout {
    size_t widths[COLUMNS_MAX];
    bool is_below; /* the last column has lines of its own */
};

static size_t width_before_last(const struct table *table, const size_t *widths, size_t *ret_widest)
{
    size_t used = 0;

    *ret_widest = 0;
    for (size_t i = 0; i + 1 < table->columns; i++) {
        used += widths[i] + GAP;
        if (widths[i] > widths[*ret_widest])
            *ret_widest = i;
    }
    return used;
}

static void fit(const struct table *table, struct layout *layout, size_t total)
{
    size_t *widths = layout->widths, last = table->columns - 1, widest, used, wanted;

    wanted = widths[last] < LAST_MIN ? widths[last] : LAST_MIN;
    used = width_before_last(table, widths, &widest);
    if (used + widths[last] <= total)
        return;
    if (used + wanted <= total) {
        widths[last] = total - used;
        return;
    }
    layout->is_below = last > 0;
    widths[last] = total > BELOW + LAST_MIN ? total - BELOW : LAST_MIN;
    while (last > 0 && width_before_last(table, widths, &widest) > total + GAP && widths[widest] > CUT_MIN)
        widths[widest]--;
}

size_t view_prefix_bytes(const char *text, size_t columns)
{
    size_t bytes = 0, left = strlen(text), length;

    while (columns-- > 0 && left > 0) {
        length = utf8_length(text + bytes, left, NULL);
        length = length ? length : 1;
        bytes += length;
        left -= length;
    }
    return bytes;
}

static void pad(const struct view *view, size_t columns)
{
    while (columns-- > 0)
        (void)buf_add_char(view->out, ' ');
}

static void print_cut(const struct view *view, const char *text, size_t width, enum view_style style)
{
    size_t columns = view_columns(text);

    if (style != STYLE_PLAIN)
        view_style(view, style);
    if (columns > width) {
        (void)buf_add(view->out, text, view_prefix_bytes(text, width - 3));
        (void)buf_add_text(view->out, "...");
        columns = width;
    } else {
        (void)buf_add_text(view->out, text);
    }
    if (style != STYLE_PLAIN)
        view_style(view, STYLE_PLAIN);
    pad(view, width - columns + GAP);
}

/* Where to break: after the last blank that fits, else in the middle of a long word. */
static size_t line_bytes(const char *text, size_t width)
{
    size_t bytes = view_prefix_bytes(text, width), at = bytes;

    if (text[bytes] == '\0' || text[bytes] == ' ')
        return bytes;
    while (at > 0 && text[at - 1] != ' ')
        at--;
    return at > 0 ? at : bytes;
}

static void print_last(const struct view *view, const char *text, size_t width, size_t indent,
                       enum view_style style)
{
    size_t bytes, shown;

    for (;;) {
        bytes = view->width > 0 ? line_bytes(text, width) : strlen(text);
        shown = bytes;
        while (shown > 0 && text[shown - 1] == ' ')
            shown--;
        if (style != STYLE_PLAIN)
            view_style(view, style);
        (void)buf_add(view->out, text, shown);
        if (style != STYLE_PLAIN)
            view_style(view, STYLE_PLAIN);
        (void)buf_add_char(view->out, '\n');
        text += bytes;
        while (*text == ' ')
            text++;
        if (*text == '\0')
            return;
        pad(view, indent);
    }
}

static void end_row(const struct view *view)
{
    while (view->out->size > 0 && view->out->data[view->out->size - 1] == ' ')
        view->out->data[--view->out->size] = '\0';
    (void)buf_add_char(view->out, '\n');
}

static void print_row(const struct view *view, const struct table *table, const char *const *cells,
                      const unsigned char *styles, const struct layout *layout)
{
    size_t indent = 0, last = table->columns - 1;

    for (size_t i = 0; i < last; i++) {
        print_cut(view, cells[i], layout->widths[i], styles ? styles[i] : STYLE_STRONG);
        indent += layout->widths[i] + GAP;
    }
    if (layout->is_below) {
        end_row(view);
        indent = BELOW;
        if (!styles || str_equal(cells[last], NOTHING))
            return; /* its heading would stand over nothing */
        pad(view, indent);
    }
    print_last(view, cells[last], layout->widths[last], indent, styles ? styles[last] : STYLE_STRONG);
}

static void table_free(struct table *table)
{
    strv_done(&table->cells);
    free(table->styles);
    free(table);
}

void table_print(const struct view *view, struct table *take_table)
{
    struct table *table = take_table;
    struct layout layout = {0};

    if (!table || table->failed) {
        view->out->failed = -ENOMEM;
    } else {
        assert(table->cells.count % table->columns == 0); /* a row that is not whole */
        measure(table, layout.widths);
        if (view->width > 0)
            fit(table, &layout, view->width);
        print_row(view, table, table->headings, NULL, &layout);
        for (size_t i = 0; i < table->cells.count; i += table->columns)
            print_row(view, table, (const char *const *)&table->cells.items[i], &table->styles[i], &layout);
    }
    if (table)
        table_free(table);
}
