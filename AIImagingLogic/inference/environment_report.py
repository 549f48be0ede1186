"""What an examination of the environment says: facts, and findings with what to do about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from AIImagingLogic.records.json_form import Record


class Severity(StrEnum):
    """How much a finding matters."""

    PROBLEM = "problem"
    """Something that is installed or needed does not work."""
    WARNING = "warning"
    """It works, but slower or less safely than it could."""
    NOTE = "note"
    """Nothing is wrong; good to know."""


class Repair(StrEnum):
    """What can be done about a finding on the user's click."""

    INSTALL = "install"
    """Install the requirements in `targets`."""
    REINSTALL = "reinstall"
    """Install the packages in `targets` again, although they seem to be there."""
    INSTALL_TORCH = "install-torch"
    """Install torch; in Slicer through the PyTorch extension."""
    REINSTALL_TORCH = "reinstall-torch"
    """Remove torch and torchvision and install them again; in Slicer through the PyTorch extension."""
    REMOVE_LEFTOVERS = "remove-leftovers"
    """Delete what broken installations left behind."""


@dataclass(frozen=True)
class EnvironmentFact(Record):
    """A thing that is so, such as ('Computer', 'Memory', '16.0 GB')."""

    topic: str
    name: str
    value: str


@dataclass(frozen=True)
class EnvironmentFinding(Record):
    """A thing to know or to mend.

    Attributes
    ----------
    code : such as ``half-installed``; stays the same from version to version
    severity : how much it matters
    what : what was found, one sentence
    why : why it matters, one or two sentences
    advice : what to do; empty when there is nothing to do
    repair : what can be done on a click, None when nothing can
    targets : requirements or packages that the repair is about
    """

    code: str
    severity: Severity
    what: str
    why: str
    advice: str
    repair: Repair | None = None
    targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class EnvironmentReport(Record):
    """What was found on this computer. Holds no user name: paths are shortened before they get here.

    Attributes
    ----------
    created : when
    host : ``3D Slicer`` or ``Python``
    probed : whether packages were loaded for trial, in processes of their own
    facts, findings : the worst finding first
    """

    created: datetime
    host: str
    probed: bool
    facts: tuple[EnvironmentFact, ...]
    findings: tuple[EnvironmentFinding, ...]

    @property
    def summary(self) -> str:
        """One sentence: how many problems and warnings there are."""
        problems = sum(finding.severity is Severity.PROBLEM for finding in self.findings)
        warnings = sum(finding.severity is Severity.WARNING for finding in self.findings)
        if not problems and not warnings:
            return "No problems found."
        return f"{_count(problems, 'problem')}, {_count(warnings, 'warning')}."


@dataclass
class EnvironmentNotes:
    """Collects facts and findings while the parts of an examination look around."""

    facts: list[EnvironmentFact] = field(default_factory=list)
    findings: list[EnvironmentFinding] = field(default_factory=list)

    def fact(self, topic: str, name: str, value: str) -> None:
        """Add a fact."""
        self.facts.append(EnvironmentFact(topic, name, value))

    def finding(
        self,
        code: str,
        severity: Severity,
        what: str,
        why: str,
        advice: str = "",
        repair: Repair | None = None,
        targets: tuple[str, ...] = (),
    ) -> None:
        """Add a finding."""
        self.findings.append(EnvironmentFinding(code, severity, what, why, advice, repair, targets))

    def report(self, host: str, probed: bool) -> EnvironmentReport:
        """Return all that was collected, the worst first."""
        order = list(Severity)
        findings = sorted(self.findings, key=lambda finding: order.index(finding.severity))
        return EnvironmentReport(datetime.now(UTC), host, probed, tuple(self.facts), tuple(findings))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
