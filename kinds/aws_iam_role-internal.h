/*
 * aws_iam_role-internal.h: between aws_iam_role.c and aws_iam_role_look.c.
 */
#ifndef MLOPSD_KINDS_AWS_IAM_ROLE_INTERNAL_H
#define MLOPSD_KINDS_AWS_IAM_ROLE_INTERNAL_H

#include "kinds/kind.h"

/* IAM's quotas are far below: an answer with more is not believed. */
#define ROLE_ITEMS_MAX 1000

int aws_iam_role_observe(struct kind_batch *batch);

#endif
