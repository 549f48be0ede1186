"""An archive becomes a new folder: all of it after all of it was looked at, or nothing."""

from __future__ import annotations

import contextlib
import shutil
import tarfile
import uuid
import zipfile
import zlib
from collections.abc import Iterator
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO

from AIImagingLogic.models.safety.limits import limit
from AIImagingLogic.models.safety.member_names import checked_member, refuse_collisions
from AIImagingLogic.models.safety.refusals import DOWNLOAD_AGAIN, UnsafeModel
from AIImagingLogic.models.safety.zip_members import checked_zip, refuse_absurd_size
from AIImagingLogic.records.atomic_files import output_error
from AIImagingLogic.records.errors import ModelError

_CHUNK = 1 << 20


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar archive into a new folder; archives inside it stay archives.

    Parameters
    ----------
    archive : Path
        ``.zip``, ``.tar``, ``.tar.gz``, ``.tar.bz2`` or ``.tar.xz``, told by its content.
    folder : Path
        Must not exist; it is there whole when the call ends well, and not at all otherwise.

    Raises
    ------
    UnsafeModel
        A member leads out of the folder, is a link or device, is there twice, or is absurdly large; or the archive
        is broken.
    ModelError
        It is no archive, or `folder` exists.
    OutputError
        The disk is full or not writable.
    """
    if folder.exists() or folder.is_symlink():
        raise ModelError(f"'{folder}' is there already.", "Remove it first or name another folder.")
    if not archive.is_file():
        raise ModelError(f"'{archive}' is missing.", DOWNLOAD_AGAIN)
    temporary = folder.parent / f".{uuid.uuid4().hex[:8]}-{folder.name}"
    try:
        temporary.mkdir(parents=True)
        if zipfile.is_zipfile(archive):
            _unpack_zip(archive, temporary)
        elif tarfile.is_tarfile(archive):
            _unpack_tar(archive, temporary)
        else:
            raise ModelError(f"'{archive.name}' is no zip or tar archive.", DOWNLOAD_AGAIN)
        temporary.rename(folder)
    except OSError as error:
        raise output_error(folder, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _unpack_zip(archive: Path, folder: Path) -> None:
    with checked_zip(archive) as (opened, members):
        for name, member in members.items():
            with _broken(archive), opened.open(member) as source:
                _write(source, folder / name, member.file_size, archive.name)


def _unpack_tar(archive: Path, folder: Path) -> None:
    with _broken(archive), tarfile.open(archive) as opened:
        names: list[PurePosixPath] = []
        total = 0
        files: list[tuple[PurePosixPath, tarfile.TarInfo]] = []
        # Headers first: nothing is written before the last one has been looked at.
        for member in opened:
            names.append(name := checked_member(member.name, archive.name))
            if not (member.isreg() or member.isdir()) or member.issparse():
                raise UnsafeModel(f"'{archive.name}' holds a link or device: '{name}'.", "Do not use this package.")
            total += member.size
            if len(names) > limit("archive_members"):
                raise UnsafeModel(f"'{archive.name}' holds too many members.", "Do not use this package.")
            refuse_absurd_size(archive.name, str(name), total, archive.stat().st_size)
            if member.isreg():
                files.append((name, member))
        refuse_collisions(names, archive.name)
        for name, member in files:
            source = opened.extractfile(member)
            if source is None:
                raise UnsafeModel(f"'{archive.name}' is broken at '{name}'.", DOWNLOAD_AGAIN)
            _write(source, folder / name, member.size, archive.name)


def _write(source: IO[bytes], path: Path, size: int, archive: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with path.open("xb") as target:
        while chunk := source.read(_CHUNK):
            written += len(chunk)
            if written > size:
                break
            target.write(chunk)
    if written != size:
        raise UnsafeModel(f"'{archive}' declares {size} bytes for '{path.name}', which is not so.", DOWNLOAD_AGAIN)


@contextlib.contextmanager
def _broken(archive: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, LZMAError, UnicodeError) as error:
        raise UnsafeModel(f"'{archive.name}' is not a whole archive: {error}.", DOWNLOAD_AGAIN) from error
