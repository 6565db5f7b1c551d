"""What an ordinary Python process has at its start, given to an interpreter that was frozen at build time."""

import gc
import os
import random
import sys
import warnings

import transport

#: What scripts find in their environment beside the region.
ENVIRONMENT = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
    "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
    "AWS_DISABLE_REQUEST_COMPRESSION": "true",
    "HOME": "/",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
}
#: Objects that may come before garbage is looked for.
GARBAGE = 20_000


def freeze():
    """The last thing of the build."""
    for stream in (sys.stdout, sys.stderr):
        # A line must be out before the next call of the engine: what is written again in a replay is dropped there.
        stream.reconfigure(line_buffering=True)
    # Old scripts have escapes that are none; they were silent when they were written.
    warnings.simplefilter("ignore", SyntaxWarning)
    # What is here stays: looking for garbage in it would only make each instance copy all of its memory. A script that is
    # over soon leaves little, so it is looked for seldom.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE)


def begin(world):
    """Readies one call. `world`: the values that runbooks name `global:…`.

    The snapshot holds the random numbers of the build: without a new seed every script would draw the same ones. The seed
    comes from the engine, and is the same when the step runs again after a wait.
    """
    random.seed(int.from_bytes(os.urandom(32), "big"))
    region = world.get("REGION", "")
    # What stood there when the component was built is gone: each instance begins with the host's, which is empty.
    for name, value in ENVIRONMENT.items():
        os.environ[name] = value
    os.environ["AWS_REGION"] = os.environ["AWS_DEFAULT_REGION"] = region
    transport.REGION = region


def end():
    """Hands over the last unfinished line."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except ValueError:
            pass  # the script closed it
