"""Modules that this interpreter lacks, and what is done in their place."""

import concurrent.futures
import sys
import threading
import types


def module(name, **members):
    """Registers a module of this name."""
    made = types.ModuleType(name)
    made.__dict__.update(members)
    sys.modules[name] = made
    parent, _, own = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], own, made)
    return made


def install():
    """All of them. Before anything imports what is missing."""
    ssl()
    distutils()
    threads()


def ssl():
    """urllib3 wants names of it; nothing here ever opens a connection."""
    try:
        import ssl as _  # noqa: F401

        return
    except ImportError:
        pass

    class Context:
        """Stands for whatever is made of it."""

        def __init__(self, *arguments, **options):
            pass

        def __class_getitem__(cls, item):
            return cls

    versions = types.SimpleNamespace(MINIMUM_SUPPORTED=0, MAXIMUM_SUPPORTED=0, SSLv3=0, TLSv1=0, TLSv1_1=0, TLSv1_2=0, TLSv1_3=0)
    numbers = (
        "CERT_NONE CERT_OPTIONAL CERT_REQUIRED OP_NO_SSLv2 OP_NO_SSLv3 OP_NO_COMPRESSION OP_NO_TICKET OP_NO_TLSv1 "
        "OP_NO_TLSv1_1 PROTOCOL_TLS PROTOCOL_TLS_CLIENT PROTOCOL_SSLv23 VERIFY_X509_PARTIAL_CHAIN VERIFY_X509_STRICT"
    )
    module(
        "ssl",
        **{name: number for number, name in enumerate(numbers.split())},
        SSLContext=Context,
        SSLSocket=Context,
        SSLObject=Context,
        MemoryBIO=Context,
        SSLError=type("SSLError", (OSError,), {}),
        SSLWantReadError=type("SSLWantReadError", (OSError,), {}),
        SSLZeroReturnError=type("SSLZeroReturnError", (OSError,), {}),
        SSLCertVerificationError=type("SSLCertVerificationError", (OSError, ValueError), {}),
        CertificateError=ValueError,
        HAS_SNI=True,
        HAS_NEVER_CHECK_COMMON_NAME=True,
        OPENSSL_VERSION="OpenSSL 3.0.0",
        OPENSSL_VERSION_NUMBER=0x30000000,
        OPENSSL_VERSION_INFO=(3, 0, 0, 0, 0),
        TLSVersion=versions,
        VerifyMode=int,
        Options=int,
        create_default_context=lambda *arguments, **options: Context(),
        get_default_verify_paths=lambda: None,
        DER_cert_to_PEM_cert=None,
        PEM_cert_to_DER_cert=None,
    )


def distutils():
    """Gone from Python 3.12; scripts for older ones use two things of it."""

    def strtobool(text):
        text = text.lower()
        if text in ("y", "yes", "t", "true", "on", "1"):
            return 1
        if text in ("n", "no", "f", "false", "off", "0"):
            return 0
        raise ValueError(f"invalid truth value {text!r}")

    class LooseVersion:
        """Versions compared number by number."""

        def __init__(self, text):
            import re

            self.vstring = text
            parts = re.findall(r"\d+|[a-z]+", text)
            self.version = [int(part) if part.isdigit() else part for part in parts]

        def __str__(self):
            return self.vstring

        def key(self, other):
            other = other if isinstance(other, LooseVersion) else LooseVersion(other)
            return [(isinstance(part, str), part) for part in self.version], [
                (isinstance(part, str), part) for part in other.version
            ]

        def __eq__(self, other):
            mine, others = self.key(other)
            return mine == others

        def __lt__(self, other):
            mine, others = self.key(other)
            return mine < others

        def __le__(self, other):
            return self == other or self < other

        def __gt__(self, other):
            return not self <= other

        def __ge__(self, other):
            return not self < other

        __hash__ = None

    module("distutils").__path__ = []
    module("distutils.util", strtobool=strtobool)
    module("distutils.version", LooseVersion=LooseVersion, StrictVersion=LooseVersion)


def threads():
    """There are no threads: what would run beside runs at once, and is done when it was started."""

    def start(self):
        self._started.set()
        threading._limbo.pop(self, None)
        try:
            self.run()
        except BaseException:
            threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), self)))
        finally:
            self._runwright_done = True

    threading.Thread.start = start
    threading.Thread.join = lambda self, timeout=None: None
    threading.Thread.is_alive = lambda self: False

    class Executor(concurrent.futures.Executor):
        """Does each piece of work when it is handed in."""

        def __init__(self, max_workers=None, *arguments, **options):
            initializer = options.get("initializer")
            if initializer:
                initializer(*options.get("initargs", ()))

        def submit(self, function, /, *arguments, **options):
            future = concurrent.futures.Future()
            future.set_running_or_notify_cancel()
            try:
                future.set_result(function(*arguments, **options))
            except BaseException as error:
                future.set_exception(error)
            return future

        def map(self, function, *iterables, timeout=None, chunksize=1):
            return iter([function(*items) for items in zip(*iterables)])

        def shutdown(self, wait=True, *, cancel_futures=False):
            """Nothing is left to do."""

    concurrent.futures.ThreadPoolExecutor = Executor
    concurrent.futures.ProcessPoolExecutor = Executor
    try:
        import concurrent.futures.thread as thread_pools

        thread_pools.ThreadPoolExecutor = Executor
    except ImportError:
        pass
