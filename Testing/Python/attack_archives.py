"""Archives made to write elsewhere, or to fill the disk."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

MakeArchive = Callable[[Path, Path], None]


def _named(name: str) -> MakeArchive:
    def make(path: Path, canary: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("model.json", "{}")
            inside = os.path.relpath(canary, path.parent / "unpacked") if name == "RELATIVE" else str(canary)
            archive.writestr(inside if name in ("RELATIVE", "ABSOLUTE") else name, "x")

    return make


def _zip_link(path: Path, canary: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("weights")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, str(canary.parent))
        archive.writestr("weights/canary", "x")


def _zip_bomb(path: Path, canary: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.pt", bytes(50_000_000))


def _zip_lie(path: Path, canary: Path) -> None:
    _zip_bomb(path, canary)
    # The directory at the end says ten bytes; the compressed data goes on.
    data = path.read_bytes()
    size = (50_000_000).to_bytes(4, "little")
    path.write_bytes(data.replace(size, (10).to_bytes(4, "little")))


def _zip_twice(path: Path, canary: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("Model.json", "{}")
        archive.writestr("model.json", '{"other": 1}')


def _tar(kind: bytes, name: str, target: str) -> MakeArchive:
    def make(path: Path, canary: Path) -> None:
        with tarfile.open(path, "w:gz") as archive:
            member = tarfile.TarInfo(name.replace("CANARY", str(canary)))
            member.type = kind
            member.linkname = target.replace("FOLDER", str(canary.parent))
            data = b"x" if kind == tarfile.REGTYPE else b""
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
            if kind == tarfile.SYMTYPE:
                inside = tarfile.TarInfo(f"{name}/canary")
                inside.size = 1
                archive.addfile(inside, io.BytesIO(b"x"))

    return make


def _tar_bomb(path: Path, canary: Path) -> None:
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("model.pt")
        member.size = 50_000_000
        archive.addfile(member, io.BytesIO(bytes(member.size)))


ARCHIVE_ATTACKS: dict[str, MakeArchive] = {
    "zip climbs out of its folder": _named("RELATIVE"),
    "zip absolute path": _named("ABSOLUTE"),
    "zip drive letter": _named("C:/x/model.pt"),
    "zip backslashes": _named("..\\..\\model.pt"),
    "zip device name": _named("sub/CON.txt"),
    "zip symbolic link": _zip_link,
    "zip bomb": _zip_bomb,
    "zip lies about its sizes": _zip_lie,
    "zip with one file twice but for case": _zip_twice,
    "tar climbs out of its folder": _tar(tarfile.REGTYPE, "../../../../../../../../CANARY", ""),
    "tar absolute path": _tar(tarfile.REGTYPE, "CANARY", ""),
    "tar symbolic link": _tar(tarfile.SYMTYPE, "weights", "FOLDER"),
    "tar hard link": _tar(tarfile.LNKTYPE, "weights", "/etc/passwd"),
    "tar device": _tar(tarfile.CHRTYPE, "zero", ""),
    "tar pipe": _tar(tarfile.FIFOTYPE, "pipe", ""),
    "tar bomb": _tar_bomb,
}
