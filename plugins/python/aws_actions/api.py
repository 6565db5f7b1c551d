"""Any operation of any service, looking at what it answers, and tags."""

import json

import botocore.exceptions
import jsonpath
import service
from failures import DENIED, Kind, StepFailure

#: Inputs that are the actions' own; all others are the operation's.
OWN = {"Service", "Api", "PropertySelector", "DesiredValues"}


def execute(context, inputs):
    """`aws:executeAwsApi`."""
    return {"OutputPayload": ask(inputs)}


def ask(inputs):
    """The response of the operation that the inputs name."""
    given = {name: value for name, value in inputs.items() if name not in OWN}
    return service.call(service.client(inputs["Service"]), inputs["Api"], given)


def assert_property(context, inputs):
    """`aws:assertAwsResourceProperty`: one look."""
    found, fits = look(inputs)
    if not fits:
        raise StepFailure(
            Kind.VERIFICATION,
            f"`{inputs['PropertySelector']}` is {shown(found)}, and wanted is {wanted(inputs)}.",
            True,
            {"found": found},
        )
    return {}


def wait_for_property(context, inputs):
    """`aws:waitForAwsResourceProperty`: looks until it fits. The step's time limit ends it."""

    def fits():
        try:
            return True if look(inputs)[1] else None
        except botocore.exceptions.ClientError as error:
            # What is not there yet may come; what is not allowed stays so.
            if service.code_of(error) in DENIED:
                raise
            print(f"{inputs['Api']}: {error}")
            return None

    service.until(fits)
    return {}


def look(inputs):
    """The property, and whether it is one of the desired values: each of them, when there are several."""
    try:
        found, several = jsonpath.select(inputs["PropertySelector"], ask(inputs))
    except jsonpath.BadPath as error:
        raise StepFailure(Kind.INVALID_INPUT, f"The selector is none: {error}.") from None
    values = found if several or isinstance(found, list) else [found]
    each = bool(values) and all(is_desired(value, inputs["DesiredValues"]) for value in values)
    return found, each or is_written(found, inputs["DesiredValues"])


def is_written(found, desired):
    """Whether a list or a map is what one of them spells as JSON: `[]` is how documents ask for nothing."""

    def spells(text):
        try:
            return json.loads(text) == found
        except (TypeError, ValueError):
            return False

    return isinstance(found, (list, dict)) and any(spells(item) for item in desired)


def is_desired(value, desired):
    """Whether it is one of them, compared as text; truth in any case."""
    if value is None:
        return False
    if isinstance(value, bool):
        return any(str(item).lower() == str(value).lower() for item in desired)
    return any(str(item) == str(value) for item in desired)


def shown(value):
    """A value in a message."""
    return "not there" if value is None or value == [] else repr(value)


def wanted(inputs):
    """The desired values in a message."""
    return " or ".join(repr(item) for item in inputs["DesiredValues"])


def create_tags(context, inputs):
    """`aws:createTags`."""
    kind, ids, tags = inputs.get("ResourceType") or "EC2", inputs["ResourceIds"], inputs["Tags"]
    if kind == "EC2":
        service.call(service.client("ec2"), "CreateTags", {"Resources": ids, "Tags": tags})
        return {}
    if len(ids) != 1:
        raise StepFailure(Kind.INVALID_INPUT, f"Resources of the type {kind} are tagged one at a time; these are {len(ids)}.")
    given = {"ResourceType": kind, "ResourceId": ids[0], "Tags": tags}
    service.call(service.client("ssm"), "AddTagsToResource", given)
    return {}
