"""A result that is worked on: corrected, undone, its targets chosen, signed off. All of it is kept with the table."""

import json
from datetime import datetime

from AIFollowUpLib.stored_result import show_pair, write_result

SIGNED_OFF = "AIImaging.SignedOff"


class KeptResult:
    """The timeline behind a change table.

    Every method changes the nodes of the result; `read_result` then says what the panel shows.

    Parameters
    ----------
    result : StoredResult
    """

    def __init__(self, result):
        self.table = result.table
        self._chart = result.chart
        self._pair = result.pair
        self._points = [result.points(index) for index in range(len(result.titles))]
        self._timeline = None

    @property
    def timeline(self):
        """The timeline as it is now.

        Raises
        ------
        SceneError
            The table holds none, or a transform of it was removed from the scene.
        """
        if self._timeline is None:
            from AIImagingLogic.scene.kept_timeline import kept_timeline

            self._timeline = kept_timeline(self.table)
        return self._timeline

    def compare(self, earlier, later):
        """Compare two other visits; they stay in order of time: the one that was not just chosen gives way.

        Parameters
        ----------
        earlier, later : indices; None for the one that was not chosen now
        """
        last = len(self._points) - 1
        if earlier is not None and earlier < last:
            self._pair = (earlier, max(self._pair[1], earlier + 1))
        elif later is not None and later > 0:
            self._pair = (min(self._pair[0], later - 1), later)
        show_pair(self.table, self.timeline, self._pair)

    def confirm_link(self, number):
        """The lesion of the later visit compared is the one of before."""
        from AIImagingLogic.followup.corrections import confirm_link

        self._correct(confirm_link(self.timeline, number, self._pair[1]))

    def break_link(self, number):
        """What the lesion shows at the later visit compared is another one than before."""
        from AIImagingLogic.followup.corrections import break_link

        self._correct(break_link(self.timeline, number, self._pair[1]))

    def join(self, number, other):
        """Two lesions are one."""
        from AIImagingLogic.followup.corrections import join_lesions

        self._correct(join_lesions(self.timeline, number, other))

    def not_a_lesion(self, number):
        """What the lesion shows is none."""
        from AIImagingLogic.followup.corrections import not_a_lesion

        self._correct(not_a_lesion(self.timeline, number))

    def mark_new(self, number):
        """What the lesion shows at the later visit compared is new there."""
        from AIImagingLogic.followup.corrections import mark_new

        self._correct(mark_new(self.timeline, number, self._pair[1]))

    def mark_resolved(self, number):
        """The lesion is gone at the later visit compared."""
        from AIImagingLogic.followup.corrections import mark_resolved

        self._correct(mark_resolved(self.timeline, number, self._pair[1]))

    def undo(self):
        """Take the last correction back."""
        from AIImagingLogic.followup.corrected_timeline import undo

        self._show(undo(self.timeline))

    def redo(self):
        """Apply the correction again that was taken back."""
        from AIImagingLogic.followup.corrected_timeline import redo

        self._show(redo(self.timeline))

    def set_role(self, number, role):
        """Let a lesion be ``target``, ``non-target`` or neither (empty)."""
        from AIImagingLogic.followup.criteria.target_choice import NON_TARGET, TARGET
        from AIImagingLogic.scene.target_sum_chart import keep_choice, sum_chart, target_choice

        choice = target_choice(self.table, self.timeline)
        targets, others = set(choice.targets) - {number}, set(choice.non_targets) - {number}
        {TARGET: targets, NON_TARGET: others}.get(role, set()).add(number)
        keep_choice(self.table, self.timeline, targets, others)
        write_result(self.table, self.timeline, self._pair)
        self.table.RemoveAttribute(SIGNED_OFF)
        if sum_chart(self.table) is not None:
            self.sum_chart()

    def sum_chart(self):
        """Return the chart of the sum of diameters, up to date."""
        from AIImagingLogic.scene.target_sum_chart import show_sums

        return show_sums(self.table, self.timeline)

    def sign_off(self, who, when=None):
        """Mark the change table as reviewed, by whom (may be empty) and when; return both as they are written."""
        text = (when or datetime.now().astimezone()).isoformat(timespec="seconds")
        self.table.SetAttribute(SIGNED_OFF, json.dumps({"who": who, "when": text}))
        return who, text

    def _correct(self, correction):
        from AIImagingLogic.followup.corrected_timeline import with_correction

        self._show(with_correction(self.timeline, correction))

    def _show(self, timeline):
        from AIImagingLogic.scene.corrected_results import show_corrected
        from AIImagingLogic.scene.target_sum_chart import sum_chart

        show_corrected(timeline, self.table, self._points, self._chart)
        write_result(self.table, timeline, self._pair)
        # What was signed was another table.
        self.table.RemoveAttribute(SIGNED_OFF)
        self._timeline = timeline
        if sum_chart(self.table) is not None:
            self.sum_chart()


def signed_off(table):
    """Return who (may be empty) signed a change table off and when, as ISO text; None when nobody did."""
    text = table.GetAttribute(SIGNED_OFF) if table is not None else None
    if not text:
        return None
    content = json.loads(text)
    return content["who"], content["when"]
