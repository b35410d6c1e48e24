"""Runs inside the process of one invocation: event on stdin, `{"result"}` or `{"error"}` into the file named last.

Arguments: folder of the code, handler (MODULE.FUNCTION), function's ARN, answer file. Stands alone: nothing of the sandbox is imported.
"""
import importlib
import json
import sys
import traceback
import uuid


class Context:
    """What a handler may ask about its call."""

    def __init__(self, arn: str) -> None:
        self.function_name, self.invoked_function_arn = arn.split(":")[6], arn
        self.aws_request_id, self.function_version = str(uuid.uuid4()), "$LATEST"


def main(folder: str, handler: str, arn: str, answer_file: str) -> None:
    sys.path[0] = folder
    module, _, function = handler.rpartition(".")
    try:
        result = getattr(importlib.import_module(module.replace("/", ".")), function)(json.load(sys.stdin), Context(arn))
        answer = {"result": json.loads(json.dumps(result))}
    except BaseException as error:
        traceback.print_exc()
        answer = {"error": f"{type(error).__name__}: {error}"}
    with open(answer_file, "w", encoding="utf-8") as file:
        json.dump(answer, file)


main(*sys.argv[1:5])
