"""EC2 instances: their state, and new ones."""

import service
from failures import Kind, StepFailure, telling

#: What is asked for each desired state.
ORDERS = {"running": "StartInstances", "stopped": "StopInstances", "terminated": "TerminateInstances"}
#: States from which no way leads to the desired one.
NO_WAY = {"running": {"shutting-down", "terminated"}, "stopped": {"shutting-down", "terminated"}, "terminated": set()}
#: Results of status checks that do not become `ok`.
UNWELL = {"impaired", "insufficient-data", "not-applicable"}


def change_state(context, inputs):
    """`aws:changeInstanceState`."""
    ids, desired = inputs["InstanceIds"], inputs["DesiredState"]
    if desired not in ORDERS:
        raise StepFailure(Kind.INVALID_INPUT, f"`DesiredState` is {desired!r}; it can be {', '.join(ORDERS)}.")
    ec2 = service.client("ec2")
    if not inputs.get("CheckStateOnly"):
        order = {"InstanceIds": ids}
        if desired == "stopped" and inputs.get("Force"):
            order["Force"] = True
        service.call(ec2, ORDERS[desired], order)
    no_way = set(NO_WAY[desired])
    if inputs.get("FailOnUnexpectedStopped") and desired == "running":
        no_way.add("stopped")
    return {"InstanceStates": wait(ec2, ids, desired, no_way)}


def wait(ec2, ids, desired, no_way):
    """Waits until all instances are in the state; running ones must be well, too."""

    def look():
        states = states_of(ec2, ids)
        lost = {name: state for name, state in states.items() if state in no_way}
        if lost:
            raise StepFailure(Kind.FAILED, f"Instances that should become {desired} are lost: {lost}.")
        if any(states.get(name) != desired for name in ids):
            return None
        return [states[name] for name in ids] if desired != "running" or are_well(ec2, ids) else None

    return service.until(look)


def states_of(ec2, ids):
    """The state of each instance."""
    pages = ec2.get_paginator("describe_instances").paginate(InstanceIds=ids)
    found = (instance for page in pages for group in page["Reservations"] for instance in group["Instances"])
    return {instance["InstanceId"]: instance["State"]["Name"] for instance in found}


def are_well(ec2, ids):
    """Whether both status checks of each instance are ok."""
    pages = ec2.get_paginator("describe_instance_status").paginate(InstanceIds=ids)
    checks = {status["InstanceId"]: status for page in pages for status in page["InstanceStatuses"]}
    results = {name: {checks[name][part]["Status"] for part in ("InstanceStatus", "SystemStatus")} for name in ids if name in checks}
    unwell = {name: sorted(found & UNWELL) for name, found in results.items() if found & UNWELL}
    if unwell:
        raise StepFailure(Kind.FAILED, f"Status checks of running instances do not pass: {unwell}.")
    return all(results.get(name) == {"ok"} for name in ids)


def run(context, inputs):
    """`aws:runInstances`."""
    given = service.taken(
        inputs,
        "ImageId",
        "AdditionalInfo",
        "BlockDeviceMappings",
        "DisableApiTermination",
        "EbsOptimized",
        "InstanceInitiatedShutdownBehavior",
        "KernelId",
        "KeyName",
        "MetadataOptions",
        "NetworkInterfaces",
        "Placement",
        "PrivateIpAddress",
        "RamdiskId",
        "SecurityGroupIds",
        "SecurityGroups",
        "SubnetId",
        "TagSpecifications",
    )
    given["InstanceType"] = inputs.get("InstanceType") or "m1.small"
    given["MinCount"] = inputs.get("MinInstanceCount") or 1
    given["MaxCount"] = max(int(given["MinCount"]), int(inputs.get("MaxInstanceCount") or 1))
    # Made again after a crash, the request finds the instances that it made.
    given["ClientToken"] = inputs.get("ClientToken") or context.idempotency_key[-64:]
    if inputs.get("Monitoring") is not None:
        given["Monitoring"] = {"Enabled": inputs["Monitoring"]}
    profile = service.taken(inputs, Arn="IamInstanceProfileArn", Name="IamInstanceProfileName")
    if profile:
        given["IamInstanceProfile"] = profile
    if inputs.get("UserData"):
        given["UserData"] = decoded(inputs["UserData"])
    ec2 = service.client("ec2")
    made = service.call(ec2, "RunInstances", given)["Instances"]
    ids = [instance["InstanceId"] for instance in made]
    print("started " + ", ".join(ids))
    with telling({"InstanceIds": ids}):
        return {"InstanceIds": ids, "InstanceStates": wait(ec2, ids, "running", NO_WAY["running"])}


def decoded(user_data):
    """The SDK encodes it; runbooks write it encoded."""
    import base64
    import binascii

    try:
        return base64.b64decode(user_data, validate=True)
    except binascii.Error:
        return user_data
