/*
 * engine_check.h: assertions for tests of the engine: a failure tells the story, and how to repeat it.
 */
#ifndef MLOPSD_TESTS_UNIT_ENGINE_CHECK_H
#define MLOPSD_TESTS_UNIT_ENGINE_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/engine_fixture.h"

static inline void engine_tell(const struct engine *engine)
{
    char *story = engine_story(engine);

    /* not by cmocka: its messages end after a kilobyte */
    (void)fprintf(stderr, "seed %llu, turn %llu; %zu calls, %zu writes; it said:\n%s",
                  (unsigned long long)engine->seed, (unsigned long long)engine->turns, engine->cloud.calls,
                  engine->cloud.writes, story ? story : "");
    free(story);
}

#define CHECK(engine, statement)                                                                             \
    do {                                                                                                     \
        if (!(statement)) {                                                                                  \
            engine_tell(engine);                                                                             \
            fail_msg("not so: %s", #statement);                                                              \
        }                                                                                                    \
    } while (0)

/** Both are unsigned. */
#define CHECK_EQUAL(engine, found, wanted)                                                                   \
    do {                                                                                                     \
        unsigned long long found_ = (found), wanted_ = (wanted);                                             \
                                                                                                             \
        if (found_ != wanted_) {                                                                             \
            engine_tell(engine);                                                                             \
            fail_msg("%s is %llu, not %llu", #found, found_, wanted_);                                       \
        }                                                                                                    \
    } while (0)

#define CHECK_NO_VIOLATION(engine)                                                                           \
    do {                                                                                                     \
        if ((engine)->cloud.violation[0]) {                                                                  \
            engine_tell(engine);                                                                             \
            fail_msg("%s", (engine)->cloud.violation);                                                       \
        }                                                                                                    \
    } while (0)

#endif
