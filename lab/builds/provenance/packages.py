"""The Debian packages in an image, as its own dpkg status lists them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from lab.builds.images.files import read_files
from lab.engines.docker_sdk import DockerClient

STATUS_PATH = "/var/lib/dpkg/status"
RELEASE_PATH = "/etc/os-release"
_FIELD = re.compile(r"^(Package|Status|Architecture|Version): *(.*)$", re.MULTILINE)
_RELEASE = re.compile(r"""^(ID|VERSION_CODENAME)=["']?([^"'\n]*)["']?$""", re.MULTILINE)


class DebianPackage(msgspec.Struct, frozen=True, order=True):
    """An installed package."""

    name: str
    version: str
    architecture: str


class Installed(msgspec.Struct, frozen=True):
    """What the package manager of an image put there.

    Attributes:
        distribution: ``debian`` or ``ubuntu``, as /etc/os-release spells it; empty if that does not say.
        suite: code name of the release, such as ``trixie``; empty if it has none.
        packages: installed ones, by name.
    """

    distribution: str
    suite: str
    packages: tuple[DebianPackage, ...]


def installed_in(client: DockerClient, image: str) -> Installed:
    """The packages of an image, read from its files; nothing is run.

    Raises:
        BuildFailed: the image has no dpkg status, or no /etc/os-release.
        EngineFailed: there is no such image.
    """
    status, about = (
        content.decode(errors="replace") for content in read_files(client, image, STATUS_PATH, RELEASE_PATH)
    )
    release = dict(_RELEASE.findall(about))
    packages = tuple(sorted(parse_status(status)))
    return Installed(release.get("ID", ""), release.get("VERSION_CODENAME", ""), packages)


def parse_status(text: str) -> Iterator[DebianPackage]:
    """The packages of a dpkg status file that are installed, not only configured or half removed (dpkg(1))."""
    for paragraph in text.split("\n\n"):
        fields = dict(_FIELD.findall(paragraph))
        if fields.get("Status", "").endswith(" installed") and fields.get("Package"):
            yield DebianPackage(fields["Package"], fields.get("Version", ""), fields.get("Architecture", ""))
