/*
 * view_fixture.h: documents from JSON text, and whole texts compared. For test_view_*.c.
 */
#ifndef MLOPSD_TESTS_UNIT_VIEW_FIXTURE_H
#define MLOPSD_TESTS_UNIT_VIEW_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/js.h"
#include "view/view-internal.h"

/* "2026-11-22T18:00:00Z" */
static inline int64_t fixture_now_ms(void)
{
    int64_t now_ms = 0;

    (void)clock_parse_time("2026-11-22T18:00:00Z", &now_ms);
    return now_ms;
}

struct page {
    struct buf out;
    struct view view;
};

static inline void page_init(struct page *page, unsigned width)
{
    page->out = BUF_INIT(VIEW_MAX_BYTES);
    page->view = (struct view){.out = &page->out, .width = width, .now_ms = fixture_now_ms()};
}

/** The text so far must be @expected; then the page is empty. */
static inline void assert_page(struct page *page, const char *expected)
{
    assert_int_equal(page->out.failed, 0);
    if (strcmp(buf_text(&page->out), expected) != 0)
        print_error("got:\n%s\nexpected:\n%s\n", buf_text(&page->out), expected);
    assert_string_equal(buf_text(&page->out), expected);
    buf_done(&page->out);
    page->out = BUF_INIT(VIEW_MAX_BYTES);
}

/** Single quotes stand for double ones, so that documents can be read; "`" stands for a quote inside a text. */
static inline struct json_object *document(const char *text)
{
    struct json_object *object = NULL;
    struct buf json = BUF_INIT(1 << 20);
    struct err err = {0};

    for (; *text; text++) {
        if (*text == '`')
            (void)buf_add_text(&json, "\\\"");
        else
            (void)buf_add_char(&json, *text == '\'' ? '"' : *text);
    }
    if (js_parse_text(buf_text(&json), &object, &err) < 0)
        fail_msg("%s in %s", err_text(&err), buf_text(&json));
    buf_done(&json);
    return object;
}

static inline int view_setup_all(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    tzset();
    return 0;
}

#endif
