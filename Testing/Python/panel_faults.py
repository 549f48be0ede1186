"""The fault list: what can go wrong around a run of a panel, and what must come of it. The same for every task module.

`FAULTS` names the scenarios; each takes a `PanelSetting` and asserts its outcome. On failure the scene is node by node
as it was. Nothing is mocked: the panel runs in the test host, its jobs in the worker of a real service
(`held_jobs.GatedService`), whose gate only chooses the moment.
"""

from __future__ import annotations

from collections.abc import Callable

import panel_faults_during_a_run as during_a_run
import panel_faults_of_inputs as of_inputs
import panel_faults_of_the_disk as of_the_disk
from panel_setting import PanelSetting

FAULTS: dict[str, Callable[[PanelSetting], None]] = {
    scenario.__name__: scenario
    for scenario in (
        during_a_run.scene_closed_during_a_run,
        during_a_run.input_deleted_during_a_run,
        during_a_run.input_edited_during_a_run,
        during_a_run.output_renamed_then_run_again,
        of_the_disk.recovery_folder_cannot_be_written,
        of_the_disk.disk_full_while_a_result_is_kept,
        of_the_disk.shared_memory_and_disk_full,
        during_a_run.worker_killed,
        during_a_run.cancelled,
        during_a_run.application_closes_during_a_run,
        during_a_run.application_closes_with_a_finished_result,
        during_a_run.two_runs_side_by_side,
        during_a_run.same_volume_twice_from_python,
        of_inputs.nothing_chosen,
        of_inputs.labelmap,
        of_inputs.vector_volume,
        of_inputs.empty_volume,
        of_inputs.non_linear_parent,
        of_inputs.linear_parent,
        of_inputs.oblique_volume,
    )
}
