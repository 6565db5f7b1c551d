"""CloudFormation stacks."""

import json

import botocore.exceptions
import service
from failures import Kind, StepFailure, telling


def create_stack(context, inputs):
    """`aws:createStack`."""
    cloudformation, name = service.client("cloudformation"), inputs["StackName"]
    given = service.taken(
        inputs,
        "StackName",
        "TemplateURL",
        "Capabilities",
        "ClientRequestToken",
        "DisableRollback",
        "OnFailure",
        "NotificationARNs",
        "Parameters",
        "ResourceTypes",
        "RoleARN",
        "StackPolicyBody",
        "StackPolicyURL",
        "Tags",
        "TimeoutInMinutes",
    )
    body = inputs.get("TemplateBody")
    if body is not None:
        given["TemplateBody"] = body if isinstance(body, str) else json.dumps(body)
    if given.get("OnFailure"):
        given.pop("DisableRollback", None)
    make_room(cloudformation, name)
    stack = service.call(cloudformation, "CreateStack", given)["StackId"]
    with telling({"StackId": stack}):
        found = settled(cloudformation, stack) or {"StackStatus": "DELETE_COMPLETE"}
        outputs = {"StackId": stack} | service.taken(found, "StackStatus", "StackStatusReason")
        if found["StackStatus"] != "CREATE_COMPLETE":
            why = found.get("StackStatusReason", "")
            raise StepFailure(Kind.FAILED, f"The stack {name} is {found['StackStatus']}: {why}", True, outputs)
    return outputs


def make_room(cloudformation, name):
    """Waits for what goes on with a stack of this name, and deletes what is left of one that failed."""
    found = described(cloudformation, name)
    if found is None:
        return
    found = settled(cloudformation, name)
    if found and found["StackStatus"] == "ROLLBACK_COMPLETE":
        cloudformation.delete_stack(StackName=found["StackId"])
        settled(cloudformation, found["StackId"])


def delete_stack(context, inputs):
    """`aws:deleteStack`. A stack that is not there is deleted."""
    cloudformation, name = service.client("cloudformation"), inputs["StackName"]
    found = described(cloudformation, name)
    if found is None:
        return {}
    given = service.taken(inputs, "ClientRequestToken", "RoleARN", "RetainResources")
    kept = [value for key, value in sorted(inputs.items()) if key.startswith("RetainResources.member.")]
    if kept:
        given["RetainResources"] = kept
    service.call(cloudformation, "DeleteStack", given | {"StackName": found["StackId"]})
    left = settled(cloudformation, found["StackId"])
    if left and left["StackStatus"] != "DELETE_COMPLETE":
        raise StepFailure(Kind.FAILED, f"The stack {name} is {left['StackStatus']}: {left.get('StackStatusReason', '')}", True)
    return {}


def settled(cloudformation, name):
    """The stack when nothing goes on with it any more; `False` when it is gone."""

    def look():
        found = described(cloudformation, name)
        if found is None:
            return False
        return None if found["StackStatus"].endswith("_IN_PROGRESS") else found

    return service.until(look)


def described(cloudformation, name):
    """The stack, if it is there."""
    try:
        stacks = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except botocore.exceptions.ClientError as error:
        if service.code_of(error) == "ValidationError" and "does not exist" in str(error):
            return None
        raise
    return stacks[0] if stacks else None
