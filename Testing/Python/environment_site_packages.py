"""Makes folders of packages, whole and broken, as pip and interrupted pips leave them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from AIImagingLogic.inference.environment_report import EnvironmentFinding, EnvironmentReport


def add_package(
    folder: Path,
    name: str,
    version: str,
    code: str = "",
    requires: Sequence[str] = (),
    module: str | None = None,
    more_files: Sequence[str] = (),
) -> Path:
    """Write a whole package into `folder` and return its dist-info."""
    module = module or name.lower().replace("-", "_")
    files = {f"{module}/__init__.py": code, **dict.fromkeys(more_files, "")}
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    headers = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {requirement}" for requirement in requires)]
    (info / "METADATA").write_text("Metadata-Version: 2.1\n" + "\n".join(headers) + "\n\nText\n", encoding="utf-8")
    (info / "INSTALLER").write_text("pip\n", encoding="utf-8")
    listed = [*files, f"{info.name}/METADATA", f"{info.name}/RECORD", f"../../bin/{module}"]
    (info / "RECORD").write_text("".join(f"{path},,\n" for path in listed), encoding="utf-8")
    return info


def add_base_packages(folder: Path) -> None:
    """Write the packages that no task runs without."""
    versions = {"numpy": "2.4.6", "scipy": "1.17.1", "SimpleITK": "2.5.5", "pydicom": "3.0.2", "highdicom": "0.27.0"}
    for name, version in versions.items():
        add_package(folder, name, version, module=name)
    (folder / "scipy" / "ndimage.py").write_text("", encoding="utf-8")


def findings(report: EnvironmentReport, code: str) -> list[EnvironmentFinding]:
    """Return the findings of one code."""
    return [finding for finding in report.findings if finding.code == code]


def only(report: EnvironmentReport, code: str) -> EnvironmentFinding:
    """Return the one finding of that code."""
    found = findings(report, code)
    assert len(found) == 1, [finding.what for finding in report.findings]
    return found[0]
