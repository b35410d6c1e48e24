resource "aws_s3_bucket" "artifacts" {
  bucket = var.bucket_name
}

resource "aws_s3_bucket_versioning" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "artifacts" {
  bucket                  = aws_s3_bucket.artifacts.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_policy" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "DenyInsecureTransport"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.artifacts.arn, "${aws_s3_bucket.artifacts.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
  depends_on = [aws_s3_bucket_public_access_block.artifacts]
}

resource "aws_db_subnet_group" "mlflow" {
  name        = local.database
  description = "Subnets of ${local.database}"
  subnet_ids  = values(aws_subnet.private)[*].id
}

resource "aws_db_instance" "mlflow" {
  identifier                = local.database
  engine                    = "postgres"
  engine_version            = var.database_engine_version
  instance_class            = "db.t3.micro"
  allocated_storage         = 20
  storage_type              = "gp3"
  storage_encrypted         = true
  db_name                   = "mlflowdb"
  username                  = "mlflow"
  password                  = var.db_password
  db_subnet_group_name      = aws_db_subnet_group.mlflow.name
  vpc_security_group_ids    = [aws_security_group.database.id]
  publicly_accessible       = false
  backup_retention_period   = 7
  copy_tags_to_snapshot     = true
  deletion_protection       = false
  skip_final_snapshot       = false
  final_snapshot_identifier = "${local.database}-final"
}

resource "aws_ecr_repository" "api" {
  name                 = "abalone-prediction-api"
  image_tag_mutability = "MUTABLE"

  image_scanning_configuration {
    scan_on_push = true
  }
}

resource "aws_ecr_repository" "ui" {
  name                 = "abalone-prediction-ui"
  image_tag_mutability = "MUTABLE"

  image_scanning_configuration {
    scan_on_push = true
  }
}
