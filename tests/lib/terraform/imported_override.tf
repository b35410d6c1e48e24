# Only beside `import` blocks (Terraform lays *_override.tf over the rest): what no service can be asked about. After an import
# Terraform does not know it, and would "change" it from nothing to what is written, or even make the resource anew.

resource "aws_db_instance" "mlflow" {
  lifecycle {
    ignore_changes = [password, skip_final_snapshot, final_snapshot_identifier]
  }
}

resource "aws_eks_cluster" "main" {
  lifecycle {
    ignore_changes = [bootstrap_self_managed_addons, access_config[0].bootstrap_cluster_creator_admin_permissions]
  }
}

resource "aws_eks_addon" "vpc_cni" {
  lifecycle {
    ignore_changes = [resolve_conflicts_on_create]
  }
}

resource "aws_eks_addon" "kube_proxy" {
  lifecycle {
    ignore_changes = [resolve_conflicts_on_create]
  }
}

resource "aws_eks_addon" "coredns" {
  lifecycle {
    ignore_changes = [resolve_conflicts_on_create]
  }
}

resource "aws_lambda_function" "deploy_trigger" {
  lifecycle {
    ignore_changes = [filename]
  }
}

resource "aws_sagemaker_domain" "studio" {
  lifecycle {
    ignore_changes = [retention_policy]
  }
}

resource "aws_secretsmanager_secret" "github_token" {
  lifecycle {
    ignore_changes = [recovery_window_in_days, force_overwrite_replica_secret]
  }
}
