"""A zip archive is looked at before anything of it is unpacked: names, links, count, sizes, compression."""

from __future__ import annotations

import contextlib
import errno
import stat
import zipfile
import zlib
from collections.abc import Iterator
from lzma import LZMAError
from pathlib import Path, PurePosixPath

from AIImagingLogic.models.safety.limits import limit
from AIImagingLogic.models.safety.member_names import checked_member, refuse_collisions
from AIImagingLogic.models.safety.refusals import DOWNLOAD_AGAIN, UnsafeModel


@contextlib.contextmanager
def checked_zip(path: Path) -> Iterator[tuple[zipfile.ZipFile, dict[PurePosixPath, zipfile.ZipInfo]]]:
    """Open a zip archive whose members have been checked.

    Returns
    -------
    The archive and its files (no folders) by relative path.

    Raises
    ------
    UnsafeModel
        It is no zip archive, is cut off, or a member is a link, is encrypted, has a name that leads out, is there
        twice, or is absurdly large or compressed.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive, _checked(archive, path)
    except OSError as error:
        # An archive that points before its own beginning; all else is the disk's.
        if error.errno != errno.EINVAL:
            raise
        raise UnsafeModel(f"'{path.name}' is not a whole zip archive.", DOWNLOAD_AGAIN) from error
    except (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        raise UnsafeModel(f"'{path.name}' is not a whole zip archive: {error}.", DOWNLOAD_AGAIN) from error


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    """Return a member's bytes, never more than `most`, whatever size its header claims.

    Raises
    ------
    UnsafeModel
        It is larger.
    """
    with archive.open(member) as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise UnsafeModel(f"'{member.filename}' is larger than {most} bytes.", "Do not use this package.")
    return data


def _checked(archive: zipfile.ZipFile, path: Path) -> dict[PurePosixPath, zipfile.ZipInfo]:
    members = archive.infolist()
    if len(members) > limit("archive_members"):
        raise UnsafeModel(f"'{path.name}' holds {len(members)} members.", "Do not use this package.")
    files: dict[PurePosixPath, zipfile.ZipInfo] = {}
    names = []
    total = packed = 0
    for member in members:
        names.append(name := checked_member(member.filename, path.name))
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise UnsafeModel(f"'{path.name}' holds a link or device: '{name}'.", "Do not use this package.")
        if member.flag_bits & 0x1:
            raise UnsafeModel(f"'{path.name}' is encrypted: '{name}'.", "Unpack it yourself and import the folder.")
        total += member.file_size
        packed += member.compress_size
        refuse_absurd_size(path.name, str(name), member.file_size, member.compress_size)
        if not member.is_dir():
            files[name] = member
    refuse_collisions(names, path.name)
    refuse_absurd_size(path.name, "all members", total, packed)
    if packed > path.stat().st_size:
        # Members that overlap: a bomb that needs no great ratio.
        raise UnsafeModel(f"'{path.name}' has members that overlap.", "Do not use this package.")
    return files


def refuse_absurd_size(archive: str, name: str, size: int, packed: int) -> None:
    """Refuse a size that no model has, or one that a few packed bytes blow up to.

    Raises
    ------
    UnsafeModel
        `size` is over the limit, or large and too many times `packed`.
    """
    blown = size > limit("archive_ratio_from_bytes") and size > packed * limit("archive_ratio")
    if size > limit("archive_bytes") or blown:
        raise UnsafeModel(f"'{archive}' unpacks to {size} bytes from {packed} ({name}).", "Do not use this package.")
