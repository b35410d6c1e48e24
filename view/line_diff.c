/*
 * line_diff.c: two short texts line by line, by their longest common subsequence. Long ones are shown as all
 * of the old and all of the new.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view/view-internal.h"

#define LINES_MAX 400

struct line_diff {
    const struct view *view;
    const struct strv *before, *after;
    unsigned indent;
    unsigned short *lengths; /* of the common subsequence of the tails that start at (i, j) */
};

static unsigned short *cell(const struct line_diff *diff, size_t i, size_t j)
{
    return &diff->lengths[i * (diff->after->count + 1) + j];
}

static void fill(const struct line_diff *diff)
{
    for (size_t i = diff->before->count; i-- > 0;) {
        for (size_t j = diff->after->count; j-- > 0;) {
            unsigned short down = *cell(diff, i + 1, j), right = *cell(diff, i, j + 1);

            if (str_equal(diff->before->items[i], diff->after->items[j]))
                *cell(diff, i, j) = (unsigned short)(*cell(diff, i + 1, j + 1) + 1);
            else
                *cell(diff, i, j) = down >= right ? down : right;
        }
    }
}

static void print_line(const struct line_diff *diff, char symbol, const char *line)
{
    const struct view *view = diff->view;

    if (symbol != ' ')
        view_style(view, symbol == '+' ? STYLE_GOOD : STYLE_BAD);
    view_addf(view, "%*s%c %s", (int)diff->indent, "", symbol, line);
    if (symbol != ' ')
        view_style(view, STYLE_PLAIN);
    (void)buf_add_char(view->out, '\n');
}

static void print(const struct line_diff *diff)
{
    size_t i = 0, j = 0;

    while (i < diff->before->count || j < diff->after->count) {
        bool has_old = i < diff->before->count, has_new = j < diff->after->count;

        if (has_old && has_new && str_equal(diff->before->items[i], diff->after->items[j])) {
            print_line(diff, ' ', diff->before->items[i++]);
            j++;
        } else if (has_old && (!has_new || *cell(diff, i + 1, j) >= *cell(diff, i, j + 1))) {
            print_line(diff, '-', diff->before->items[i++]);
        } else {
            print_line(diff, '+', diff->after->items[j++]);
        }
    }
}

static void print_whole(const struct line_diff *diff)
{
    for (size_t i = 0; i < diff->before->count; i++)
        print_line(diff, '-', diff->before->items[i]);
    for (size_t j = 0; j < diff->after->count; j++)
        print_line(diff, '+', diff->after->items[j]);
}

void view_line_diff(const struct view *view, const struct strv *before, const struct strv *after,
                    unsigned indent)
{
    struct line_diff diff = {.view = view, .before = before, .after = after, .indent = indent};

    if (before->count > LINES_MAX || after->count > LINES_MAX) {
        print_whole(&diff);
        return;
    }
    diff.lengths = calloc((before->count + 1) * (after->count + 1), sizeof(*diff.lengths));
    if (!diff.lengths) {
        view->out->failed = -ENOMEM;
        return;
    }
    fill(&diff);
    print(&diff);
    free(diff.lengths);
}
