"""Readies the interpreter that the build freezes: nothing can be imported from a disk later, so everything is imported now."""

import importlib
import pkgutil
import sys
import warnings

import standins

standins.install()

import boto3  # noqa: E402
import botocore.config  # noqa: E402
import models  # noqa: E402
import quicker  # noqa: E402
import transport  # noqa: E402

#: Modules of the standard library that need what is not there, or that do something when they are imported.
NOT_IMPORTED = ("antigravity", "this", "idlelib", "test", "turtle", "tkinter", "lib2to3", "ensurepip", "pip", "venv", "__main__")
NOT_IMPORTED += ("_ios_support", "_apple_support", "_android_support", "_pyrepl", "_aix_support", "_osx_support", "pydoc_data")
#: Packages that are imported with all that is below them.
WHOLE = "boto3 botocore s3transfer jmespath dateutil yaml urllib3 six json logging concurrent email http urllib xml html".split()


def import_standard_library():
    """As far as it goes: a script that imports what is missing is told so by Python itself."""
    for name in sorted(sys.stdlib_module_names):
        if not name.startswith(NOT_IMPORTED):
            attempt(name)


def import_whole(package):
    """A package with everything below it."""
    root = attempt(package)
    for found in pkgutil.walk_packages(getattr(root, "__path__", []), package + ".", onerror=lambda name: None):
        if not any(part in found.name for part in (".tests", ".crt", ".contrib.pyopenssl", ".contrib.emscripten", "__main__")):
            attempt(found.name)


def attempt(name):
    """Imports it, if it can be."""
    try:
        return importlib.import_module(name)
    except BaseException:
        return None


def warm_clients():
    """Makes a client of each common service, so that its description stands unpacked in the snapshot."""
    session = boto3.Session(region_name="us-east-1")
    for service in models.COMMON:
        client = session.client(service)
        assert client.exceptions.ClientError and client.waiter_names is not None


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import_standard_library()
    for package in WHOLE:
        import_whole(package)
transport.install()
models.install()
quicker.install()
warm_clients()
quicker.keep_session()
