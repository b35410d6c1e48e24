variable "region" {
  type    = string
  default = "us-east-1"
}

variable "name_prefix" {
  type    = string
  default = "abalone-mlops"
}

variable "bucket_name" {
  type    = string
  default = "jd-abalone-mlops-artifacts"
}

variable "repository" {
  type    = string
  default = "john-doe/mlops-project"
}

variable "subject_prefix" {
  description = "How GitHub's OIDC subjects of the repository begin."
  type        = string
  default     = "repo:john-doe/mlops-project"
}

variable "tags" {
  type    = map(string)
  default = { Project = "abalone-mlops", ManagedBy = "terraform" }
}

variable "db_password" {
  type      = string
  sensitive = true
}

variable "github_token" {
  type      = string
  sensitive = true
}

variable "function_zip" {
  description = "Path of the function's code."
  type        = string
}

variable "database_engine_version" {
  type    = string
  default = "16"
}
