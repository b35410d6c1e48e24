# What workflows may do, and what SageMaker may.

locals {
  models_arn = "arn:aws:sagemaker:${var.region}:${local.account_id}"

  read_bucket = {
    Effect   = "Allow"
    Action   = ["s3:GetBucketLocation", "s3:ListBucket"]
    Resource = aws_s3_bucket.artifacts.arn
  }
  change_objects = {
    Effect   = "Allow"
    Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    Resource = "${aws_s3_bucket.artifacts.arn}/*"
  }
}

resource "aws_iam_openid_connect_provider" "github" {
  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "github_actions" {
  name                 = "GitHubActionRole"
  description          = "Taken on by GitHub Actions of ${var.repository}"
  max_session_duration = 3600
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = aws_iam_openid_connect_provider.github.arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = { StringEquals = {
        "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
        "token.actions.githubusercontent.com:sub" = "${var.subject_prefix}:ref:refs/heads/main"
      } }
    }]
  })
}

resource "aws_iam_role_policy" "github_actions_push_images" {
  name = "push-images"
  role = aws_iam_role.github_actions.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = "ecr:GetAuthorizationToken", Resource = "*" },
      {
        Effect = "Allow"
        Action = [
          "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImages",
          "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
        ]
        Resource = [aws_ecr_repository.api.arn, aws_ecr_repository.ui.arn]
      },
    ]
  })
}

resource "aws_iam_role_policy" "github_actions_artifacts" {
  name   = "artifacts"
  role   = aws_iam_role.github_actions.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [local.read_bucket, local.change_objects] })
}

resource "aws_iam_role_policy" "github_actions_deploy" {
  name = "deploy"
  role = aws_iam_role.github_actions.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "eks:DescribeCluster"
      Resource = "arn:aws:eks:${var.region}:${local.account_id}:cluster/${local.cluster_name}"
    }]
  })
}

resource "aws_iam_role_policy" "github_actions_pipelines" {
  name = "pipelines"
  role = aws_iam_role.github_actions.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "sagemaker:CreatePipeline", "sagemaker:UpdatePipeline", "sagemaker:DescribePipeline", "sagemaker:StartPipelineExecution",
          "sagemaker:StopPipelineExecution", "sagemaker:DescribePipelineExecution", "sagemaker:ListPipelineExecutionSteps",
        ]
        Resource = "${local.models_arn}:pipeline/*"
      },
      {
        Effect   = "Allow"
        Action   = ["sagemaker:DescribeModelPackage", "sagemaker:DescribeModelPackageGroup", "sagemaker:ListModelPackages"]
        Resource = ["${local.models_arn}:model-package-group/${local.models}", "${local.models_arn}:model-package/${local.models}/*"]
      },
      {
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = aws_iam_role.sagemaker_execution.arn
        Condition = { StringEquals = { "iam:PassedToService" = "sagemaker.amazonaws.com" } }
      },
    ]
  })
}

resource "aws_iam_role" "sagemaker_execution" {
  name        = "SageMakerExecutionRole"
  description = "Taken on by SageMaker for training, registration and endpoints"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "sagemaker.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "sagemaker_artifacts" {
  name   = "artifacts"
  role   = aws_iam_role.sagemaker_execution.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [local.read_bucket, local.change_objects] })
}

resource "aws_iam_role_policy_attachment" "sagemaker_full_access" {
  role       = aws_iam_role.sagemaker_execution.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"
}
