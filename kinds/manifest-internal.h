/*
 * manifest-internal.h: between the files of kubernetes_manifest: its table and operations
 * (kubernetes_manifest.c), looking (_look.c), comparing (_seen.c), what is there too much (_extra.c), and
 * what it is still waited for (_wait.c).
 */
#ifndef MLOPSD_KINDS_MANIFEST_INTERNAL_H
#define MLOPSD_KINDS_MANIFEST_INTERNAL_H

#include "kinds/cluster-internal.h"

struct target manifest_target(struct json_object *document);
/** The object as it is applied: the manifest with our marks. Owned; NULL without memory. */
struct json_object *manifest_body(struct json_object *document, const char *intent);
/** "spec.template.spec" for what makes pods; NULL for other kinds. */
const char *manifest_pod_path(const char *kind);

/* ---- _look.c ---- */

int kubernetes_manifest_observe(struct kind_batch *batch);

/* ---- _seen.c: pure ---- */

/** What is wanted against what is there. All borrowed but the results. */
struct seen {
    struct json_object *desired; /* the manifest */
    struct json_object *wished;  /* what the server would make of it; @desired itself when it was not asked */
    struct json_object *live;
    struct json_object
        *causes; /* conflicts: only these, and what is missing, count; NULL = everything that differs */
    struct json_object *by; /* result: path → who; owned by the caller, an object */
    bool failed;            /* result: no memory */
};
/** The desired manifest with what differs put in its place. Owned; NULL when failed. */
struct json_object *manifest_seen(struct seen *seen);
/** Paths of what would go although it is declared nowhere: what we declared before and do no longer. Into @extra. */
int manifest_leftovers(struct json_object *desired, struct json_object *wished, struct json_object *live,
                       struct json_object *extra);
/** The element of @list that is the same as @element by its key ("name", "containerPort"), else NULL. Borrowed. */
struct json_object *manifest_element(struct json_object *list, struct json_object *element);

/* ---- _extra.c: pure ---- */

/**
 * Containers, volumes, environment and service account of the pods that nobody declared. @extra and @by get {PATH: ...};
 * @patch gets the operations of a JSON patch that takes them out; each may be NULL. 0 or -ENOMEM.
 */
int manifest_extras(struct json_object *desired, struct json_object *live, struct json_object *extra,
                    struct json_object *by, struct json_object *patch);
/** "kubectl-edit at 2026-...": the manager by its name with the time it wrote last; owned. */
char *manifest_manager(struct json_object *live, const char *name);

/* ---- _wait.c ---- */

/** May wait. Not usable yet: why, owned. NULL when nothing is waited for. */
char *manifest_waiting(struct kind_batch *batch, struct json_object *desired, const struct target *target,
                       struct json_object *live);
/** Is there anything that a create or change of it must wait for? */
bool manifest_waits(struct json_object *desired);

#endif
