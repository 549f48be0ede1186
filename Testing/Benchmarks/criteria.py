"""Response and guideline criteria: every cell and boundary of the rules, and what must hold of any timeline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from Testing.Benchmarks.criteria_answers import answered_cases
from Testing.Benchmarks.criteria_contradictions import contradictions_of
from Testing.Benchmarks.reporting import Figures, run_as_command

TIMELINES = 10_000


def run(report: Callable[[str], None]) -> tuple[Figures, Mapping[str, Any]]:
    """Answer the cases and look for contradictions in random timelines."""
    cases = list(answered_cases())
    wrong = [case for case in cases if case.answer != case.expected]
    for case in wrong:
        report(f"{case.name}: expected {case.expected}, answered {case.answer}")
    by_rules = Counter(case.name.split()[0] for case in cases)
    report(", ".join(f"{name} {count}" for name, count in by_rules.items()))
    found: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    for seed in range(TIMELINES):
        broken, categories = contradictions_of(seed)
        found.update(broken)
        seen.update(categories)
        for name in broken:
            report(f"timeline {seed}: {name}")
    report(f"categories met: {dict(sorted(seen.items()))}")
    figures: Figures = {
        "right_share": (len(cases) - len(wrong)) / len(cases),
        "cases": len(cases),
        "contradictions": sum(found.values()),
        "timelines": TIMELINES,
        "categories_met": len(seen),
    }
    if wrong or found:
        figures["failed"] = [case.name for case in wrong] + list(found)
    return figures, {"cases_by_rules": dict(by_rules), "seeds": [0, TIMELINES - 1]}


if __name__ == "__main__":
    run_as_command("criteria", run)
