"""Machine images."""

import time

import botocore.exceptions
import service
from failures import Kind, StepFailure, telling

#: How often a snapshot that is still in use is tried again.
SNAPSHOT_TRIES = 5


def create(context, inputs):
    """`aws:createImage`."""
    ec2 = service.client("ec2")
    given = service.taken(inputs, "InstanceId", "NoReboot", "BlockDeviceMappings", Name="ImageName", Description="ImageDescription")
    # Runbooks hand on what aws:runInstances answers: a list.
    if isinstance(given["InstanceId"], list):
        [given["InstanceId"]] = given["InstanceId"]
    return wait(ec2, service.call(ec2, "CreateImage", given)["ImageId"])


def copy(context, inputs):
    """`aws:copyImage`."""
    ec2 = service.client("ec2")
    given = service.taken(
        inputs, "SourceRegion", "SourceImageId", "Encrypted", "KmsKeyId", Name="ImageName", Description="ImageDescription"
    )
    given["ClientToken"] = inputs.get("ClientToken") or context.idempotency_key[-64:]
    return wait(ec2, service.call(ec2, "CopyImage", given)["ImageId"])


def wait(ec2, image):
    """Waits until the image is available."""

    def look():
        found = described(ec2, image)
        state = found["State"] if found else "pending"
        if state in ("failed", "error", "invalid", "deregistered"):
            reason = found.get("StateReason", {}).get("Message", "")
            raise StepFailure(Kind.FAILED, f"The image {image} is {state}: {reason}", details={"ImageState": state})
        return state if state == "available" else None

    with telling({"ImageId": image}):
        return {"ImageId": image, "ImageState": service.until(look)}


def described(ec2, image):
    """The image, if it is there. Just made, it may not be seen yet."""
    try:
        images = ec2.describe_images(ImageIds=[image])["Images"]
    except botocore.exceptions.ClientError as error:
        if service.code_of(error) in ("InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"):
            return None
        raise
    return images[0] if images else None


def delete(context, inputs):
    """`aws:deleteImage`: the image, then the snapshots behind it."""
    ec2, image = service.client("ec2"), inputs["ImageId"]
    found = described(ec2, image)
    if found is None:
        raise StepFailure(Kind.FAILED, f"There is no image {image}.")
    ec2.deregister_image(ImageId=image)
    devices = (mapping.get("Ebs", {}) for mapping in found.get("BlockDeviceMappings", []))
    for snapshot in [device["SnapshotId"] for device in devices if device.get("SnapshotId")]:
        delete_snapshot(ec2, snapshot)
    return {}


def delete_snapshot(ec2, snapshot):
    """Deletes a snapshot; the image that used it may hold it for a moment."""
    for left in reversed(range(SNAPSHOT_TRIES)):
        try:
            ec2.delete_snapshot(SnapshotId=snapshot)
            return
        except botocore.exceptions.ClientError as error:
            code = service.code_of(error)
            if code == "InvalidSnapshot.NotFound":
                return
            if code != "InvalidSnapshot.InUse" or not left:
                raise
        time.sleep(service.PAUSE_FIRST)
