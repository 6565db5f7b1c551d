"""What botocore works out anew for each session and each client, worked out once, when the component is built.

A script makes a session and a client, and is over: what other programs do once in hours is most of what it does. All of this
depends on nothing but the code and the descriptions of services, which are the same in every instance.
"""

import boto3
import botocore.client
import botocore.hooks

#: Descriptions of services as botocore reads them, by name and version.
MODELS = {}
#: Names of events as they were once, with what they are called today.
ALIASES = {}
#: Functions that handle events, with whether they take every keyword.
TAKES_ALL = {}


def install():
    """Puts it in place. Before the first session is made."""
    takes_all = botocore.hooks.accepts_kwargs
    begin = botocore.hooks.EventAliaser.__init__
    read = botocore.client.ClientCreator._load_service_model

    def accepts_kwargs(function):
        # Only functions are looked up: what else can be called may be no key of a dictionary.
        function = getattr(function, "__func__", function)
        code = getattr(function, "__code__", None)
        if code is None:
            return takes_all(function)
        if code not in TAKES_ALL:
            TAKES_ALL[code] = takes_all(function)
        return TAKES_ALL[code]

    def __init__(self, event_emitter, event_aliases=None):
        begin(self, event_emitter, event_aliases)
        self._alias_name_cache = ALIASES

    def load_service_model(self, service_name, api_version=None):
        if (service_name, api_version) not in MODELS:
            MODELS[service_name, api_version] = read(self, service_name, api_version)
        return MODELS[service_name, api_version]

    botocore.hooks.accepts_kwargs = accepts_kwargs
    botocore.hooks.EventAliaser.__init__ = __init__
    botocore.client.ClientCreator._load_service_model = load_service_model


def keep_session():
    """Makes the session that `boto3.client` and `boto3.resource` use. It asks for region and credentials when it needs them."""
    boto3.setup_default_session()
