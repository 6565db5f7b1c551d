"""botocore's descriptions of the services, kept in memory: there is no disk to read them from.

All services are here, packed; a description is unpacked when a client of its service is made. Those of the most used services
stand unpacked in the snapshot, with the classes of their clients.
"""

import gzip
import json
import os
import zlib

import botocore
import botocore.client
import botocore.loaders
import botocore.session
from botocore.exceptions import DataNotFoundError, UnknownServiceError

#: Services whose first client must be there at once: the ones that runbooks use most.
COMMON = (
    "ec2 ssm s3 sts iam lambda rds cloudformation cloudwatch logs sns sqs autoscaling cloudtrail config elbv2 ecs kms "
    "secretsmanager dynamodb events stepfunctions"
).split()
#: Kinds of files that clients, paginators and waiters need.
KINDS = ("service-2", "paginators-1", "waiters-2", "endpoint-rule-set-1", "resources-1")

PACKED = {}
UNPACKED = {}
VERSIONS = {}


def without_documentation(node):
    """Texts for people are two thirds of a description."""
    if isinstance(node, dict):
        return {
            key: "" if key == "documentation" and isinstance(value, str) else without_documentation(value)
            for key, value in node.items()
            if key != "examples" or not isinstance(value, list)
        }
    if isinstance(node, list):
        return [without_documentation(item) for item in node]
    return node


def read_all():
    """Packs what the folder of botocore and boto3 have. Only at build time."""
    import boto3

    for package in (botocore, boto3):
        root = os.path.join(os.path.dirname(package.__file__), "data")
        for folder, _, files in sorted(os.walk(root)):
            for file in sorted(files):
                name = os.path.relpath(os.path.join(folder, file), root).replace(os.sep, "/")
                keep(os.path.join(folder, file), name.removesuffix(".gz").removesuffix(".json"))
    for name in PACKED:
        parts = name.split("/")
        if len(parts) == 3:
            VERSIONS.setdefault((parts[0], parts[2]), []).append(parts[1])


def keep(path, name):
    """Packs one file, if clients need it."""
    kind = name.rsplit("/", 1)[-1]
    if "/" in name and not kind.startswith(KINDS):
        return
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        node = json.loads(file.read())
    if kind == "service-2":
        node = without_documentation(node)
    PACKED[name] = zlib.compress(json.dumps(node, separators=(",", ":")).encode(), 9)


class Loader(botocore.loaders.Loader):
    """Stands for botocore's loader of files."""

    def __init__(self, *arguments, **options):
        super().__init__()

    def load_data(self, name):
        found = UNPACKED.get(name)
        if found is None:
            packed = PACKED.get(name)
            if packed is None:
                raise DataNotFoundError(data_path=name)
            found = UNPACKED[name] = json.loads(zlib.decompress(packed))
        return found

    def load_data_with_path(self, name):
        return self.load_data(name), name

    def list_available_services(self, type_name):
        return sorted({service for service, kind in VERSIONS if kind == type_name})

    def list_api_versions(self, service_name, type_name):
        versions = VERSIONS.get((service_name, type_name))
        if not versions:
            raise DataNotFoundError(data_path=f"{service_name}/{type_name}")
        return sorted(versions)

    def determine_latest_version(self, service_name, type_name):
        return self.list_api_versions(service_name, type_name)[-1]

    def load_service_model(self, service_name, type_name, api_version=None):
        if (service_name, type_name) not in VERSIONS:
            if (service_name, "service-2") in VERSIONS:
                raise DataNotFoundError(data_path=f"{service_name}/{type_name}")
            known = ", ".join(self.list_available_services("service-2"))
            raise UnknownServiceError(service_name=service_name, known_service_names=known)
        version = api_version or self.determine_latest_version(service_name, type_name)
        return self.load_data(f"{service_name}/{version}/{type_name}")

    def is_builtin_path(self, path):
        return True


#: One for all: what it loaded stays.
LOADER = Loader()

#: The classes of clients that were made.
CLASSES = {}


def install():
    """Puts it in place, and makes the classes of the common services."""
    read_all()
    botocore.loaders.Loader = Loader
    botocore.loaders.create_loader = lambda search_path_string=None: LOADER
    botocore.session.create_loader = botocore.loaders.create_loader
    make = botocore.client.ClientCreator._create_client_class

    def create_client_class(self, service_name, service_model):
        # Made anew, the class of a large service costs more than all requests of an ordinary script.
        if service_name not in CLASSES:
            CLASSES[service_name] = make(self, service_name, service_model)
        return CLASSES[service_name]

    botocore.client.ClientCreator._create_client_class = create_client_class
