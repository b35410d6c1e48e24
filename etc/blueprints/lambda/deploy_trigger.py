"""Starts the deployment of a model that somebody approved.

EventBridge hands this function each "SageMaker Model Package State Change". An approved package of a group starts a GitHub workflow
(workflow_dispatch) with the inputs

    model_package_arn, model_package_group, model_package_version, dispatch_id

which the workflow must declare. Anything else is left alone. Every failure is raised, so that the event is tried again and shows as an
error of the function.

The same event may come twice. Its id is the input dispatch_id; a workflow that has it in its run-name,

    run-name: Deploy ${{ inputs.model_package_group }} (${{ inputs.dispatch_id }})

is started once: a run of that name means that the event was served. `concurrency` in the workflow keeps two runs apart in any case.

    GITHUB_TOKEN_SECRET_ARN   secret with the token, alone or as {"token": "..."}; it may write Actions of the repository
    GITHUB_REPOSITORY         OWNER/NAME
    GITHUB_WORKFLOW           file or id of the workflow: deploy.yaml
    GITHUB_REF                branch or tag to run it from; main when not given
    GITHUB_API_URL            https://api.github.com when not given

Python 3.12 with the boto3 of the runtime; nothing else is needed.
"""
import json
import os
import urllib.error
import urllib.parse
import urllib.request

import boto3

DETAIL_TYPE = "SageMaker Model Package State Change"
TIMEOUT_SECONDS = 10
ANSWER_SHOWN = 300  # characters of an error answer in the log


class Failed(Exception):
    """The deployment was not started; the text says why, and never holds the token."""


def setting(name, otherwise=None):
    value = os.environ.get(name) or otherwise
    if not value:
        raise Failed(f"environment variable {name} is not set: the function does not know what to start")
    return value


def read_token():
    """The token alone, or the member "token" of a JSON object."""
    text = boto3.client("secretsmanager").get_secret_value(SecretId=setting("GITHUB_TOKEN_SECRET_ARN")).get("SecretString") or ""
    try:
        document = json.loads(text)
        text = document["token"] if isinstance(document, dict) else text
    except (ValueError, KeyError):
        pass
    token = text.strip() if isinstance(text, str) else ""
    if not token or any(not "!" <= character <= "~" for character in token):
        raise Failed("the secret holds no token: it must be the token alone, or a JSON object with the member token")
    return token


def call_github(token, method, path, body=None):
    """The JSON of a good answer, None for an empty one."""
    request = urllib.request.Request(
        setting("GITHUB_API_URL", "https://api.github.com").rstrip("/") + path, method=method,
        data=json.dumps(body).encode() if body is not None else None,
        headers={"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28",
                 "Content-Type": "application/json", "User-Agent": "mlopsd-deploy-trigger"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        said = error.read(ANSWER_SHOWN).decode("utf-8", "replace").replace(token, "***")
        raise Failed(f"GitHub: {method} {path}: {error.code}: {said}") from None
    except OSError as error:
        raise Failed(f"GitHub: {method} {path}: {error}") from None
    return json.loads(text) if text else None


def approved_package(event):
    """Inputs of the workflow; None when the event is no approval."""
    if event.get("source") != "aws.sagemaker" or event.get("detail-type") != DETAIL_TYPE:
        raise Failed(f"an event that the rule should not send: {event.get('source')}, {event.get('detail-type')}")
    detail = event["detail"]
    if detail.get("ModelApprovalStatus") != "Approved" or detail.get("ModelPackageStatus", "Completed") != "Completed":
        return None
    return {"model_package_arn": detail["ModelPackageArn"], "model_package_group": detail["ModelPackageGroupName"],
            "model_package_version": str(detail["ModelPackageVersion"]), "dispatch_id": event["id"]}


def was_started(token, workflow, dispatch_id):
    """Is there a run that carries this id in its name?"""
    answer = call_github(token, "GET", f"{workflow}/runs?event=workflow_dispatch&per_page=100")
    return any(dispatch_id in (run.get("display_title") or "") for run in answer["workflow_runs"])


def handler(event, context):
    """The entry point of the function."""
    inputs = approved_package(event)
    if inputs is None:
        print(f"nothing to do: {event['detail'].get('ModelPackageArn')} is {event['detail'].get('ModelApprovalStatus')}, "
              f"{event['detail'].get('ModelPackageStatus')}")
        return {"dispatched": False, "reason": "not approved"}
    repository, name = setting("GITHUB_REPOSITORY"), setting("GITHUB_WORKFLOW")
    workflow = f"/repos/{urllib.parse.quote(repository)}/actions/workflows/{urllib.parse.quote(name, safe='')}"
    token = read_token()
    if was_started(token, workflow, inputs["dispatch_id"]):
        print(f"already started: {name} of {repository} for {inputs['model_package_arn']}, dispatch_id {inputs['dispatch_id']}")
        return {"dispatched": False, "reason": "already started"}
    ref = setting("GITHUB_REF", "main")
    call_github(token, "POST", f"{workflow}/dispatches", {"ref": ref, "inputs": inputs})
    print(f"started: {name} of {repository} at {ref} for {inputs['model_package_arn']}, dispatch_id {inputs['dispatch_id']}")
    return {"dispatched": True, **inputs}
