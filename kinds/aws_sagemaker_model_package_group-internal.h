/*
 * aws_sagemaker_model_package_group-internal.h: between the two files of this kind.
 */
#ifndef MLOPSD_KINDS_AWS_SAGEMAKER_MODEL_PACKAGE_GROUP_INTERNAL_H
#define MLOPSD_KINDS_AWS_SAGEMAKER_MODEL_PACKAGE_GROUP_INTERNAL_H

#include "kinds/kind.h"

/** SageMaker's way of saying that a group is not there: a ValidationException that ends so. */
bool model_group_is_absent(const struct err *err);

int aws_sagemaker_model_package_group_observe(struct kind_batch *batch);

#endif
