/*
 * test_events.c: the table of events is complete, its ids are unique, and what is kept is what history needs.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/events.h"

static void every_event_has_a_row(void **state)
{
    (void)state;
    for (int i = 0; i < EVENT_TYPE_MAX; i++) {
        const struct event_info *info = &event_infos[i];

        assert_non_null(info->name);
        assert_true(strlen(info->name) >= 4);
        for (const char *c = info->name; *c; c++)
            assert_true(islower((unsigned char)*c));
        assert_in_range(info->level, LOG_AT_CRITICAL, LOG_AT_DEBUG);
    }
}

static void message_ids_are_what_the_journal_takes(void **state)
{
    (void)state;
    for (int i = 0; i < EVENT_TYPE_MAX; i++) {
        const char *id = event_infos[i].message_id;

        assert_non_null(id);
        assert_int_equal(strlen(id), 32);
        assert_int_equal(strspn(id, "0123456789abcdef"), 32);
        /* a random 128-bit id of version 4, as the journal's tools make them */
        assert_int_equal(id[12], '4');
        assert_non_null(strchr("89ab", id[16]));
    }
}

static void nothing_is_called_twice(void **state)
{
    (void)state;
    for (int i = 0; i < EVENT_TYPE_MAX; i++)
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(event_infos[i].message_id, event_infos[k].message_id);
            assert_string_not_equal(event_infos[i].name, event_infos[k].name);
        }
}

static void only_what_merely_begins_or_waits_is_not_kept(void **state)
{
    (void)state;
    for (int i = 0; i < EVENT_TYPE_MAX; i++)
        assert_int_equal(event_infos[i].kept, i != EVENT_START && i != EVENT_WAITING);
}

static void alarms_are_loud_and_their_ends_are_not(void **state)
{
    static const enum event_type alarms[] = {EVENT_REFUSED, EVENT_DRIFT, EVENT_CONTESTED, EVENT_FAILED,
                                             EVENT_UNKNOWN, EVENT_HELD,  EVENT_BLOCKED};
    static const enum event_type ends[] = {EVENT_RESOLVED,  EVENT_RECOVERED, EVENT_KNOWN,
                                           EVENT_UNBLOCKED, EVENT_HEAL,      EVENT_CONVERGED};

    (void)state;
    for (size_t i = 0; i < sizeof(alarms) / sizeof(alarms[0]); i++)
        assert_true(event_infos[alarms[i]].level <= LOG_AT_WARNING);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        assert_true(event_infos[ends[i]].level >= LOG_AT_NOTICE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_has_a_row),
        cmocka_unit_test(message_ids_are_what_the_journal_takes),
        cmocka_unit_test(nothing_is_called_twice),
        cmocka_unit_test(only_what_merely_begins_or_waits_is_not_kept),
        cmocka_unit_test(alarms_are_loud_and_their_ends_are_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
