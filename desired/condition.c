/*
 * condition.c: "when": is a resource, or an output, wanted at all? One boolean, or a list of them that must
 * all be true.
 */
#include "common/str.h"
#include "desired/desired-internal.h"

static bool holds(struct report *report, const struct node *when)
{
    if (when->poison || when->kind == YML_NULL)
        return true;
    if (when->kind == YML_BOOLEAN)
        return str_equal(when->text, "true");
    report_problem(report, when->place,
                   "when: true, false or a reference to a boolean parameter is wanted, this is %s",
                   yml_kind_name(when->kind));
    return true;
}

bool condition_holds(struct report *report, const struct node *when)
{
    bool all = true;

    if (when->poison || when->kind != YML_LIST)
        return holds(report, when);
    for (size_t i = 0; i < when->count; i++)
        all = holds(report, when->children[i]) && all;
    return all;
}
