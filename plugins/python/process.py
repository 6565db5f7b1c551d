"""What an ordinary Python process has at its start, given to an interpreter that was frozen at build time."""

import os
import random
import sys

import transport


def begin(world):
    """Readies one call. `world`: the values that runbooks name `global:…`.

    The snapshot holds the random numbers of the build: without a new seed every script would draw the same ones. The seed
    comes from the engine, and is the same when the step runs again after a wait.
    """
    random.seed(int.from_bytes(os.urandom(32), "big"))
    os.environ.clear()
    region = world.get("REGION", "")
    os.environ.update(
        AWS_REGION=region,
        AWS_DEFAULT_REGION=region,
        AWS_EC2_METADATA_DISABLED="true",
        AWS_REQUEST_CHECKSUM_CALCULATION="when_required",
        AWS_RESPONSE_CHECKSUM_VALIDATION="when_required",
        AWS_DISABLE_REQUEST_COMPRESSION="true",
        HOME="/",
        LANG="C.UTF-8",
        TZ="UTC",
    )
    transport.REGION = region
    for stream in (sys.stdout, sys.stderr):
        # A line must be out before the next call of the engine: what is written again in a replay is dropped there.
        stream.reconfigure(line_buffering=True)


def end():
    """Hands over the last unfinished line."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except ValueError:
            pass  # the script closed it
