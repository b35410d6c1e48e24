# The AWS part of the platform as somebody would have written it for Terraform who followed the guide: the names are the
# blueprint's defaults (etc/blueprints/mlops-platform.yaml). Endpoint and keys come from the environment.

terraform {
  required_version = "~> 1.11"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  region            = var.region
  s3_use_path_style = true # a sandbox has no names for buckets

  # Ids of accounts and Regions are not looked up: there is no metadata service.
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_credentials_validation = true

  default_tags {
    tags = var.tags
  }

  # mlopsd's marks of ownership are its own business.
  ignore_tags {
    key_prefixes = ["mlopsd:"]
  }
}

data "aws_caller_identity" "current" {}

locals {
  account_id   = data.aws_caller_identity.current.account_id
  cluster_name = "${var.name_prefix}-cluster"
  function     = "abalone-deploy-trigger"
  rule         = "abalone-model-approved"
  models       = "AbaloneModelPackageGroup"
  database     = "mlflow-database"
  domain       = "${var.name_prefix}-domain"
}
