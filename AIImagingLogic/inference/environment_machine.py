"""The computer: cores, memory, disks, Python, where packages go, proxies. Only looks at files and asks the system."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

from AIImagingLogic import __version__
from AIImagingLogic.inference.environment_memory import memory_of_machine
from AIImagingLogic.inference.environment_names import without_names
from AIImagingLogic.inference.environment_report import EnvironmentNotes, Severity
from AIImagingLogic.inference.environment_versions import is_met
from AIImagingLogic.records.resources import load_resource

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def look_at_machine(notes: EnvironmentNotes) -> None:
    """Note what the computer offers, and what is short."""
    limits = load_resource("environment/limits.json")
    notes.fact("Computer", "AI Imaging", __version__)
    notes.fact("Computer", "System", f"{platform.system()} {platform.release()} ({platform.machine()})")
    notes.fact("Computer", "Processor cores that may be used", f"{usable_cores():g} of {os.cpu_count() or 1}")
    _look_at_memory(notes, limits)
    _look_at_disks(notes, limits)
    _look_at_python(notes)
    _look_at_install_folder(notes)
    _look_at_proxies(notes)


def usable_cores() -> float:
    """Return how many cores this process may use: its affinity, and the share its container was given."""
    cores = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    for quota_file, period_file in (
        ("/sys/fs/cgroup/cpu.max", None),
        ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us"),
    ):
        words = _words(quota_file) + (_words(period_file) if period_file else [])
        if len(words) == 2 and words[0].isdigit() and int(words[1]) > 0:
            cores = min(cores, int(words[0]) / int(words[1]))
    return round(cores, 1)


def _words(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="ascii").split()
    except OSError:
        return []


def _look_at_memory(notes: EnvironmentNotes, limits: dict) -> None:
    memory = memory_of_machine()
    if memory.total_gb is None:
        notes.fact("Computer", "Memory", "unknown")
        return
    free = "" if memory.available_gb is None else f", {memory.available_gb:.1f} GB free"
    limit = " (limit of the container)" if memory.limited else ""
    notes.fact("Computer", "Memory", f"{memory.total_gb:.1f} GB{limit}{free}")
    if memory.total_gb < limits["memory_total_gb"]:
        notes.finding(
            "little-memory",
            Severity.WARNING,
            f"This computer has {memory.total_gb:.1f} GB of memory{limit}.",
            "Two full chest CTs with all that a follow-up makes of them may not fit.",
            f"Crop the volumes first, or use a computer with {limits['memory_total_gb']} GB or more.",
        )
    elif memory.available_gb is not None and memory.available_gb < limits["memory_free_gb"]:
        notes.finding(
            "memory-in-use",
            Severity.WARNING,
            f"Only {memory.available_gb:.1f} of {memory.total_gb:.1f} GB of memory are free.",
            "A run may be slow, or be ended by the system for lack of memory.",
            "Close other programs and scenes that are not needed.",
        )


def _look_at_disks(notes: EnvironmentNotes, limits: dict) -> None:
    places = {"temporary files": Path(tempfile.gettempdir()), "cache": _cache_folder()}
    if sys.platform == "linux":
        places["shared memory"] = Path("/dev/shm")
    for name, folder in places.items():
        existing = next((path for path in (folder, *folder.parents) if path.is_dir()), None)
        if existing is None:
            continue
        free = shutil.disk_usage(existing).free / 1e9
        notes.fact("Computer", f"Free space for {name}", f"{free:.1f} GB in {without_names(str(folder))}")
        if free < limits["disk_free_gb"][name]:
            what = f"Only {free:.1f} GB are free for {name} ({without_names(str(folder))})."
            why = {
                "temporary files": "Results are written there before they move into place.",
                "cache": "Models and sample data are kept there.",
                "shared memory": "Images pass through it between Slicer and the process that computes.",
            }[name]
            advice = f"Free some space; {limits['disk_free_gb'][name]} GB are enough."
            if name == "shared memory":
                advice = "Give the container more shared memory (Docker: --shm-size), or close what uses it."
            notes.finding("disk-full", Severity.WARNING, what, why, advice)


def _cache_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or tempfile.gettempdir())
    if sys.platform == "darwin":
        return Path("~/Library/Caches").expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()


def _look_at_python(notes: EnvironmentNotes) -> None:
    version = platform.python_version()
    notes.fact("Python", "Version", version)
    supported = load_resource("environment/packages.json")["python"]
    if not is_met(f"python{supported}", version):
        notes.finding(
            "python-version",
            Severity.PROBLEM,
            f"This is Python {version}; AI Imaging is made for {supported}.",
            "Packages for this version may be missing, and nothing was tested with it.",
            "Use 3D Slicer 5.12 or newer, or a Python in that range.",
        )


def _look_at_install_folder(notes: EnvironmentNotes) -> None:
    folder = Path(sysconfig.get_path("purelib"))
    shown = without_names(str(folder))
    try:
        # Asking for permission is not enough: network drives and Windows answer yes and then refuse.
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        notes.fact("Python", "Packages are installed in", f"{shown} (cannot be written)")
        notes.finding(
            "install-folder",
            Severity.WARNING,
            f"Packages cannot be installed: {shown} cannot be written ({error.strerror}).",
            "Whatever is missing stays missing.",
            "Install Slicer in a folder of your own, or ask who looks after this computer.",
        )
    else:
        notes.fact("Python", "Packages are installed in", shown)


def _look_at_proxies(notes: EnvironmentNotes) -> None:
    # Only that they are set: their values can hold a password.
    names = sorted(name for name in os.environ if name.lower() in _PROXIES and os.environ[name])
    if names:
        notes.fact("Python", "Proxies set", ", ".join(names))
