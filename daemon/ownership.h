/*
 * ownership.h: the marks that say whose a real resource is: the tags
 * mlopsd:platform and mlopsd:address (mlopsd:intent is put beside them by a create).
 */
#ifndef MLOPSD_DAEMON_OWNERSHIP_H
#define MLOPSD_DAEMON_OWNERSHIP_H

#include <json-c/json.h>
#include <stdbool.h>

enum owner { OWNER_NOBODY, OWNER_US, OWNER_OTHERS };

/** Add the marks to document.tags. 0 or -ENOMEM. */
int ownership_mark(struct json_object *document, const char *platform, const char *address);
/** Whose is what was observed? */
enum owner ownership_of(struct json_object *observed, const char *platform, const char *address);
/** Does it carry the tag of this intent? */
bool ownership_by_intent(struct json_object *observed, const char *token);
/**
 * An address in the alphabet that every service takes in a tag: TYPE.NAME, then "/" and the instance key with
 * bytes outside [A-Za-z0-9_.-] as =HH. Owned; NULL without memory.
 */
char *ownership_encode(const char *address);

#endif
