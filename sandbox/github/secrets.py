"""Actions secrets and variables of a repository."""
from __future__ import annotations

import base64
import binascii

from .. import sodium
from ..httpd import Response
from .answers import Refusal, answer, invalid, not_found, nothing
from .context import Context
from .state import NAME, Repository, Secret, Variable, new_key_pair

MAX_VALUE = 48 * 1024
MAX_SECRETS = 100
MAX_VARIABLES = 500


def _checked_name(name: str, what: str) -> str:
    """A name in upper case, or 422."""
    if not NAME.fullmatch(name):
        raise invalid(what, "name", "invalid", f"{what} names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores "
                      "(_). Spaces are not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_).")
    if name.upper().startswith("GITHUB_"):
        raise invalid(what, "name", "invalid", f"{what} names must not start with GITHUB_.")
    return name.upper()


def _show(context: Context, secret: Secret) -> dict[str, str]:
    stamp = context.state.clock.stamp
    return {"name": secret.name, "created_at": stamp(secret.created), "updated_at": stamp(secret.updated(context.as_of))}


def list_secrets(context: Context) -> Response:
    visible = [secret for _, secret in sorted(context.repository.secrets.items()) if secret.created <= context.as_of]
    return context.paged("secrets", [_show(context, secret) for secret in visible])


def get_public_key(context: Context) -> Response:
    key = context.repository.key
    return answer({"key_id": key.id, "key": key.public_text})


def get_secret(context: Context) -> Response:
    secret = context.repository.secrets.get(context.parameters["secret_name"].upper())
    if secret is None or secret.created > context.as_of:
        raise not_found()
    return answer(_show(context, secret))


def put_secret(context: Context) -> Response:
    """Opens the box, so that a wrong key, a wrong encoding or plain text never passes for a secret."""
    name = _checked_name(context.parameters["secret_name"], "Secret")
    body = context.body(("encrypted_value", "key_id"))
    repository = context.repository
    if body["key_id"] != repository.key.id:
        raise invalid("Secret", "key_id", "invalid", "Validation Failed: key_id is not the id of the current public key")
    value = _opened(repository, body["encrypted_value"])
    if len(value) > MAX_VALUE:
        raise invalid("Secret", "value", "custom", "Secret value is too large: the limit is 48 KB")
    if name not in repository.secrets and len(repository.secrets) >= MAX_SECRETS:
        raise invalid("Secret", "base", "custom", f"A repository can hold at most {MAX_SECRETS} secrets")
    return answer({}, 201) if store(repository, name, value, context.now) else nothing()


def _opened(repository: Repository, text: object) -> bytes:
    try:
        box = base64.b64decode(str(text), validate=True)
        return sodium.open_box(box, repository.key.public, repository.key.secret)
    except (binascii.Error, ValueError):
        raise invalid("Secret", "encrypted_value", "invalid", "Validation Failed: encrypted_value is not base64") from None
    except sodium.SodiumError:
        raise invalid("Secret", "encrypted_value", "invalid", "Validation Failed: encrypted_value was not sealed with the public key") from None


def store(repository: Repository, name: str, value: bytes, now: float) -> bool:
    """Write; True when the secret is new."""
    secret = repository.secrets.get(name)
    if secret is None:
        repository.secrets[name] = Secret(name, value, now, [now])
        return True
    secret.value = value
    secret.updates.append(now)
    return False


def delete_secret(context: Context) -> Response:
    if context.repository.secrets.pop(context.parameters["secret_name"].upper(), None) is None:
        raise not_found()
    return nothing()


def rotate_key(repository: Repository) -> str:
    """A new key pair, for the control URL; boxes for the old one are refused from now on."""
    repository.key = new_key_pair()
    return repository.key.id


def _show_variable(context: Context, variable: Variable) -> dict[str, str]:
    stamp = context.state.clock.stamp
    return {"name": variable.name, "value": variable.value, "created_at": stamp(variable.created), "updated_at": stamp(variable.updated)}


def _variable(context: Context) -> Variable:
    variable = context.repository.variables.get(context.parameters["name"].upper())
    if variable is None:
        raise not_found()
    return variable


def list_variables(context: Context) -> Response:
    rows = [_show_variable(context, variable) for _, variable in sorted(context.repository.variables.items())]
    return context.paged("variables", rows, default=10, largest=30)


def get_variable(context: Context) -> Response:
    return answer(_show_variable(context, _variable(context)))


def _checked_value(value: object) -> str:
    if not isinstance(value, str):
        raise invalid("Variable", "value", "invalid")
    if len(value.encode()) > MAX_VALUE:
        raise invalid("Variable", "value", "custom", "Variable value is too large: the limit is 48 KB")
    return value


def create_variable(context: Context) -> Response:
    body = context.body(("name", "value"))
    name, value = _checked_name(str(body["name"]), "Variable"), _checked_value(body["value"])
    variables = context.repository.variables
    context.resources.append(name)
    if name in variables:
        raise Refusal(409, "Already exists - Variable already exists")
    if len(variables) >= MAX_VARIABLES:
        raise invalid("Variable", "base", "custom", f"A repository can hold at most {MAX_VARIABLES} variables")
    variables[name] = Variable(name, value, context.now, context.now)
    return answer({}, 201)


def update_variable(context: Context) -> Response:
    variable, body = _variable(context), context.body()
    if "value" in body:
        variable.value = _checked_value(body["value"])
    if "name" in body:
        name = _checked_name(str(body["name"]), "Variable")
        variables = context.repository.variables
        if name != variable.name and name in variables:
            raise Refusal(409, "Already exists - Variable already exists")
        variables[name] = variables.pop(variable.name)
        variable.name = name
    variable.updated = context.now
    return nothing()


def delete_variable(context: Context) -> Response:
    del context.repository.variables[_variable(context).name]
    return nothing()
