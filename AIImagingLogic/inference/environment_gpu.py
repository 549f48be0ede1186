"""Whether deep models can use the graphics card, and if not, why."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass

from AIImagingLogic.inference.environment_names import without_names
from AIImagingLogic.inference.environment_nvidia import NvidiaState
from AIImagingLogic.inference.environment_report import EnvironmentNotes, Repair, Severity
from AIImagingLogic.inference.environment_trial import Trial
from AIImagingLogic.records.resources import load_resource

_ONLY_DEEP = "Deep models run on the processor, many times slower. The built-in models do not use a GPU."


@dataclass(frozen=True)
class TorchState:
    """What is known of torch.

    Attributes
    ----------
    version : as installed, None when torch is not
    cuda : the CUDA version it was built for, empty when for none, None when not known
    trial : how loading it went, None when it was not tried
    """

    version: str | None
    cuda: str | None
    trial: Trial | None


def look_at_gpu(notes: EnvironmentNotes, nvidia: NvidiaState, torch: TorchState) -> None:
    """Note the graphics cards, and why they are not used when they are not."""
    driver = f", driver {nvidia.driver}" if nvidia.driver else ""
    for gpu in nvidia.gpus:
        memory = "" if gpu.total_gb is None else f", {gpu.total_gb:.1f} GB"
        free = "" if gpu.free_gb is None else f", {gpu.free_gb:.1f} GB free"
        notes.fact("Graphics", "NVIDIA GPU", f"{gpu.name}{memory}{free}{driver}")
    if torch.version is not None:
        built = {None: "unknown", "": "processor only"}.get(torch.cuda, f"CUDA {torch.cuda}")
        notes.fact("Graphics", "torch was built for", built)
    if nvidia.present:
        _look_at_nvidia(notes, nvidia, torch)
    elif sys.platform == "darwin":
        _look_at_apple(notes, torch)
    else:
        notes.fact("Graphics", "NVIDIA GPU", "none found")


def _look_at_nvidia(notes: EnvironmentNotes, nvidia: NvidiaState, torch: TorchState) -> None:
    if nvidia.trouble or not nvidia.driver:
        said = f" nvidia-smi says: {without_names(nvidia.trouble)}" if nvidia.trouble else ""
        notes.finding(
            "gpu-driver-missing",
            Severity.WARNING,
            f"There is an NVIDIA GPU, but its driver does not work.{said}",
            _ONLY_DEEP,
            "Install NVIDIA's driver for this card, restart, and check again.",
        )
        return
    if torch.version is None:
        notes.finding(
            "gpu-without-torch",
            Severity.NOTE,
            "There is an NVIDIA GPU that nothing uses: torch is not installed.",
            "Deep models need torch. The built-in models need neither.",
            "Install torch when you want to run deep models.",
            Repair.INSTALL_TORCH,
            ("torch>=2.4",),
        )
        return
    if torch.cuda == "":
        notes.finding(
            "gpu-torch-cpu-only",
            Severity.WARNING,
            f"The NVIDIA GPU is not used: torch {torch.version} was built for the processor only.",
            _ONLY_DEEP,
            "Install torch again, in the build for CUDA that fits the driver.",
            Repair.REINSTALL_TORCH,
        )
        return
    if _driver_is_too_old(notes, nvidia, torch):
        return
    _look_at_trial(notes, torch)
    _look_at_free_memory(notes, nvidia)


def _driver_is_too_old(notes: EnvironmentNotes, nvidia: NvidiaState, torch: TorchState) -> bool:
    minimum = load_resource("environment/limits.json")["nvidia_drivers"]["minimum_by_cuda_major"]
    needed = minimum.get((torch.cuda or "").split(".")[0])
    branch = nvidia.driver_branch
    if needed is None or branch is None or branch >= needed:
        return False
    notes.finding(
        "gpu-driver-too-old",
        Severity.WARNING,
        f"The NVIDIA GPU is not used: torch {torch.version} is made for CUDA {torch.cuda}, which needs driver {needed} "
        f"or newer; this is {nvidia.driver}.",
        _ONLY_DEEP,
        "Update NVIDIA's driver, restart, and check again. Or install a torch for the older CUDA.",
    )
    return True


def _look_at_trial(notes: EnvironmentNotes, torch: TorchState) -> None:
    trial = torch.trial
    if trial is None or trial.outcome != "works":
        return
    answer = trial.answer
    error = answer.get("gpu_error", "")
    if answer.get("gpu_usable") and not error:
        return
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if hidden is not None and hidden.strip() in ("", "-1"):
        notes.finding(
            "gpu-hidden",
            Severity.WARNING,
            f"The NVIDIA GPU is hidden: CUDA_VISIBLE_DEVICES is '{hidden}'.",
            _ONLY_DEEP,
            "Remove this environment variable and start again.",
        )
        return
    reasons = [error, *answer.get("warnings", ())] if error else list(answer.get("warnings", ()))
    said = f" torch says: {without_names(reasons[0].splitlines()[0])[:300]}" if reasons and reasons[0] else ""
    notes.finding(
        "gpu-not-usable",
        Severity.WARNING,
        f"torch {torch.version} cannot use the NVIDIA GPU.{said}",
        _ONLY_DEEP,
        "Update NVIDIA's driver and restart. If it stays, install torch again: this build may not know the card.",
        Repair.REINSTALL_TORCH,
    )


def _look_at_free_memory(notes: EnvironmentNotes, nvidia: NvidiaState) -> None:
    needed = load_resource("environment/limits.json")["gpu_free_gb"]
    known = [gpu for gpu in nvidia.gpus if gpu.free_gb is not None]
    best = max(known, key=lambda gpu: gpu.free_gb or 0.0, default=None)
    if best is None or best.free_gb is None or best.free_gb >= needed:
        return
    small = best.total_gb is not None and best.total_gb < needed
    notes.finding(
        "gpu-memory",
        Severity.NOTE if small else Severity.WARNING,
        f"{best.name} has {best.free_gb:.1f} GB of memory free{'' if small else f' of {best.total_gb:.1f} GB'}.",
        "A deep model on a full volume may not fit.",
        "Expect smaller steps, or runs on the processor."
        if small
        else "Close what uses the card: other runs, other programs.",
    )


def _look_at_apple(notes: EnvironmentNotes, torch: TorchState) -> None:
    mps = (torch.trial.answer.get("mps") if torch.trial else None) or {}
    notes.fact("Graphics", "Apple GPU (MPS)", "usable" if mps.get("usable") else "not used")
    if platform.machine() == "arm64" and torch.trial and torch.trial.outcome == "works" and not mps.get("usable"):
        why = "this torch was built without it" if not mps.get("built") else "this macOS is too old for it"
        notes.finding(
            "gpu-apple",
            Severity.WARNING,
            f"The GPU of this Mac is not used: {why}.",
            _ONLY_DEEP,
            "Update macOS and torch." if mps.get("built") else "Install torch again.",
            None if mps.get("built") else Repair.REINSTALL_TORCH,
        )
