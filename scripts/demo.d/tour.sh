# tour.sh: the chapters of the demo.

heal_seconds=40

tour() {
    local started
    started=$(date +%s)
    declare_it
    plan_it
    build_it
    use_it
    damage_it
    approve_a_model
    look_back
    destroy_it
    printf '\n%s%s seconds, and every check was right.%s\n' "$green" "$(($(date +%s) - started))" "$plain"
}

declare_it() {
    title 'One file declares the platform'
    show mlopsd --check --config etc/mlopsd.yaml
    (cd "$work" && mlopsd --check --config etc/mlopsd.yaml)
}

# One resource in full, the addresses of the others in three columns.
shorten_plan() {
    awk -v width="$width" '
        /^  # .* will be / { address = $2; addresses[count++] = address }
        /^Plan: / { total = $0 }
        address == "aws_db_instance.mlflow"
        END {
            widest = 0
            for (i = 0; i < count; i++) if (length(addresses[i]) > widest) widest = length(addresses[i])
            across = int((width - 2) / (widest + 2)); if (across < 1) across = 1
            deep = int((count + across - 1) / across)
            print "  and in the same way (shortened here):"
            for (row = 0; row < deep; row++) {
                line = ""
                for (i = row; i < count; i += deep) line = line sprintf("  %-" widest "s", addresses[i])
                sub(/ +$/, "", line); print line
            }
            print ""; print total
        }'
}
plan_it() {
    local status
    title 'The plan: nothing is there yet'
    show mlopsd --once --plan --config etc/mlopsd.yaml
    set +e
    mlopsd --once --plan --config "$work/etc/mlopsd.yaml" >"$work/plan.txt" 2>"$work/plan.log"
    status=$?
    set -e
    [ "$status" -eq 2 ] || { cat "$work/plan.log" >&2; fail "the plan ended with $status, not with 2: there are changes"; }
    shorten_plan <"$work/plan.txt"
}

build_it() {
    title "The daemon starts and builds it (time runs $scale times faster here)"
    start_daemon
    run mlopsctl apply
    ask converged | verdicts
}

use_it() {
    local url
    title 'What came of it'
    run mlopsctl output
    url=$(mlopsctl output mlflow_url --raw)
    run curl -sS --fail "$url/health"
    printf '\n'
    run curl -sS --fail --json '{"max_results": 1}' "$url/api/2.0/mlflow/experiments/search"
    printf '\n\n'
    note 'The eleven secrets, as GitHub opens them (this GitHub shows us; the real one shows nobody)'
    mlopsctl output --json --reveal | ask secrets | verdicts
}

damage_it() {
    local from
    aws eks update-kubeconfig --name abalone-mlops-cluster >/dev/null
    from=$(log_lines)
    title 'Somebody breaks it, behind the daemon'\''s back'
    damage_aws
    damage_github
    damage_kubernetes

    title 'The daemon says what it found, and puts it right'
    mlopsctl output --json --reveal | ask healed "$heal_seconds" || true
    log_since "$from" | grep -E ': (drift|heal|resolved|contested|failed|held): ' | alerts

    title 'Asked of AWS, GitHub and Kubernetes themselves, not of mlopsd'
    mlopsctl output --json --reveal | ask whole | verdicts
}

approve_a_model() {
    local model
    title 'A model is approved: the rule calls the function, and that starts the workflow'
    show aws sagemaker create-model-package --model-package-group-name AbaloneModelPackageGroup ...
    model=$(aws sagemaker create-model-package --model-package-group-name AbaloneModelPackageGroup \
        --model-approval-status PendingManualApproval --query ModelPackageArn --output text)
    run aws sagemaker update-model-package --model-package-arn "$model" --model-approval-status Approved --query ModelPackageArn
    ask dispatched "$model" | verdicts
}

look_back() {
    title 'What happened, and how it stands'
    run mlopsctl history --limit 12
    run mlopsctl drift
    run mlopsctl status
}

destroy_it() {
    title 'The end: everything goes'
    run mlopsctl destroy abalone-mlops --yes

    title 'An account with nothing left, asked of each service'
    ask empty | verdicts
    run mlopsctl status
}
