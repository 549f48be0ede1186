"""Packages that fail, hang or crash when they are loaded: the doctor says so and lives on."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from environment_site_packages import add_base_packages, add_package, findings, only

from AIImagingLogic.inference.environment import examine
from AIImagingLogic.inference.environment_report import EnvironmentReport, Repair, Severity
from AIImagingLogic.records.errors import Cancelled
from AIImagingLogic.records.progress import Progress

_GOOD_TORCH = """
print("welcome to torch")
__version__ = {version!r}
class _Tensor:
    def __add__(self, other): return self
    def numpy(self): return [2, 2]
    def sum(self): return self
    def item(self): return 8
def ones(*shape, device="cpu"): return _Tensor()
def tensor(values): return _Tensor()
class version: cuda = {cuda!r}; hip = None
class cuda:
    def is_available():
        import warnings
        if {warning!r}: warnings.warn({warning!r})
        return {usable}
    def device_count(): return 1
    def mem_get_info(index): return (20 * 2**30, 24 * 2**30)
    def get_device_name(index): return "NVIDIA Test"
"""


def _torch(version: str, cuda: str | None, usable: bool = False, warning: str = "") -> str:
    return _GOOD_TORCH.format(version=version, cuda=cuda, usable=usable, warning=warning)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    add_base_packages(folder)
    return folder


@pytest.fixture
def nvidia(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that puts an nvidia-smi with a given answer on the path."""
    if os.name == "nt":
        pytest.skip("the stand-in for nvidia-smi is a shell script")

    def put(answer: str, code: int = 0) -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        program = folder / "nvidia-smi"
        program.write_text(f"#!/bin/sh\necho '{answer}'\nexit {code}\n", encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    return put


def _examine(folder: Path, limit_s: float = 60) -> EnvironmentReport:
    before = "torch" in sys.modules
    report = examine(folders=[folder], import_limit_s=limit_s)
    assert ("torch" in sys.modules) == before  # it is loaded in another process
    return report


def test_torch_that_works_gives_no_problem_whatever_it_prints(site: Path) -> None:
    add_package(site, "torch", "2.13.0+cpu", _torch("2.13.0+cpu", None))
    report = _examine(site)
    assert [finding.what for finding in report.findings if finding.severity is Severity.PROBLEM] == []
    assert ("torch was built for", "processor only") in [(fact.name, fact.value) for fact in report.facts]


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (
            "raise OSError('libcudnn.so.9: cannot open shared object file: No such file or directory')",
            "library-missing",
            "libcudnn.so.9",
        ),
        ("raise ImportError(\"cannot import name '_C' from 'torch'\")", "mixed-files", "does not load"),
        ("raise ImportError('DLL load failed while importing _C')", "windows-runtime-missing", "DLL load failed"),
        (
            "try:\n    raise OSError('libopenblas.so: cannot open shared object file')\n"
            "except OSError as error:\n    raise ImportError('a page of advice') from error",
            "library-missing",
            "libopenblas.so",
        ),
        ("raise RuntimeError('something new')", "not-loadable", "something new"),
        ("import sys; sys.exit(3)", "not-loadable", "SystemExit: 3"),
        ("import os; os._exit(0)", "not-loadable", "ended with code 0"),
    ],
)
def test_reason_of_the_loader_is_told_in_plain_words(site: Path, code: str, kind: str, said: str) -> None:
    add_package(site, "torch", "2.13.0", f"print('noise')\n{code}\n")
    finding = only(_examine(site), kind)
    assert finding.severity is Severity.PROBLEM
    assert said in finding.what and "torch 2.13.0" in finding.what
    assert finding.why and finding.advice


@pytest.mark.skipif(os.name == "nt", reason="signals are told by number on Windows")
def test_crash_while_loading_names_its_signal(site: Path) -> None:
    add_package(site, "torch", "2.13.0", "import os\nos.abort()\n")
    finding = only(_examine(site), "not-loadable")
    assert "SIGABRT" in finding.what
    assert finding.repair is Repair.REINSTALL_TORCH


def test_package_that_never_ends_loading_is_ended(site: Path) -> None:
    add_package(site, "torch", "2.13.0", "import threading\nthreading.Event().wait()\n")
    add_package(site, "torchvision", "0.28.0")
    report = _examine(site, limit_s=2)
    assert "torch 2.13.0 hangs while it loads" in only(report, "hangs").what


