/*
 * order.c: an order in which what is needed comes first, and the cycles that
 * make one impossible. No recursion: a chain may be as long as the platform is large.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "desired/desired-internal.h"

#define CYCLE_MAX_BYTES (12 << 10)

enum colour { WHITE, GREY, BLACK };

struct frame {
    size_t draft, next_edge;
};

struct walk {
    struct loader *loader;
    unsigned char *colours;
    struct frame *stack;
    size_t depth;
    size_t *order;
    size_t ordered;
};

/* From the stack: a -> b -> a. The place is that of the reference that closes the circle. */
static int report_cycle(struct walk *walk, size_t back_to, struct place place)
{
    struct buf text CLEANUP_BUF = BUF_INIT(CYCLE_MAX_BYTES);
    size_t from = walk->depth;
    size_t length;

    while (from > 0 && walk->stack[from - 1].draft != back_to)
        from--;
    from--;
    length = walk->depth - from;
    for (size_t i = from; i < walk->depth; i++) {
        const char *address = walk->loader->drafts[walk->stack[i].draft].resource.address;

        /* Very long circles: the ends tell enough, and the message has to stay readable. */
        if (length > 60 && i - from == 30) {
            (void)buf_addf(&text, "... %zu more ... -> ", length - 60);
            i = walk->depth - 30;
        }
        if (buf_addf(&text, "%s -> ", address) == -ENOMEM)
            return -ENOMEM;
    }
    report_problem(&walk->loader->report, place, "a circle of references: %s%s; nothing could be first",
                   buf_text(&text), walk->loader->drafts[back_to].resource.address);
    return 0;
}

static void push(struct walk *walk, size_t draft)
{
    walk->colours[draft] = GREY;
    walk->stack[walk->depth++] = (struct frame){draft, 0};
}

/* One step: follow the next edge of the top, or finish it. */
static int step(struct walk *walk)
{
    struct frame *top = &walk->stack[walk->depth - 1];
    const struct draft *draft = &walk->loader->drafts[top->draft];
    const struct edge *edge;

    if (top->next_edge == draft->edges_count) {
        walk->colours[top->draft] = BLACK;
        walk->order[walk->ordered++] = top->draft;
        walk->depth--;
        return 0;
    }
    edge = &draft->edges[top->next_edge++];
    if (walk->colours[edge->to] == GREY)
        return report_cycle(walk, edge->to, edge->place);
    if (walk->colours[edge->to] == WHITE)
        push(walk, edge->to);
    return 0;
}

int order_find(struct loader *loader, size_t **ret_order)
{
    size_t count = loader->drafts_count;
    unsigned char *colours CLEANUP_FREE = calloc(count + 1, 1);
    struct frame *stack CLEANUP_FREE = calloc(count + 1, sizeof(*stack));
    size_t *order CLEANUP_FREE = calloc(count + 1, sizeof(*order));
    struct walk walk = {.loader = loader, .colours = colours, .stack = stack, .order = order};
    int r = 0;

    if (!colours || !stack || !order)
        return -ENOMEM;
    for (size_t i = 0; r == 0 && i < count; i++) {
        if (colours[i] == WHITE)
            push(&walk, i);
        while (r == 0 && walk.depth > 0)
            r = step(&walk);
    }
    if (r == 0)
        *ret_order = TAKE(order);
    return r;
}
