/*
 * js-internal.h: between js.c and js_canonical.c.
 */
#ifndef MLOPSD_COMMON_JS_INTERNAL_H
#define MLOPSD_COMMON_JS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

/** Is it an integer that 64 bits can hold, signed below 0 and unsigned above? (floor() would need libm.) */
static inline bool js_is_integral(double number)
{
    if (number < 0)
        return number >= -0x1p63 && (double)(int64_t)number == number;
    return number < 0x1p64 && (double)(uint64_t)number == number;
}

#endif
