resource "aws_sagemaker_model_package_group" "models" {
  model_package_group_name        = local.models
  model_package_group_description = "Models of ${var.repository}"
}

resource "aws_sagemaker_domain" "studio" {
  domain_name             = local.domain
  auth_mode               = "IAM"
  vpc_id                  = aws_vpc.main.id
  subnet_ids              = values(aws_subnet.private)[*].id
  app_network_access_type = "VpcOnly"

  default_user_settings {
    execution_role  = aws_iam_role.sagemaker_execution.arn
    security_groups = [aws_security_group.studio.id]
  }

  retention_policy {
    home_efs_file_system = "Delete"
  }
}

resource "aws_sagemaker_user_profile" "default" {
  domain_id         = aws_sagemaker_domain.studio.id
  user_profile_name = "mlops-user"

  user_settings {
    execution_role = aws_iam_role.sagemaker_execution.arn
  }
}
