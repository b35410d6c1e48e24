/*
 * import_tfstate-internal.h: what `mlopsctl import --tfstate` found, and its words. For ctl/ alone.
 */
#ifndef MLOPSD_CTL_IMPORT_TFSTATE_INTERNAL_H
#define MLOPSD_CTL_IMPORT_TFSTATE_INTERNAL_H

#include "ctl/ctl.h"
#include "ctl/tfstate.h"

/** Does it come to mlopsd by itself, without an import (what is written again anyway, or only looked at)? */
bool tf_comes_alone(const struct kind *kind);
/** A password that can be handed over: the text, borrowed; NULL = it is none. */
struct json_object *tf_password(const struct tf_thing *thing);

/**
 * What the matching came to, without any secret: "things" to import in the order of the graph, [{address, id,
 * from}]; "passwords" and "recorded" and "alone" [{address, from}]; "ambiguous" [{address, candidates: [{from, id}]}];
 * "missing" [address]; "undeclared" [{from, id}]; "parts" [{type, whole, count}]; "left" [address]. NULL without memory.
 */
struct json_object *tf_report(const struct tf_state *state, const struct tf_declared *declared, size_t count);
/** As text: what is beside the plan. */
void tf_report_view(const struct view *view, struct json_object *report, const char *platform);

#endif
