# world.sh: the sandbox, the daemon, and the clients that talk to both; all in one folder that goes with the demo.

scale=50 # a quarter of an hour of AWS in about twenty seconds
sandbox_pid='' daemon_pid='' tail_pid=''

finish() {
    local status=$? pid
    trap - EXIT INT TERM
    for pid in $tail_pid $daemon_pid $sandbox_pid; do
        kill "$pid" 2>/dev/null || true
    done
    for pid in $tail_pid $daemon_pid $sandbox_pid; do
        wait "$pid" 2>/dev/null || true
    done
    if [ "$keep" = yes ] || { [ "$status" -ne 0 ] && [ "$status" -ne 130 ]; }; then
        echo "demo: files are kept in $work"
    else
        rm -rf "$work"
    fi
    exit "$status"
}

begin_world() {
    work=$(mktemp -d "${TMPDIR:-/tmp}/mlopsd-demo.XXXXXX")
    trap finish EXIT
    trap 'exit 130' INT TERM
    start_sandbox
    write_files
    set_clients
}

# AWS, a strict small GitHub, and a Kubernetes API server for every EKS cluster, on free loopback ports.
start_sandbox() {
    export MLOPS_SANDBOX_PYTHON=$python
    "$top/mlops-sandbox" --listen 127.0.0.1:0 --latency-ms 20 --time-scale "$scale" \
        >"$work/sandbox.json" 2>"$work/sandbox.log" &
    sandbox_pid=$!
    for _ in $(seq 200); do
        [ -s "$work/sandbox.json" ] && return 0
        kill -0 "$sandbox_pid" 2>/dev/null || { cat "$work/sandbox.log" >&2; fail 'the sandbox did not start'; }
        sleep 0.1
    done
    fail 'the sandbox did not say where it listens'
}
sandbox_url() { "$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$work/sandbox.json" "$1"; }

# The installed example, changed where a demo is not a platform that somebody lives on.
write_files() {
    mkdir -p "$work/etc/platforms.d" "$work/credentials" "$work/state" "$work/run" "$work/bin"
    cp -r "$top/etc/blueprints" "$work/etc/"
    sed -f "$parts/platform.sed" "$top/etc/platforms.d/abalone-mlops.yaml" >"$work/etc/platforms.d/abalone-mlops.yaml"
    cat >"$work/etc/mlopsd.yaml" <<CONFIG
state_dir: $work/state
socket: $work/run/mlopsd.sock
poll_interval: 3s
CONFIG
    (umask 077 && printf 'ghp_sandbox' >"$work/credentials/github-token")
}

# Environment of the daemon and of aws, kubectl and curl; nothing of the caller's accounts comes in.
set_clients() {
    AWS_ENDPOINT_URL=$(sandbox_url aws)
    GITHUB_API_URL=$(sandbox_url github)
    SANDBOX_CONTROL=$(sandbox_url control)
    export AWS_ENDPOINT_URL GITHUB_API_URL SANDBOX_CONTROL
    export AWS_ACCESS_KEY_ID=AKIASANDBOX AWS_SECRET_ACCESS_KEY=sandbox-secret AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
    export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true AWS_PAGER=''
    export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost
    unset AWS_PROFILE AWS_SESSION_TOKEN AWS_CA_BUNDLE STATE_DIRECTORY RUNTIME_DIRECTORY 2>/dev/null || true
    export CREDENTIALS_DIRECTORY=$work/credentials MLOPSD_SOCKET=$work/run/mlopsd.sock
    export KUBECONFIG=$work/kubeconfig
    # kubectl too calls `aws`, to log in: one that is surely there. The option, as `aws rds` of version 1 does not
    # heed the variable in us-east-1.
    printf '#!/bin/sh\nexec "%s" -m awscli --endpoint-url "$AWS_ENDPOINT_URL" "$@"\n' "$(command -v "$python")" \
        >"$work/bin/aws"
    chmod 755 "$work/bin/aws"
    export PATH=$work/bin:$PATH
}
mlopsd() { "$build/mlopsd" "$@"; }
mlopsctl() { "$build/mlopsctl" "$@"; }
ask() { "$python" "$parts/ask.py" "$@"; }

start_daemon() {
    "$build/mlopsd" --config "$work/etc/mlopsd.yaml" --log-format text >"$work/mlopsd.log" 2>&1 &
    daemon_pid=$!
    for _ in $(seq 200); do
        [ -S "$MLOPSD_SOCKET" ] && return 0
        kill -0 "$daemon_pid" 2>/dev/null || { cat "$work/mlopsd.log" >&2; fail 'mlopsd did not start'; }
        sleep 0.05
    done
    fail 'mlopsd did not open its socket'
}

log_lines() { wc -l <"$work/mlopsd.log"; }
log_since() { tail -n "+$(($1 + 1))" "$work/mlopsd.log"; }

stay_up() {
    start_daemon
    mlopsctl apply || true
    aws eks update-kubeconfig --name abalone-mlops-cluster >/dev/null || true
    cat <<TEXT

The sandbox and mlopsd are running. In another terminal:

  export AWS_ENDPOINT_URL=$AWS_ENDPOINT_URL GITHUB_API_URL=$GITHUB_API_URL
  export AWS_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY=$AWS_SECRET_ACCESS_KEY AWS_DEFAULT_REGION=us-east-1
  export MLOPSD_SOCKET=$MLOPSD_SOCKET KUBECONFIG=$KUBECONFIG
  export PATH=$work/bin:$build:\$PATH; unset AWS_CA_BUNDLE AWS_PROFILE

  mlopsctl status; mlopsctl output; mlopsctl watch
  curl \$(mlopsctl output mlflow_url --raw)/health

  aws iam attach-role-policy --role-name GitHubActionRole --policy-arn arn:aws:iam::aws:policy/AdministratorAccess
  kubectl --namespace mlflow get deployments,pods,services
  kubectl --namespace mlflow set image deployment/mlflow mlflow=ghcr.io/mlflow/mlflow:v2.0.0
  curl -H "Authorization: Bearer ghp_sandbox" -X DELETE $GITHUB_API_URL/repos/john-doe/mlops-project/actions/secrets/AWS_REGION
  mlopsctl history --limit 10

  mlopsctl destroy          # and \`mlopsctl apply\` builds it again

The platform file is $work/etc/platforms.d/abalone-mlops.yaml: edit it, then \`mlopsctl reload\`.
What the daemon says follows. Ctrl-C ends both.

TEXT
    tail -n +1 -f "$work/mlopsd.log" &
    tail_pid=$!
    wait "$daemon_pid"
}
