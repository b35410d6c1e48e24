/*
 * tfstate.h: what a Terraform state (terraform.tfstate, version 4) knows, and which declared resource each of its
 * things is. Pure: no I/O but for the file, no daemon. The state is full of secrets: its tree stays here; only ids
 * leave, and a password where the operator hands it over.
 */
#ifndef MLOPSD_CTL_TFSTATE_H
#define MLOPSD_CTL_TFSTATE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/macro.h"
#include "common/str.h"
#include "kinds/kind.h"

#define TF_NONE ((size_t)-1)

/** One instance of a managed resource of a type that mlopsd knows. */
struct tf_thing {
    char *address;    /* as Terraform writes it: module.net.aws_subnet.public["a"] */
    const char *name; /* "public"; borrowed from the tree, as are the rest */
    char *key;        /* "a", "0"; NULL = there is one only */
    char *id;         /* what `mlopsctl import` wants; NULL = not told */
    bool in_module;
    const struct kind *kind;
    struct json_object *attributes;
    size_t match; /* index of the declared resource, or TF_NONE */
};

/** Resources of one type that are, for mlopsd, a part of another. */
struct tf_part {
    const char *type, *whole; /* static */
    size_t count;
};

struct tf_state {
    struct json_object *tree;
    struct tf_thing *things;
    size_t count;
    struct tf_part *parts;
    size_t parts_count;
    struct strv left; /* addresses of types that mlopsd does not know */
};

/** Read the text of a state; @take_text is wiped and freed. NULL with @err. */
struct tf_state *tf_state_new(char *take_text, size_t size_bytes, struct err *err);
/** Wipes what the state holds. */
struct tf_state *tf_state_free(struct tf_state *state);
static inline void tf_state_freep(struct tf_state **state)
{
    *state = tf_state_free(*state);
}
/** The object of a kubernetes_manifest (the provider wraps it with its type); borrowed. */
struct json_object *tf_manifest(struct json_object *attributes);
/** Table of parts: NULL = it is a thing of its own, or unknown. */
const char *tf_whole_of(const char *type);

/** A declared resource, as far as its values are known. */
struct tf_declared {
    const char *address; /* borrowed */
    const struct kind *kind;
    struct json_object *document; /* desired: owned; unknown ones as {"unknown": "ADDRESS.ATTR"} */
    bool recorded;
    size_t match; /* index of the thing, or TF_NONE */
};

/**
 * Find for each declared one the thing that it is; @declared in graph order. In turn: the same address; the same
 * address in a module; natural keys and what else tells (a network, a Name tag); what matched ones refer to; the only
 * one left of its type. Nothing that contradicts matches, and nothing that is not the one best for both sides.
 */
void tf_match(struct tf_state *state, struct tf_declared *declared, size_t count);
/** Might this unmatched thing be that unmatched resource? */
bool tf_possible(const struct tf_state *state, const struct tf_declared *declared, size_t count,
                 size_t resource, size_t thing);

#endif
