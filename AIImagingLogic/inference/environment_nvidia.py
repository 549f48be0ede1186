"""NVIDIA cards and their driver, as the system and nvidia-smi tell; nothing of CUDA is loaded."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_SMI_LIMIT_S = 20
_VENDOR, _DISPLAY_CLASSES = "0x10de", ("0x0300", "0x0302")


@dataclass(frozen=True)
class NvidiaGpu:
    """A card; memory in GB (1e9 bytes), None where the driver does not say."""

    name: str
    total_gb: float | None
    free_gb: float | None


@dataclass(frozen=True)
class NvidiaState:
    """What is known of NVIDIA cards.

    Attributes
    ----------
    gpus : the cards that the driver knows
    driver : its version, empty when there is none
    on_bus : whether a card is in the computer, driver or not
    trouble : what nvidia-smi said when it failed
    """

    gpus: tuple[NvidiaGpu, ...] = ()
    driver: str = ""
    on_bus: bool = False
    trouble: str = ""

    @property
    def present(self) -> bool:
        """Whether there is a card to use, or one whose driver fails."""
        return bool(self.gpus or self.on_bus or self.trouble)

    @property
    def driver_branch(self) -> int | None:
        """The first number of the driver's version."""
        match = re.match(r"\d+", self.driver)
        return int(match.group()) if match else None


def look_for_nvidia(ask_driver: bool = True) -> NvidiaState:
    """Look at the system's files and, with `ask_driver`, ask nvidia-smi, which can take seconds."""
    on_bus = _on_bus()
    program = shutil.which("nvidia-smi") if ask_driver else None
    if program is None:
        return NvidiaState(driver=_driver_of_kernel(), on_bus=on_bus)
    query = "--query-gpu=name,driver_version,memory.total,memory.free"
    try:
        answer = subprocess.run(
            [program, query, "--format=csv,noheader,nounits"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SMI_LIMIT_S,
            text=True,
            errors="replace",
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except subprocess.TimeoutExpired:
        return NvidiaState(driver=_driver_of_kernel(), on_bus=on_bus, trouble="nvidia-smi did not answer")
    except OSError as error:
        return NvidiaState(driver=_driver_of_kernel(), on_bus=on_bus, trouble=f"nvidia-smi: {error.strerror}")
    rows = [[word.strip() for word in row] for row in csv.reader(answer.stdout.splitlines()) if len(row) == 4]
    if answer.returncode != 0 or not rows:
        said = " ".join((answer.stderr or answer.stdout).split())[:300]
        # A program left over from a card that is gone is no fault.
        none_there = not on_bus and re.search("no devices were found|couldn't communicate", said, re.IGNORECASE)
        trouble = "" if none_there else said or "nvidia-smi failed"
        return NvidiaState(driver=_driver_of_kernel(), on_bus=on_bus, trouble=trouble)
    gpus = tuple(NvidiaGpu(name, _gigabytes(total), _gigabytes(free)) for name, _, total, free in rows)
    return NvidiaState(gpus, rows[0][1], True)


def _driver_of_kernel() -> str:
    try:
        text = Path("/proc/driver/nvidia/version").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    match = re.search(r"\b(\d{3,}\.\d+(\.\d+)?)\b", text)
    return match.group(1) if match else ""


def _on_bus() -> bool:
    if sys.platform == "win32":
        return False
    for device in Path("/sys/bus/pci/devices").glob("*"):
        try:
            vendor = (device / "vendor").read_text(encoding="ascii").strip()
            kind = (device / "class").read_text(encoding="ascii").strip()
        except OSError:
            continue
        if vendor == _VENDOR and kind.startswith(_DISPLAY_CLASSES):
            return True
    return False


def _gigabytes(mebibytes: str) -> float | None:
    try:
        return float(mebibytes) * 2**20 / 1e9
    except ValueError:
        return None
