resource "aws_secretsmanager_secret" "github_token" {
  name                    = "${var.name_prefix}/github-token"
  description             = "Token with which ${local.function} starts the deploy workflow"
  recovery_window_in_days = 7
}

resource "aws_secretsmanager_secret_version" "github_token" {
  secret_id     = aws_secretsmanager_secret.github_token.id
  secret_string = var.github_token
}

resource "aws_iam_role" "deploy_trigger" {
  name        = local.function
  description = "Taken on by the function ${local.function}"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
}

resource "aws_iam_role_policy" "deploy_trigger_token" {
  name = "token"
  role = aws_iam_role.deploy_trigger.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "secretsmanager:GetSecretValue"
      Resource = aws_secretsmanager_secret.github_token.arn
    }]
  })
}

resource "aws_iam_role_policy_attachment" "deploy_trigger_logs" {
  role       = aws_iam_role.deploy_trigger.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_lambda_function" "deploy_trigger" {
  function_name = local.function
  description   = "Starts deploy.yaml of ${var.repository} for an approved model"
  role          = aws_iam_role.deploy_trigger.arn
  runtime       = "python3.12"
  handler       = "deploy_trigger.handler"
  filename      = var.function_zip
  timeout       = 30

  environment {
    variables = {
      GITHUB_REPOSITORY       = var.repository
      GITHUB_WORKFLOW         = "deploy.yaml"
      GITHUB_REF              = "main"
      GITHUB_TOKEN_SECRET_ARN = aws_secretsmanager_secret.github_token.arn
    }
  }
}

resource "aws_lambda_permission" "model_approved" {
  statement_id  = "model-approved"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.deploy_trigger.function_name
  principal     = "events.amazonaws.com"
  source_arn    = "arn:aws:events:${var.region}:${local.account_id}:rule/${local.rule}"
}

resource "aws_cloudwatch_event_rule" "model_approved" {
  name        = local.rule
  description = "A model of ${local.models} was approved"
  event_pattern = jsonencode({
    source      = ["aws.sagemaker"]
    detail-type = ["SageMaker Model Package State Change"]
    detail = {
      ModelPackageGroupName = [aws_sagemaker_model_package_group.models.model_package_group_name]
      ModelApprovalStatus   = ["Approved"]
    }
  })
}

resource "aws_cloudwatch_event_target" "deploy_trigger" {
  rule      = aws_cloudwatch_event_rule.model_approved.name
  target_id = "deploy-trigger"
  arn       = aws_lambda_function.deploy_trigger.arn
}
