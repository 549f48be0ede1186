"""A panel in the test host, with a real service of its own whose gate only chooses the moment; for fixtures."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from held_jobs import STAGE, GatedService
from scene_snapshot import scene_snapshot

MODULES = Path(__file__).resolve().parents[2] / "AIImaging"


@dataclass(frozen=True)
class PanelModule:
    """A task module under test.

    Attributes
    ----------
    name : of the module, such as ``AISegmentation``
    selectors : names of its volume selectors, in the order of `process`'s arguments
    make_inputs : (scene, name) -> volume nodes, one a selector, on which a run takes seconds; (k, j, i) oblique grids
        are set by `oblique`
    process : (logic, volumes, wait) -> what the logic's `process` returns
    choose_model : chooses, in a panel that was just opened, what the run is to be done with
    """

    name: str
    selectors: tuple[str, ...]
    make_inputs: Callable[[Any, str], list[Any]]
    process: Callable[[Any, list[Any], bool], Any]
    choose_model: Callable[[Any], None] = lambda panel: None


class PanelSetting:
    """A panel with its inputs chosen, and the service that runs its jobs.

    Attributes
    ----------
    host, panel, scene, service : see their classes
    inputs : the chosen volumes
    """

    def __init__(self, host: Any, module: PanelModule, service: GatedService) -> None:
        self.host, self.module, self.service, self.scene = host, module, service, host.scene
        self.panel = host.open_module(MODULES / module.name)
        module.choose_model(self.panel)
        self.inputs = self.add_inputs("CT")
        self.choose(self.inputs)

    def add_inputs(self, name: str) -> list[Any]:
        """Add further inputs to the scene."""
        return self.module.make_inputs(self.scene, name)

    def choose(self, inputs: list[Any]) -> None:
        """Choose volumes in the panel."""
        for selector, node in zip(self.module.selectors, inputs):
            self.panel.choose(selector, node)

    def start(self) -> Any:
        """Click Apply and return the run."""
        before = {id(run) for run in self._runs()}
        self.panel.click("applyButton")
        (run,) = [run for run in self._runs() if id(run) not in before]
        return run

    def start_and_hold(self) -> Any:
        """Start a run; it is in the worker, and goes on when `finish` is called."""
        self.service.hold()
        run = self.start()
        self.host.process_events(until=lambda: run.finished or run.handle.stage == STAGE, timeout=60)
        assert not run.finished, run.outcome
        return run

    def finish(self, run: Any) -> Any:
        """Let a run go on until it has finished."""
        self.service.let_go()
        self.host.process_events(until=lambda: run.finished, timeout=120)
        return run

    def run(self) -> Any:
        """Run to the end, which must be good; return the run."""
        run = self.finish(self.start())
        assert run.error is None, run.outcome
        return run

    def process(self, inputs: list[Any], wait: bool = True) -> Any:
        """Run from Python, without the panel."""
        return self.module.process(self.panel.logic, inputs, wait)

    def snapshot(self) -> dict[str, Any]:
        """Return the scene but for the panel's own parameter node, which holds what is chosen."""
        found = scene_snapshot(self.scene)
        own = {node.GetID() for node in nodes_of(self.scene) if node.IsA("vtkMRMLScriptedModuleNode")}
        return {key: value for key, value in found.items() if key not in own}

    def new_nodes(self, before: dict[str, Any]) -> list[Any]:
        """Return the nodes with a name that came since a snapshot, without display and storage nodes."""
        nodes = [node for node in nodes_of(self.scene) if node.GetID() not in before]
        return [node for node in nodes if node.IsA("vtkMRMLDisplayableNode") or node.IsA("vtkMRMLTableNode")]

    @property
    def status(self) -> str:
        """What the panel says."""
        return str(self.panel.ui.statusLabel.text)

    @property
    def errors(self) -> list[str]:
        """The errors that were shown."""
        return list(self.host.messages.texts("error"))

    def _runs(self) -> list[Any]:
        return [run for run, _inputs in self.panel.widget._runs]


@contextlib.contextmanager
def panel_setting(module: PanelModule, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PanelSetting]:
    """Give a panel in a host of its own, with a service and a recovery folder of its own; for a fixture."""
    from AIImagingLogic.jobs import service as jobs_service
    from Testing.Host import running

    monkeypatch.setenv("AIIMAGING_RECOVERY_FOLDER", str(folder / "recovered"))
    service = GatedService(folder)
    monkeypatch.setattr(jobs_service, "shared_service", lambda: service)
    try:
        with running() as host:
            yield PanelSetting(host, module, service)
    finally:
        service.let_go()
        service.close()


def nodes_of(scene: Any) -> list[Any]:
    """Return all nodes of a scene."""
    return [scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())]
