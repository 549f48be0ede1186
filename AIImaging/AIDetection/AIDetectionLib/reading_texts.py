"""What the section of reader studies says: what is asked of the reader now, and the list of marks."""

from AIImagingLib.findings_table import TableColumn, TableRow
from slicer.i18n import tr as _


def mark_columns():
    """Return the columns of the list of marks, without the last one, which is what was said."""
    return [
        TableColumn(_("Mark"), _("Name of the mark, as in the views")),
        TableColumn(_("AI score"), _("How sure the AI is, 0 to 1; empty for your own marks"), 2, 0.99),
        TableColumn(_("Your score"), _("How sure you are, 0 to 100"), 0),
    ]


def said_column():
    """Return the column of what was said."""
    return TableColumn(_("State"), _("Your own marks; and what you said of the AI's"))


def said_texts():
    """Return what is shown for each state."""
    return {
        "own": _("yours"),
        "locked": _("yours, locked"),
        "undecided": _("AI: accept or refuse"),
        "accepted": _("AI, accepted"),
        "refused": _("AI, refused"),
    }


def mark_rows(state):
    """Return a TableRow for each mark of a case, the reader's own first."""
    rows = []
    for mark in state.marks.values():
        if not mark.accepted:
            rows.append(TableRow(mark.mark, (mark.mark, "", mark.score)))
    for shown in state.shown or ():
        own = state.marks.get(shown.mark)
        rows.append(TableRow(shown.mark, (shown.mark, shown.score, "" if own is None else own.score)))
    return rows


def mark_states(state):
    """Return the state of each mark by its name."""
    own = {name: "locked" if name in state.fixed else "own" for name, mark in state.marks.items() if not mark.accepted}
    return {**own, **{shown.mark: _said(state, shown.mark) for shown in state.shown or ()}}


def asked(recorder):
    """Return what the reader is to do now."""
    done, total, turn = len(recorder.finished), len(recorder.order.cases), recorder.next
    if recorder.state is None:
        if turn is None:
            return _("All {total} cases are read. Thank you.").format(total=total)
        begins = recorder.may_begin
        if begins is not None:
            return _("Session {session} may begin on {day}.").format(
                session=turn.session, day=begins.strftime("%Y-%m-%d %H:%M")
            )
        return _("{done} of {total} cases are read. Press Next case.").format(done=done, total=total)
    state = recorder.state
    first = _("Case {number} of {total}, {mode}.").format(number=done + 1, total=total, mode=_mode(state))
    if not state.running:
        return " ".join((first, _("Paused: press Go on.")))
    return " ".join((first, *_steps(recorder.study, state)))


def _steps(study, state):
    if state.locked is not None:
        yield _("Accept or refuse each AI mark; add what you now see.")
    else:
        yield study.question
        if state.shown:
            yield _("Accept or refuse each AI mark.")
    if state.undecided:
        yield _("To decide: {marks}.").format(marks=", ".join(state.undecided))
    if state.unrated:
        yield _("No score yet: {marks}.").format(marks=", ".join(state.unrated))
    if state.undecided or state.unrated:
        return
    if state.mode.shows_ai and not state.may_show_ai:
        yield _("Then lock your reading; the AI marks come after it.")
    else:
        yield _("Then finish.")


def _mode(state):
    if state.mode.value == "second-reader":
        return _("second reader, alone") if state.locked is None else _("second reader, with AI")
    return {"unaided": _("unaided"), "concurrent": _("with AI")}[state.mode.value]


def _said(state, name):
    if name in state.marks:
        return "accepted"
    return "refused" if name in state.refused else "undecided"
