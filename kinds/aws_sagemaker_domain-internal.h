/*
 * aws_sagemaker_domain-internal.h: between the two files of this kind.
 */
#ifndef MLOPSD_KINDS_AWS_SAGEMAKER_DOMAIN_INTERNAL_H
#define MLOPSD_KINDS_AWS_SAGEMAKER_DOMAIN_INTERNAL_H

#include "kinds/kind.h"

int aws_sagemaker_domain_observe(struct kind_batch *batch);

#endif