def test_numpy_of_another_generation_is_told_from_other_failures(site: Path) -> None:
    reason = "numpy.dtype size changed, may indicate binary incompatibility. Expected 96 from C header, got 88"
    add_package(site, "scikit-learn", "1.6.0", f"raise ValueError({reason!r})", module="sklearn")
    finding = only(_examine(site), "numpy-abi")
    assert "Do not install an older numpy" in finding.advice
    assert finding.targets == ("scikit-learn>=1.5",)


def test_operators_that_torchvision_lacks_are_found_by_calling_one(site: Path) -> None:
    add_package(site, "torch", "2.13.0+cpu", _torch("2.13.0+cpu", None))
    code = "class ops:\n    def nms(*a): raise RuntimeError('operator torchvision::nms does not exist')\n"
    add_package(site, "torchvision", "0.28.0", code)
    finding = only(_examine(site), "torchvision-mismatch")
    assert finding.repair is Repair.REINSTALL_TORCH


def test_torch_for_the_processor_beside_an_nvidia_gpu_is_a_warning(site: Path, nvidia: Callable[..., None]) -> None:
    nvidia("NVIDIA RTX A5000, 580.95.05, 24564, 24000")
    add_package(site, "torch", "2.13.0+cpu", _torch("2.13.0+cpu", None))
    report = _examine(site)
    finding = only(report, "gpu-torch-cpu-only")
    assert finding.repair is Repair.REINSTALL_TORCH
    assert any("RTX A5000, 25.8 GB, 25.2 GB free, driver 580.95.05" in fact.value for fact in report.facts)


def test_torch_for_the_processor_is_known_by_its_files_when_it_does_not_load(
    site: Path, nvidia: Callable[..., None]
) -> None:
    nvidia("NVIDIA RTX A5000, 580.95.05, 24564, 24000")
    add_package(site, "torch", "2.13.0", "raise ImportError('broken')")
    (site / "torch" / "version.py").write_text("cuda: Optional[str] = None\n", encoding="utf-8")
    assert only(_examine(site), "gpu-torch-cpu-only")


def test_driver_too_old_for_the_cuda_of_torch_is_named_with_what_is_needed(
    site: Path, nvidia: Callable[..., None]
) -> None:
    nvidia("NVIDIA TITAN X, 470.256.02, 12288, 12000")
    add_package(site, "torch", "2.13.0", _torch("2.13.0", "12.8", warning="driver is too old"))
    finding = only(_examine(site), "gpu-driver-too-old")
    assert "needs driver 525 or newer; this is 470.256.02" in finding.what


def test_gpu_that_torch_cannot_use_is_told_with_torch_s_own_words(site: Path, nvidia: Callable[..., None]) -> None:
    nvidia("NVIDIA RTX A5000, 580.95.05, 24564, 24000")
    add_package(site, "torch", "2.13.0", _torch("2.13.0", "13.0", warning="CUDA unknown error"))
    assert "CUDA unknown error" in only(_examine(site), "gpu-not-usable").what


def test_gpu_whose_memory_is_taken_is_a_warning_and_a_free_one_is_not(site: Path, nvidia: Callable[..., None]) -> None:
    nvidia("NVIDIA RTX A5000, 580.95.05, 24564, 1500")
    add_package(site, "torch", "2.13.0", _torch("2.13.0", "13.0", usable=True))
    report = _examine(site)
    assert "1.6 GB of memory free of 25.8 GB" in only(report, "gpu-memory").what
    assert findings(report, "gpu-not-usable") == []


def test_driver_that_does_not_answer_is_told(site: Path, nvidia: Callable[..., None]) -> None:
    nvidia("Failed to initialize NVML: Driver/library version mismatch", code=18)
    assert "version mismatch" in only(_examine(site), "gpu-driver-missing").what


def test_cancel_during_a_trial_ends_it(site: Path) -> None:
    marker = site / "started"
    code = f"open({str(marker)!r}, 'w').close()\nimport threading\nthreading.Event().wait()\n"
    add_package(site, "torch", "2.13.0", code)
    with pytest.raises(Cancelled):
        examine(folders=[site], progress=Progress(is_cancelled=marker.exists))
