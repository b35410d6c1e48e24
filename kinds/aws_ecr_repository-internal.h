/*
 * aws_ecr_repository-internal.h: between aws_ecr_repository.c and aws_ecr_repository_look.c.
 */
#ifndef MLOPSD_KINDS_AWS_ECR_REPOSITORY_INTERNAL_H
#define MLOPSD_KINDS_AWS_ECR_REPOSITORY_INTERNAL_H

#include "kinds/kind.h"

int aws_ecr_repository_observe(struct kind_batch *batch);

#endif
