"""An output folder appears whole or not at all, and never in the place of what should stay."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from AIImagingLogic.cli.output_folder import whole_folder
from AIImagingLogic.records.errors import OutputError


def entries(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["out", "胸部 CT (1)", "deeper/er/out"])
def test_a_folder_appears_with_all_that_was_written(tmp_path: Path, name: str) -> None:
    with whole_folder(tmp_path / name, overwrite=False) as temporary:
        (temporary / "result.json").write_text("new")
        assert not (tmp_path / name).exists()
    assert entries(tmp_path) == {f"{name}/result.json": "new"}


def test_a_run_that_fails_leaves_an_earlier_result_as_it_was(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "result.json").write_text("old")
    with pytest.raises(OutputError, match="not empty"), whole_folder(out, overwrite=False):
        raise AssertionError("It must not begin.")
    with pytest.raises(ValueError, match="broken"), whole_folder(out, overwrite=True) as temporary:
        (temporary / "result.json").write_text("half")
        raise ValueError("broken")
    assert entries(tmp_path) == {"out/result.json": "old"}
    with whole_folder(out, overwrite=True) as temporary:
        (temporary / "result.json").write_text("new")
    assert entries(tmp_path) == {"out/result.json": "new"}


@pytest.mark.parametrize("name", ["result.json", None], ids=["with a result", "empty"])
def test_a_folder_that_may_not_be_written_to_is_refused_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str | None
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    if name:
        (out / name).write_text("old")
    write = Path.write_bytes

    def refused(path: Path, data: bytes) -> int:
        # As the system answers without leave to write; who runs the tests may have leave to write anywhere.
        if path.parent == out:
            raise PermissionError(errno.EACCES, "Permission denied")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", refused)
    with pytest.raises(OutputError, match=r"out': Permission denied"), whole_folder(out, overwrite=True):
        raise AssertionError("It must not begin.")
    assert entries(tmp_path) == ({f"out/{name}": "old"} if name else {})
