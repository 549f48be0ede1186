"""The texts of a report in its language, and what other parts say, said in that language."""

from __future__ import annotations

from typing import Any

from AIImagingLogic.records.errors import AIImagingError
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.report.phrases import said_in_chinese

LANGUAGES: tuple[str, ...] = ("en", "zh")


class LanguageError(AIImagingError):
    """A language that the reports do not have."""

    exit_code = 2


class Texts:
    """The texts of one language.

    Parameters
    ----------
    language : ``en`` or ``zh`` (simplified Chinese)

    Raises
    ------
    LanguageError
        The reports do not have that language.
    """

    def __init__(self, language: str) -> None:
        if language not in LANGUAGES:
            raise LanguageError(f"Reports do not have the language '{language}'.", f"Use {' or '.join(LANGUAGES)}.")
        self.language = language
        self._table: dict[str, dict[str, str]] = load_resource("report/texts.json")["texts"]

    def __call__(self, key: str, **values: Any) -> str:
        """Return the text `key` of Resources/report/texts.json with its values filled in."""
        return self._table[key][self.language].format(**values)

    def said(self, text: str) -> str:
        """Return what another part of the program says in English, in this language; as it is where no words fit."""
        return self.known(text) or text

    def known(self, text: str) -> str | None:
        """Return what another part says, in this language; None where the table of phrases does not have it."""
        return text if self.language == "en" else said_in_chinese(text)
