/*
 * macro.h: the few macros and inline helpers that every file may use.
 *
 * Clean-up attributes release plain things when a scope is left, so that an
 * early return is safe. Each type declares its own in its own header with
 * DEFINE_CLEANUP.
 */
#ifndef MLOPSD_COMMON_MACRO_H
#define MLOPSD_COMMON_MACRO_H

#include <stddef.h>
#include <stdlib.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define CLEANUP(function) __attribute__((cleanup(function)))
#define PRINTF_LIKE(format_index, first_argument)                                                            \
    __attribute__((format(printf, format_index, first_argument)))
#define MUST_CHECK __attribute__((warn_unused_result))

/** The struct that holds @member at address @ptr. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/** Define "static inline void FUNCTIONp(TYPE *p)" which calls FUNCTION on a non-NULL *p. */
#define DEFINE_CLEANUP(type, function)                                                                       \
    static inline void function##p(type *object)                                                             \
    {                                                                                                        \
        if (*object)                                                                                         \
            function(*object);                                                                               \
    }

static inline void cleanup_free_pointer(void *pointer)
{
    free(*(void **)pointer);
}

/** char *text CLEANUP_FREE = NULL; */
#define CLEANUP_FREE CLEANUP(cleanup_free_pointer)

/** Take the value of @pointer and leave NULL behind: ownership moves on. */
#define TAKE(pointer)                                                                                        \
    ({                                                                                                       \
        __typeof__(pointer) *p_ = &(pointer);                                                                \
        __typeof__(pointer) taken_ = *p_;                                                                    \
        *p_ = NULL;                                                                                          \
        taken_;                                                                                              \
    })

#endif
