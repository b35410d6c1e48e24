/*
 * verb.c: what each verb is on the wire, and what calls and answers are without a client.
 */
#include "cloud/kubernetes/kubernetes-internal.h"

/* Who owns what an apply sets, and: unknown fields are mistakes, not wishes. */
#define AS_MANAGER "?fieldManager=" KUBERNETES_FIELD_MANAGER "&fieldValidation=Strict"

const struct kube_verb kube_verbs[KUBERNETES_VERB_MAX] = {
    [KUBERNETES_GET] = {"read", "GET", .repeatable = true, .has_name = true},
    [KUBERNETES_LIST] = {"list", "GET", .repeatable = true},
    [KUBERNETES_APPLY] = {"apply", "PATCH", AS_MANAGER "&force=true", "application/apply-patch+yaml",
                          .writes = true, .repeatable = true, .has_body = true, .has_name = true},
    [KUBERNETES_DRY_RUN] = {"compare", "PATCH", AS_MANAGER "&dryRun=All", "application/apply-patch+yaml",
                            .repeatable = true, .has_body = true, .has_name = true},
    [KUBERNETES_PATCH] = {"patch", "PATCH", AS_MANAGER, "application/json-patch+json", .writes = true,
                          .has_body = true, .has_name = true},
    [KUBERNETES_DELETE] = {"delete", "DELETE", NULL, "application/json", .writes = true, .repeatable = true,
                           .has_body = true, .has_name = true},
    [KUBERNETES_CREATE] = {"ask", "POST", NULL, "application/json", .repeatable = true, .has_body = true},
};

bool kubernetes_writes(enum kubernetes_verb verb)
{
    return kube_verbs[verb].writes;
}

void kubernetes_answer_done(struct kubernetes_answer *answer)
{
    json_object_put(answer->body);
    *answer = (struct kubernetes_answer){0};
}

char *kubernetes_call_name(const struct kubernetes_call *call)
{
    const struct kubernetes_object *object = &call->object;
    bool both = object->namespace && object->name;

    return str_format("%s %.80s%s%.253s%s%.253s", kube_verbs[call->verb].word,
                      object->kind ? object->kind : "?", object->namespace || object->name ? " " : "",
                      object->namespace ? object->namespace : "", both ? "/" : "",
                      object->name ? object->name : "");
}
