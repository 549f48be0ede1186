"""What must come of a run of a panel when there is no room, or no leave, to write."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from panel_setting import PanelSetting


def recovery_folder_cannot_be_written(setting: PanelSetting) -> None:
    folder = Path(os.environ["AIIMAGING_RECOVERY_FOLDER"])
    folder.write_text("A file where the folder should be.")
    run = setting.start_and_hold()
    setting.scene.RemoveNode(setting.inputs[0])
    before = setting.snapshot()
    setting.finish(run)
    from AIImagingLogic.records.errors import OutputError

    assert isinstance(run.error, OutputError) and run.kept_at is None
    assert "was removed" in setting.status and "could not be kept" in setting.status
    assert setting.snapshot() == before and folder.is_file()


def disk_full_while_a_result_is_kept(setting: PanelSetting) -> None:
    run = setting.start_and_hold()
    setting.scene.RemoveNode(setting.inputs[0])
    before = setting.snapshot()
    with _full_disk("AIImagingLogic.records.json_form", "save_record"):
        setting.finish(run)
    assert "The disk is full" in setting.status and run.kept_at is None
    assert setting.snapshot() == before
    assert list(Path(os.environ["AIIMAGING_RECOVERY_FOLDER"]).iterdir()) == []


def shared_memory_and_disk_full(setting: PanelSetting) -> None:
    before = setting.snapshot()
    with _full_disk("AIImagingLogic.jobs.shared_buffer", "SharedBuffer.write"):
        run = setting.finish(setting.start())
    assert "no space to hand over" in setting.status and len(setting.errors) == 1
    assert run.nodes is None and setting.snapshot() == before
    setting.run()


@contextlib.contextmanager
def _full_disk(module: str, name: str) -> Iterator[None]:
    """Let a function of this process fail as it does when the system has no space left."""

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{module}.{name}", full)
        yield
