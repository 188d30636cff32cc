"""Published weights: where they are, how they are known to be the right ones, and what happens when no host answers."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import msgspec

from lab.core.errors import ModelError, SupplyError
from lab.disk.content import decode_json, file_sha256
from lab.disk.download import download, matches
from lab.disk.whole import write_whole

MIRROR_VARIABLE = "LAB_MODEL_MIRROR"
"""Environment variable: a URL prefix under which the same files lie, for machines that don't reach the hosts below."""

RECORD_FILE = "recorded.json"
"""Checksums of files that nobody published one for, as they were at the first download."""

_V1 = "http://download.tensorflow.org/models/mobilenet_v1_2018_08_02"
_V2 = "https://storage.googleapis.com/mobilenet_v2/checkpoints"
_VGG = "http://download.tensorflow.org/models"
_YUNET = "https://raw.githubusercontent.com/ShiqiYu/libfacedetection.train/master/onnx"


class PublishedWeights(msgspec.Struct, frozen=True):
    """One published file.

    Attributes:
        known_hash: ``algorithm:hex``; None: none was published; the first download's is recorded and binds later ones.
    """

    url: str
    known_hash: str | None

    @property
    def file(self) -> str:
        """The file's name."""
        return self.url.rsplit("/", 1)[-1]


SUPPLIES = {
    "mobilenet_v1_0.25_128": PublishedWeights(
        f"{_V1}/mobilenet_v1_0.25_128.tgz", "sha256:879ddc3e0857f3611b5cf248e36de2288c7a11ea8c2ed8a8bdded635e6010dfe"
    ),
    "mobilenet_v1_0.5_160": PublishedWeights(
        f"{_V1}/mobilenet_v1_0.5_160.tgz",
        "sha384:7023a17e0f7dd48ffb3607ef1d7712702b1eb110d1a2c14f80bdf41b08148a07f9521a22250b5ef214b59a0bf62ef88b",
    ),
    "mobilenet_v1_1.0_224": PublishedWeights(
        f"{_V1}/mobilenet_v1_1.0_224.tgz", "sha256:2fadeabb9968ec6833bee903900dda6e61b3947200535874ce2fe42a8493abc0"
    ),
    "mobilenet_v2_1.0_224": PublishedWeights(
        f"{_V2}/mobilenet_v2_1.0_224.tgz", "sha256:318084bc1b63d6d7b854553e09cdf77078b1c0168be27c59a0d44253b5ed49dc"
    ),
    "mobilenet_v2_1.4_224": PublishedWeights(
        f"{_V2}/mobilenet_v2_1.4_224.tgz",
        "sha384:fd257f73e8ee5280328903afa6bbd646dcf4e8ae7c090e3424cf05d973c0940fe02ee220a3a5a20ea51cb9caacbf4961",
    ),
    "vgg_16": PublishedWeights(f"{_VGG}/vgg_16_2016_08_28.tar.gz", None),
    "vgg_19": PublishedWeights(f"{_VGG}/vgg_19_2016_08_28.tar.gz", None),
    "yunet": PublishedWeights(
        f"{_YUNET}/yunet_n_320_320.onnx", "sha256:81dbde155e982455488235acb8ec2dec5d647edf7cf7080d33e4abb69b93a0d2"
    ),
}


def fetch(supply: PublishedWeights, downloads: Path) -> Path:
    """The file, downloaded unless it is there already, with the right checksum.

    Raises:
        SupplyError: the host does not answer within seconds, or the file is another one.
    """
    mirror = os.environ.get(MIRROR_VARIABLE)
    url = f"{mirror.rstrip('/')}/{supply.file}" if mirror else supply.url
    known = supply.known_hash or _recorded(downloads).get(supply.file)
    path = download(
        url,
        known,
        downloads / supply.file,
        unreachable_remedy=f"use weights 'seeded', point {MIRROR_VARIABLE} at a mirror, or put the file into "
        f"{downloads}",
        mismatch_remedy=f"do not use it; point {MIRROR_VARIABLE} at a mirror with the original, or use weights "
        "'seeded'",
    )
    if known is None:
        _record(downloads, supply.file, path)
    return path


def place(supply: PublishedWeights, file: Path, downloads: Path) -> None:
    """Puts a file that the user has where its download would be.

    Raises:
        SupplyError: there is no such file, or its checksum is another one.
    """
    if not file.is_file():
        raise SupplyError(f"there is no file {file}", "check the path")
    if supply.known_hash and not matches(file, supply.known_hash):
        raise SupplyError(f"{file} is not the published {supply.file}", f"get it from {supply.url}")
    write_whole(downloads / supply.file, file.read_bytes())


def unpack(archive: Path, directory: Path) -> Path:
    """The checkpoint in a slim archive, unpacked into `directory`: the prefix that TensorFlow restores from.

    Raises:
        ModelError: the archive is damaged, or holds no checkpoint.
    """
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(directory, filter="data")
    except (tarfile.TarError, OSError, EOFError) as why:
        raise ModelError(f"{archive} cannot be unpacked: {_short(why)}", f"delete {archive} and try again") from why
    for index in sorted(directory.rglob("*.ckpt*.index")):
        return index.with_suffix("")
    # the first format of checkpoints, VGG's, is one file
    for single in sorted(directory.rglob("*.ckpt")):
        return single
    raise ModelError(f"{archive} holds no checkpoint", f"delete {archive} and try again")


def _short(why: Exception) -> str:
    return " ".join(str(why).split())[:200]


def _recorded(downloads: Path) -> dict[str, str]:
    path = downloads / RECORD_FILE
    remedy = f"delete {path}; the next download of each file is recorded again"
    return decode_json(path, dict[str, str], remedy) if path.exists() else {}


def _record(downloads: Path, file: str, path: Path) -> None:
    content = {**_recorded(downloads), file: f"sha256:{file_sha256(path)}"}
    write_whole(downloads / RECORD_FILE, msgspec.json.encode(content))
