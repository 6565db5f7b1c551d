"""Attachments of the runbook: a script, or an archive with packages.

There is no disk here: an archive is imported out of memory. Its names are looked for last, so that what the component has
itself (boto3 with its transport above all) is never replaced by a copy in an archive. Only the names of this component's own
modules are free for attachments: their authors cannot know them.
"""

import encodings.cp437  # noqa: F401  what names in archives are written in; it cannot be imported later
import importlib.abc
import importlib.machinery
import importlib.util
import io
import linecache
import os
import sys
import zipfile

from failures import ATTACHED, Kind, StepFailure
from wit_world.imports import step


def install(name):
    """Makes the attachment importable."""
    content = step.attachment(name)
    if content is None:
        raise StepFailure(
            Kind.INVALID_INPUT, f"The runbook has no attachment `{name}` with a SHA-256 checksum under `files`. Add it there."
        )
    archive = unpacked(name, content) if name.lower().endswith(".zip") else alone(name, bytes(content))
    make_room(archive.files)
    sys.meta_path.append(archive)
    return archive


def alone(name, content):
    """A script, which is also the module of its name."""
    stem = name.rsplit("/", 1)[-1].removesuffix(".py")
    return Archive(name, {f"{stem}.py": content}, name, text_of(name, content))


def unpacked(name, content):
    """An archive with modules."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            files = {entry.filename: archive.read(entry) for entry in archive.infolist() if not entry.is_dir()}
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise StepFailure(Kind.INVALID_INPUT, f"The attachment `{name}` cannot be unpacked: {error}.") from None
    return Archive(name, files)


def make_room(files):
    """Forgets modules of this component that are called as ones of the attachment."""
    tops = {file.split("/")[0].removesuffix(".py") for file in files}
    for top in tops & sys.modules.keys():
        origin = getattr(sys.modules[top], "__file__", None)
        if origin and os.path.dirname(origin) == os.path.dirname(__file__):
            del sys.modules[top]


def text_of(name, content):
    """Source code, in whatever encoding it says."""
    try:
        return importlib.util.decode_source(content)
    except (SyntaxError, UnicodeDecodeError) as error:
        raise StepFailure(Kind.INVALID_INPUT, f"The attachment `{name}` is no text: {error}.") from None


class Archive(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports modules out of files in memory. `text`: that of an attachment which is a script."""

    def __init__(self, name, files, origin=None, text=None):
        self.name, self.files, self.origin, self.text = name, files, origin, text

    def file_of(self, fullname):
        """The file of a module, if it is here."""
        place = fullname.replace(".", "/")
        return next((file for file in (f"{place}/__init__.py", f"{place}.py") if file in self.files), None)

    def find_spec(self, fullname, path=None, target=None):
        place, file = fullname.replace(".", "/"), self.file_of(fullname)
        if file:
            is_package = file == f"{place}/__init__.py"
            origin = self.origin or f"{self.name}/{file}"
            spec = importlib.util.spec_from_loader(fullname, self, origin=origin, is_package=is_package)
            spec.has_location = True
            if is_package:
                spec.submodule_search_locations = [f"{self.name}/{place}"]
            return spec
        if any(file.startswith(f"{place}/") for file in self.files):
            spec = importlib.machinery.ModuleSpec(fullname, None, is_package=True)
            spec.submodule_search_locations = [f"{self.name}/{place}"]
            return spec
        return None

    def source_of(self, fullname):
        """Where a module is, and its source."""
        file = self.file_of(fullname)
        return self.origin or f"{self.name}/{file}", text_of(file, self.files[file])

    def get_source(self, fullname):
        return self.source_of(fullname)[1]

    def is_package(self, fullname):
        return f"{fullname.replace('.', '/')}/__init__.py" == self.file_of(fullname)

    def get_code(self, fullname):
        origin, text = self.source_of(fullname)
        # So that tracebacks show the lines.
        linecache.cache[origin] = (len(text), None, text.splitlines(True), origin)
        ATTACHED.add(origin)
        return compile(text, origin, "exec", dont_inherit=True)

    def get_filename(self, fullname):
        return self.source_of(fullname)[0]

    def get_data(self, path):
        """For pkgutil.get_data: `path` begins with the archive's name."""
        try:
            return self.files[path.removeprefix(f"{self.name}/")]
        except KeyError:
            raise OSError(f"there is no {path}") from None
