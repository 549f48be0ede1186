"""Zip archives from outside, unpacked so that no file lies outside its folder or is larger than declared."""

from __future__ import annotations

import hashlib
import stat
import zipfile
import zlib
from pathlib import Path
from typing import IO

from AIImagingLogic.models.store.disk_space import check_room
from AIImagingLogic.models.store.manifest import CHUNK, StoredFile
from AIImagingLogic.models.store.part_file import write_bytes
from AIImagingLogic.models.store.safe_path import check_distinct, safe_relative_path
from AIImagingLogic.records.atomic_files import output_error
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.progress import Progress

_MOST_FILES = 20_000
_ENCRYPTED = 0x1
# What macOS adds to archives; never part of a model.
_JUNK = "__MACOSX/"


def unpack(archive: Path, folder: Path, below: str, progress: Progress) -> tuple[StoredFile, ...]:
    """Unpack the zip `archive` into the folder `below` of `folder`.

    A single folder that holds everything else in the archive is left out of the paths.

    Parameters
    ----------
    archive : Path
    folder : Path
        Of the package's files.
    below : str
        Folder inside it, with ``/``; ``.`` is itself.
    progress : Progress

    Returns
    -------
    tuple of StoredFile
        What was unpacked; paths are relative to `folder`.

    Raises
    ------
    ModelError
        It is no zip archive, is damaged, or holds what no package may hold: paths that lead out of it, links,
        encrypted files, more files than any model has, more bytes than it declares.
    OutputError
        The disk has no room for it.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = safe_members(opened, archive)
            check_room(folder, sum(member.file_size for member in members))
            shared = _shared_folder([member.filename for member in members])
            prefix = "" if below == "." else f"{below}/"
            files = []
            for number, member in enumerate(members):
                path = safe_relative_path(prefix + member.filename.removeprefix(shared))
                progress.report(number / len(members), f"Unpacking {path.rsplit('/', 1)[-1][:40]}")
                with opened.open(member) as source:
                    files.append(copy_out(source, folder, path, member.file_size, progress))
            return tuple(files)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise ModelError(f"'{archive.name}' is not a whole zip archive: {error}.", "Fetch it again.") from error


def safe_members(opened: zipfile.ZipFile, archive: Path) -> list[zipfile.ZipInfo]:
    """Return the files of an archive; refuse the archive when one of them is not harmless.

    Raises
    ------
    ModelError
        A path leads out of the archive, is named twice or is a link; a file is encrypted; there are too many or none.
    """
    infos = [info for info in opened.infolist() if not info.filename.startswith(_JUNK)]
    if len(infos) > _MOST_FILES:
        raise ModelError(f"'{archive.name}' holds {len(infos)} files.", f"No package may hold more than {_MOST_FILES}.")
    for info in infos:
        # `orig_filename` is what the archive says; `filename` was cut at a NUL and had its separators changed.
        safe_relative_path(info.orig_filename.removesuffix("/"))
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise ModelError(f"'{archive.name}' holds a link: {info.filename[:80]!r}.", "Do not use this package.")
        if info.flag_bits & _ENCRYPTED:
            raise ModelError(f"'{archive.name}' is encrypted.", "Unpack it by hand and import the folder.")
    members = [info for info in infos if not info.is_dir()]
    if not members:
        raise ModelError(f"'{archive.name}' holds no file.", "Fetch it again.")
    check_distinct(info.filename for info in members)
    return members


def copy_out(source: IO[bytes], folder: Path, path: str, size: int, progress: Progress) -> StoredFile:
    """Write exactly `size` bytes of `source` to `path` in `folder`, hashed as they go.

    Raises
    ------
    ModelError
        There are more or fewer.
    OutputError
        The disk is full or gone.
    """
    target = folder / path
    digest, done = hashlib.sha256(), 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            while chunk := source.read(CHUNK):
                progress.check_cancelled()
                done += len(chunk)
                if done > size:
                    break
                digest.update(chunk)
                write_bytes(file, chunk, target)
    except OSError as error:
        raise output_error(target, error) from error
    if done != size:
        raise ModelError(f"{path[:80]!r} has another size than declared: {size} bytes.", "Do not use this package.")
    return StoredFile(path, size, digest.hexdigest())


def _shared_folder(names: list[str]) -> str:
    """Return the folder that holds every name, with its ``/``; empty when there is none."""
    first = names[0].split("/")[0] + "/"
    return first if all(name.startswith(first) for name in names) else ""
