"""Functions that the tests of the job service run in a worker."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.records.classification import Classification
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.errors import AIImagingError, GeometryError, WrongImageError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.provenance import Provenance
from AIImagingLogic.records.registration import Registration, RegistrationQuality
from AIImagingLogic.records.segmentation import Segment, Segmentation
from AIImagingLogic.records.timeline import Visit


class FarAwayError(WrongImageError):
    """An error of a class that the application does not know."""


def echo(**arguments: Any) -> dict[str, Any]:
    """Return plain arguments as they came."""
    return arguments


def echo_record(record: Any) -> Any:
    return record


def threshold(image: sitk.Image, above: float = 0.0, progress: Progress | None = None) -> Segmentation:
    began = time.perf_counter()
    voxels = sitk.GetArrayViewFromImage(image)
    label = sitk.GetImageFromArray((voxels > above).view(np.uint8))
    label.CopyInformation(image)
    organ = concept("lung-left")
    seconds = time.perf_counter() - began
    provenance = Provenance("test", (), (), {"seconds": str(seconds)}, {}, "CPU", datetime.now(UTC))
    return Segmentation(label, (Segment(1, "Left lung", organ, organ.colour),), provenance)


def with_infos(image: sitk.Image, info: ImageInfo, moving: sitk.Image, moving_info: ImageInfo) -> dict[str, Any]:
    return {"info": info.to_json(), "moving_info": moving_info.to_json(), "moving_size": list(moving.GetSize())}


def with_info_of_each(image: sitk.Image, more: Sequence[sitk.Image], more_infos: Sequence[ImageInfo]) -> dict[str, Any]:
    sizes = [list(each.GetSize()) for each in more]
    return {"sizes": sizes, "infos": [each.to_json() for each in more_infos]}


def same_image(image: sitk.Image) -> sitk.Image:
    return image


def visit(image: sitk.Image, info: ImageInfo, masked: Visit) -> Visit:
    return Visit("follow-up", info, threshold(image), masked.findings)


def registration(kind: str) -> Registration:
    """Return a registration whose transform has parts of every sort."""
    field = sitk.GetImageFromArray(np.random.default_rng(0).normal(size=(5, 6, 7, 3)), isVector=True)
    field.SetSpacing((1.5, 2.0, 2.5))
    field.SetOrigin((-3.0, 4.0, 5.0))
    transform: sitk.Transform = sitk.DisplacementFieldTransform(field)
    if kind == "composite":
        affine = sitk.AffineTransform([1.1, 0.1, 0, 0, 0.9, 0, 0.05, 0, 1], [1, 2, 3], [4, 5, 6])
        spline = sitk.BSplineTransformInitializer(sitk.Image(8, 9, 10, sitk.sitkUInt8), [2, 3, 4], 3)
        spline.SetParameters(np.random.default_rng(1).normal(size=spline.GetNumberOfParameters()).tolist())
        euler = sitk.Euler3DTransform((1, 2, 3), 0.1, 0.2, 0.3, (4, 5, 6))
        nothing = sitk.Transform(3, sitk.sitkIdentity)
        transform = sitk.CompositeTransform([affine, spline, euler, nothing, transform])
    quality = RegistrationQuality("correlation", 0.1, 0.9, 0.0, None)
    return Registration(transform, kind, quality)


def steps(count: int, seconds: float, folder: str = "", progress: Progress | None = None) -> dict[str, Any]:
    """Report `count` times; the order of the runs is left in `folder`."""
    assert progress is not None
    if folder:
        number = len(list(Path(folder).iterdir()))
        (Path(folder) / f"{number}-{count}").touch()
    with progress.stage("First half", 0.0, 0.5) as part:
        for index in range(count // 2):
            part.report(index / count, "First half")
            time.sleep(seconds)
    with progress.stage("Second half", 0.5, 1.0) as part:
        for index in range(count // 2, count):
            part.report(index / count, "Second half")
            time.sleep(seconds)
    return {"pid": os.getpid()}


def deaf_in_c(seconds: float, progress: Progress) -> None:
    """Hold the interpreter lock in C, so that no Python runs."""
    progress.report(0.1, "In C")
    ctypes.PyDLL(None).sleep(int(seconds))


def deaf_in_python(seconds: float, progress: Progress) -> None:
    """Never ask whether it is cancelled, and refuse to be terminated."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    progress.report(0.1, "In Python")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def fail(kind: str, image: sitk.Image | None = None) -> None:
    """Raise or die in the way asked for."""
    if kind == "geometry":
        raise GeometryError("Slices are missing.", "Load all of them.")
    if kind == "unknown class":
        raise FarAwayError("It is a photograph.", "Choose a CT.")
    if kind == "unexpected":
        raise ZeroDivisionError("by nothing")
    if kind == "no memory":
        np.zeros(1 << 60, np.uint8)
    if kind == "bad_alloc":
        raise RuntimeError("Exception thrown in SimpleITK: std::bad_alloc")
    if kind == "exit":
        sys.exit(3)
    if kind == "_exit":
        os._exit(7)
    if kind == "segfault":
        ctypes.string_at(0)
    if kind == "sigkill":
        os.kill(os.getpid(), signal.SIGKILL)
    raise AIImagingError("unreachable")


def chatter() -> dict[str, Any]:
    """Print in every way there is."""
    print("a stray line")  # noqa: T201
    os.write(1, b"\x00\x01\x02 raw bytes on standard output")
    subprocess.run(["echo", "from a child"], check=False)
    return {"read": sys.stdin.read()}


def child(seconds: float, progress: Progress) -> None:
    """Start a process of its own and tell its id."""
    process = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({seconds})"])
    progress.report(0.5, str(process.pid))
    process.wait()


def heat_map(image: sitk.Image) -> Classification:
    return Classification((concept("lung-left"),), (0.5,), 0.5, "none", sitk.Cast(image, sitk.sitkFloat32))


def unsendable() -> object:
    return object()
