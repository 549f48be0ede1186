"""Messages, questions and file dialogs: recorded, and answered by the test, never shown and never waited for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6 import QtWidgets

_KINDS = {logging.ERROR: "error", logging.WARNING: "warning", logging.INFO: "info"}
_BUTTON = QtWidgets.QMessageBox.StandardButton


@dataclass(frozen=True)
class Message:
    """What was shown to the user.

    Attributes
    ----------
    kind : error, warning, info, question, or the Qt call that asked (QFileDialog.getSaveFileName, QDialog.exec, ...)
    text, title : as shown
    detail : the text behind "Show details", empty without
    """

    kind: str
    text: str
    title: str = ""
    detail: str = ""


class Messages(list[Message]):
    """All messages so far, oldest first, and the answers that the test has prepared."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Any] = []

    def answer(self, *answers: Any) -> None:
        """Prepare answers to the next questions, in their order: a bool, a text, a path, or an int for a dialog."""
        self.answers.extend(answers)

    def texts(self, kind: str | None = None) -> list[str]:
        """Return the texts of one kind, or of all."""
        return [message.text for message in self if kind is None or message.kind == kind]

    def next_answer(self, otherwise: Any) -> Any:
        """Return the prepared answer, or `otherwise`: what a user who closes the window would answer."""
        return self.answers.pop(0) if self.answers else otherwise

    def display(self, level: int, text: str, testing: Any, mainWindowNeeded: bool = False, **named: Any) -> Any:
        """Take the place of what `slicer.util.errorDisplay` and its like end in."""
        question = not mainWindowNeeded
        kind = "question" if question else _KINDS.get(level, "info")
        self.append(Message(kind, text, named.get("windowTitle") or "", named.get("detailedText") or ""))
        logging.log(level, text)
        if not question:
            return None
        agreed = self.next_answer(False)
        buttons = int(named.get("standardButtons") or 0)
        yes = next((b for b in (_BUTTON.Ok, _BUTTON.Yes, _BUTTON.Retry) if buttons & b.value), _BUTTON.Ok)
        no = next((b for b in (_BUTTON.Cancel, _BUTTON.No, _BUTTON.Close) if buttons & b.value), _BUTTON.Cancel)
        return (yes if agreed is True else no).value if isinstance(agreed, bool) else agreed

    def box(self, text: str, parent: Any = None, **named: Any) -> Any:
        """Take the place of `slicer.util.messageBox`."""
        return self.display(logging.INFO, text, None, **named)

    def intercepts(self) -> dict[str, Callable[..., Any]]:
        """Return what answers in place of Qt's own dialogs."""

        def execute(target: Any, *_: Any) -> Any:
            text = target.text() if isinstance(target, QtWidgets.QMessageBox) else target.windowTitle()
            self.append(Message("QDialog.exec", text, target.windowTitle()))
            return self.next_answer(0)

        def menu(target: Any, *_: Any) -> Any:
            texts = [action.text() for action in target.actions()]
            self.append(Message("QMenu.exec", "|".join(texts)))
            chosen = self.next_answer(None)
            action = next((action for action in target.actions() if action.text() == chosen), None)
            if action is not None:
                action.trigger()
            return action

        def asks(name: str, otherwise: Any) -> Callable[..., Any]:
            def ask(target: Any, *arguments: Any) -> Any:
                texts = [value for value in arguments if isinstance(value, str)]
                self.append(Message(name, texts[1] if len(texts) > 1 else "".join(texts), texts[0] if texts else ""))
                return self.next_answer(otherwise)

            return ask

        held = {"QDialog.exec": execute, "QMessageBox.exec": execute, "QMenu.exec": menu, "QMenu.popup": menu}
        for name, otherwise in (
            ("QMessageBox.question", _BUTTON.No),
            ("QMessageBox.information", _BUTTON.Ok),
            ("QMessageBox.warning", _BUTTON.Ok),
            ("QMessageBox.critical", _BUTTON.Ok),
            ("QFileDialog.getOpenFileName", ""),
            ("QFileDialog.getOpenFileNames", ()),
            ("QFileDialog.getSaveFileName", ""),
            ("QFileDialog.getExistingDirectory", ""),
            ("QInputDialog.getText", ""),
            ("QDesktopServices.openUrl", True),
        ):
            held[name] = asks(name, otherwise)
        return held
