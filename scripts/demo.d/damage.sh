# damage.sh: what somebody breaks, behind the daemon's back, with the tools everybody has.

aws_quiet() { show aws "$@"; aws "$@" >"$work/aws.out" 2>&1 || { cat "$work/aws.out" >&2; fail "aws $1 $2 failed"; }; }

damage_aws() {
    local group
    cat >"$work/anyone.json" <<JSON
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
 "Principal": {"Federated": "$(mlopsctl output oidc_provider_arn --raw)"},
 "Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:*"}}}]}
JSON
    note 'AWS: every repository on GitHub may take on the role'
    aws_quiet iam update-assume-role-policy --role-name GitHubActionRole --policy-document "file://$work/anyone.json"
    note 'AWS: the bucket forgets old versions'
    aws_quiet s3api put-bucket-versioning --bucket "$(mlopsctl output s3_bucket_name --raw)" --versioning-configuration Status=Suspended
    note 'AWS: the database is opened to the world, by its firewall and by an address'
    group=$(aws ec2 describe-security-groups --filters Name=group-name,Values=mlflow-database \
        --query 'SecurityGroups[0].GroupId' --output text)
    aws_quiet ec2 authorize-security-group-ingress --group-id "$group" --protocol tcp --port 5432 --cidr 0.0.0.0/0
    aws_quiet rds modify-db-instance --db-instance-identifier mlflow-database --publicly-accessible --apply-immediately
    note 'AWS: twenty nodes may be started'
    aws_quiet eks update-nodegroup-config --cluster-name abalone-mlops-cluster --nodegroup-name default --scaling-config maxSize=20
    note 'AWS: approved models start nothing any more'
    aws_quiet events disable-rule --name abalone-model-approved
}

damage_github() {
    note 'GitHub: a secret of the workflows is overwritten, and one deleted'
    show "PUT $GITHUB_API_URL/repos/john-doe/mlops-project/actions/secrets/DB_PASSWORD"
    printf 'not-the-password' | "$python" "$top/sandbox/tools/github_secret.py" --github "$GITHUB_API_URL" \
        --repository john-doe/mlops-project --token-file "$work/credentials/github-token" DB_PASSWORD >/dev/null
    show "DELETE $GITHUB_API_URL/repos/john-doe/mlops-project/actions/secrets/AWS_REGION"
    curl -sS --fail -X DELETE -H @<(printf 'Authorization: Bearer %s' "$(cat "$work/credentials/github-token")") \
        "$GITHUB_API_URL/repos/john-doe/mlops-project/actions/secrets/AWS_REGION"
}

# kubectl logs in as everybody does: with a kubeconfig from `aws eks`, which asks `aws eks get-token`.
damage_kubernetes() {
    note 'Kubernetes: another image is rolled out, and the service with its load balancer is deleted'
    if command -v kubectl >/dev/null 2>&1; then
        run kubectl --namespace mlflow set image deployment/mlflow mlflow=ghcr.io/mlflow/mlflow:v2.0.0
        run kubectl --namespace mlflow delete service mlflow
    else
        show 'PATCH /apis/apps/v1/namespaces/mlflow/deployments/mlflow  (no kubectl here: the API itself)'
        ask break-image ghcr.io/mlflow/mlflow:v2.0.0
        show 'DELETE /api/v1/namespaces/mlflow/services/mlflow'
        ask break-service
    fi
}
