/*
 * yml-internal.h: between yml.c (events to a tree) and yml_type.c (what a scalar means).
 */
#ifndef MLOPSD_COMMON_YML_INTERNAL_H
#define MLOPSD_COMMON_YML_INTERNAL_H

#include "common/yml.h"

#define YML_TEXT_MAX_BYTES (1024UL * 1024)
#define YML_DEPTH_MAX      32
#define YML_NODES_MAX      100000

/**
 * What a plain (unquoted) scalar is. -ERANGE for a number that no JSON reader
 * could keep: an integer beyond 64 bits, a number beyond a double.
 */
int yml_plain_kind(const char *text, enum yml_kind *ret);

#endif
