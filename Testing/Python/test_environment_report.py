"""The report as a whole: honest about this machine, silent about who uses it, cheap to get."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from AIImagingLogic.cli import main
from AIImagingLogic.inference import environment_machine
from AIImagingLogic.inference.environment import examine
from AIImagingLogic.inference.environment_memory import _linux
from AIImagingLogic.inference.environment_names import without_names
from AIImagingLogic.inference.environment_report import (
    EnvironmentFact,
    EnvironmentFinding,
    EnvironmentReport,
    Repair,
    Severity,
)
from AIImagingLogic.inference.environment_text import shareable_text


def test_packages_that_run_these_tests_are_found_sound() -> None:
    report = examine()
    machine = {"memory-in-use", "little-memory", "disk-full", "install-folder"}
    found = [item.what for item in report.findings if item.severity is not Severity.NOTE and item.code not in machine]
    assert [what for what in found if "GPU" not in what] == []
    assert EnvironmentReport.from_json(report.to_json()) == report


def test_an_examination_imports_none_of_what_it_examines() -> None:
    code = (
        "import sys\n"
        "from AIImagingLogic.inference.environment import examine\n"
        "examine()\n"
        "heavy = {'numpy', 'scipy', 'SimpleITK', 'torch', 'monai', 'matplotlib', 'pydicom', 'highdicom'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cannot open /home/anna.berg/Slicer/lib/libc10.so", "cannot open ~/Slicer/lib/libc10.so"),
        (r"DLL at C:\Users\Anna\AppData\torch", r"DLL at ~\AppData\torch"),
        ("in '/Users/anna/Library/Caches'", "in '~/Library/Caches'"),
        ("/usr/lib/python3", "/usr/lib/python3"),
    ],
)
def test_folders_of_people_are_shortened(text: str, shown: str) -> None:
    assert without_names(text) == shown


def test_own_home_and_name_are_hidden_wherever_they_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/srv/people/jdoe"))
    monkeypatch.setattr("getpass.getuser", lambda: "jdoe")
    assert without_names("/srv/people/jdoe/x and /scratch/jdoe/y, jdoe-like") == "~/x and /scratch/USER/y, jdoe-like"


def test_text_to_share_has_every_finding_and_no_name() -> None:
    finding = EnvironmentFinding(
        "leftovers", Severity.WARNING, "Left in /home/anna/x.", "Why.", "Delete.", Repair.REMOVE_LEFTOVERS, ("~x",)
    )
    fact = EnvironmentFact("Python", "Packages are installed in", "/home/anna/site-packages")
    text = shareable_text(EnvironmentReport(datetime.now(UTC), "3D Slicer", False, (fact,), (finding,)))
    assert "[warning] Left in ~/x." in text and "What to do: Delete." in text
    assert "0 problems, 1 warning." in text
    assert "anna" not in text


def test_address_of_a_proxy_is_not_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://anna:secret@proxy.example:3128")
    report = examine(probe=False, folders=[tmp_path])
    assert any(fact.name == "Proxies set" and "HTTPS_PROXY" in fact.value for fact in report.facts)
    assert "secret" not in str(report.to_json())


@pytest.mark.parametrize(
    "files",
    [
        {
            "proc/self/cgroup": "0::/job\n",
            "sys/fs/cgroup/job/memory.max": "max\n",
            "sys/fs/cgroup/memory.max": "4000000000\n",
            "sys/fs/cgroup/memory.current": "3000000000\n",
            "sys/fs/cgroup/memory.stat": "anon 1\ninactive_file 500000000\n",
        },
        {
            "proc/self/cgroup": "4:memory:/job\n0::/\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "4000000000\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": "3000000000\n",
            "sys/fs/cgroup/memory/memory.stat": "total_inactive_file 500000000\n",
        },
    ],
    ids=["version 2", "version 1"],
)
def test_limit_of_the_container_is_the_memory_there_is(files: dict[str, str], tmp_path: Path) -> None:
    files["proc/meminfo"] = "MemTotal: 16000000 kB\nMemFree: 1 kB\nMemAvailable: 12000000 kB\nHugePages_Total: 0\n"
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="ascii")
    memory = _linux(tmp_path)
    assert (memory.total_gb, memory.available_gb, memory.limited) == (4.0, 1.5, True)


def test_share_of_the_processor_limits_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment_machine, "_words", lambda path: ["50000", "100000"] if "cpu.max" in path else [])
    assert environment_machine.usable_cores() == 0.5


def test_command_line_prints_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--no-trial"]) == 0
    printed = capsys.readouterr().out
    assert "numpy: " in printed and "Packages were not loaded for trial." in printed
