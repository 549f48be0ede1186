"""How much memory this computer, or the container that this process runs in, has and has free."""

from __future__ import annotations

import ctypes
import os
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class MachineMemory:
    """Memory in GB (1e9 bytes); None where the system does not say. `limited`: a container's limit is the total."""

    total_gb: float | None
    available_gb: float | None
    limited: bool = False


def memory_of_machine() -> MachineMemory:
    """Return the memory that this process can have."""
    if sys.platform == "win32":
        return _windows()
    if sys.platform == "linux":
        return _linux()
    return MachineMemory(_gigabytes(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")), None)


def _linux(root: Path = Path("/")) -> MachineMemory:
    kilobytes = {}
    for line in (root / "proc/meminfo").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        kilobytes[name] = int(value.split()[0])
    total, available = kilobytes["MemTotal"] * 1024, kilobytes["MemAvailable"] * 1024
    limit, used = _container(root)
    if limit is None or limit >= total:
        return MachineMemory(_gigabytes(total), _gigabytes(available))
    return MachineMemory(_gigabytes(limit), _gigabytes(max(0, min(available, limit - used))), limited=True)


def _container(root: Path) -> tuple[int | None, int]:
    """Return the tightest limit of the groups that this process is in, and what that group uses (bytes)."""
    tightest, used = None, 0
    for folder, limit_name, usage_name in _groups(root):
        limit = _number(folder / limit_name)
        if limit is not None and (tightest is None or limit < tightest):
            tightest, used = limit, (_number(folder / usage_name) or 0) - _reclaimable(folder)
    return tightest, max(0, used)


def _groups(root: Path) -> list[tuple[Path, str, str]]:
    base = root / "sys/fs/cgroup"
    groups = []
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    for line in lines:
        number, controllers, path = line.split(":", 2)
        if number != "0" and "memory" not in controllers.split(","):
            continue
        names = ("memory.max", "memory.current")
        mount = base
        if number != "0":
            names, mount = ("memory.limit_in_bytes", "memory.usage_in_bytes"), base / "memory"
        # Inside a container the group's own path often is not visible, but its mount is the group itself.
        own = mount / path.strip("/")
        folders = [own, *[parent for parent in own.parents if parent.is_relative_to(mount)]]
        groups += [(folder, *names) for folder in dict.fromkeys(folders)]
    return groups


def _reclaimable(folder: Path) -> int:
    """Return what of a group's memory is only a copy of files, which the system gives up when memory is short."""
    try:
        lines = (folder / "memory.stat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    values = {name: int(value) for name, value in (line.split() for line in lines)}
    return values.get("total_inactive_file", values.get("inactive_file", 0))


def _number(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _windows() -> MachineMemory:
    class Status(ctypes.Structure):
        _fields_ = [
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *[(f"field{number}", ctypes.c_ulonglong) for number in range(7)],
        ]

    status = Status()
    status.length = ctypes.sizeof(status)
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]
    return MachineMemory(_gigabytes(status.field0), _gigabytes(status.field1))


def _gigabytes(number: int) -> float:
    return number / 1e9
