/*
 * aws_eks_cluster-internal.h: between the files of this kind: its rows.
 */
#ifndef MLOPSD_KINDS_AWS_EKS_CLUSTER_INTERNAL_H
#define MLOPSD_KINDS_AWS_EKS_CLUSTER_INTERNAL_H

#include "kinds/kind.h"

/* ---- aws_eks_cluster_fields.c ---- */

extern const struct field aws_eks_cluster_fields[];
extern const struct attribute aws_eks_cluster_attributes[];
extern const struct field eks_vpc_fields[];
extern const struct field eks_encryption_fields[];
#define EKS_LOG_TYPES 5
extern const char *const eks_log_types[EKS_LOG_TYPES];
void aws_eks_cluster_check(struct kind_check *check);
void aws_eks_cluster_normalise(struct json_object *desired, struct json_object *observed);

#endif
