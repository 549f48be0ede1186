"""A report on the environment as text that can be sent to somebody who helps."""

from __future__ import annotations

from itertools import groupby

from AIImagingLogic.inference.environment_names import without_names
from AIImagingLogic.inference.environment_report import EnvironmentFinding, EnvironmentReport


def shareable_text(report: EnvironmentReport) -> str:
    """Return the report as plain text. It names no user, no folder with a user's name, and no proxy's address."""
    lines = [f"AI Imaging: environment of {report.created:%Y-%m-%d %H:%M} UTC, in {report.host}", report.summary]
    if not report.probed:
        lines.append("Packages were not loaded for trial.")
    for finding in report.findings:
        lines += ["", *_finding_lines(finding)]
    for topic, facts in groupby(report.facts, key=lambda fact: fact.topic):
        lines += ["", topic, *(f"  {fact.name}: {fact.value}" for fact in facts)]
    return without_names("\n".join(lines) + "\n")


def _finding_lines(finding: EnvironmentFinding) -> list[str]:
    lines = [f"[{finding.severity.value}] {finding.what}", f"  {finding.why}"]
    return [*lines, f"  What to do: {finding.advice}"] if finding.advice else lines
