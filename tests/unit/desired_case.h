/*
 * desired_case.h: cases of desired/ as files.
 *
 * A platform file under tests/unit/desired/ says itself what is wrong with it: a line that
 * ends in "#! COLUMN: TEXT" must be complained about at that very line and column with that very text
 * (several "#!" = several complaints); "#? COLUMN: TEXT" is a warning. Nothing else may be reported.
 * The blueprint that it names is read for such marks too.
 */
#ifndef MLOPSD_TESTS_UNIT_DESIRED_CASE_H
#define MLOPSD_TESTS_UNIT_DESIRED_CASE_H

#include "desired/desired.h"

/** Path of a data file; owned. */
char *case_path(const char *name);
/** Load a case that must be complained about exactly as its marks say. */
void case_refused(const char *name);
/** Load a case that must be accepted, with exactly the warnings its marks say. Owned. */
struct graph *case_accepted(const char *name);
/** Body of a resource must be exactly this JSON text; likewise an output's value. */
void assert_body(const struct graph *graph, const char *address, const char *expected);
void assert_output(const struct graph *graph, const char *name, const char *expected);
/** The addresses a resource needs, joined by a space. */
void assert_needs(const struct graph *graph, const char *address, const char *expected);

#endif
