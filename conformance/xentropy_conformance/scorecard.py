"""A small report to keep: the scores of each target, and each of its deviations with one example.

Where a report for programs holds every case, this holds what a page about the peers shows.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import known
from .failures import example, script, wrong_part
from .known.reasons import UNEXPLAINED
from .report import Report, rule_order, score
from .report_json import finite
from .run import Outcome
from .vectors import Case

FORMAT = 1
SHOWN = 8  # numbers of an array


def as_data(reports: Sequence[Report], cases: dict[str, Case], semantics: str) -> dict[str, Any]:
    ran = [report for report in reports if not report.not_run]
    targets = list(dict.fromkeys(report.target for report in ran))
    python = f"Python {platform.python_version()}, {platform.system()} on {platform.machine()}"
    data: dict[str, Any] = finite({
        "format": FORMAT, "semantics": semantics, "cases": len(cases), "python": python,
        "reports": [summary(report, cases) for report in ran],
        "deviations": [one for target in targets for one in deviations(target, ran, cases)],
    })  # fmt: skip
    return data


def write(path: Path, reports: Sequence[Report], cases: dict[str, Case], semantics: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(as_data(reports, cases, semantics), indent=1, allow_nan=False) + "\n", "utf-8")


def summary(report: Report, cases: dict[str, Case]) -> dict[str, Any]:
    """How many cases came to what, over all and rule by rule."""
    rules = sorted({cases[outcome.id].rule for outcome in report.outcomes}, key=rule_order)
    counts = {rule: score(o for o in report.outcomes if cases[o.id].rule == rule) for rule in rules}
    whole = report.count()
    return {
        "target": report.target, "setting": report.setting, "versions": report.versions,
        "agrees": whole.agrees, "disagrees": whole.disagrees, "raises": whole.raises,
        "not_offered": whole.not_offered, "excused": report.excused, "left_out": report.left_out,
        "rules": {rule: f"{one.agrees}/{one.offered}" for rule, one in counts.items()},
    }  # fmt: skip


def deviations(target: str, reports: Sequence[Report], cases: dict[str, Case]) -> list[dict[str, Any]]:
    """One for each reason that is known of the target, those with most cases first."""
    data = known.read(target) or {"deviations": {}, "reasons": {}}
    found: dict[str, list[tuple[int, Outcome]]] = {}
    for i, report in enumerate(reports):
        if report.target == target:
            whys = known.expand(data, report.setting)
            for outcome in report.failures:
                found.setdefault(whys.get(outcome.id, UNEXPLAINED), []).append((i, outcome))
    out = []
    for reason, group in found.items():
        said = data["reasons"].get(reason, {"about": "not looked at yet", "issues": []})
        ids = {outcome.id for _, outcome in group}
        out.append({
            "target": target, "reason": reason, "about": said["about"], "issues": said["issues"], "count": len(ids),
            "settings": list(dict.fromkeys(reports[i].setting for i, _ in group)), "cases": known.pack(ids),
            "example": shown(reports, cases, group),
        })  # fmt: skip
    return sorted(out, key=lambda one: (-one["count"], one["reason"]))


def shown(reports: Sequence[Report], cases: dict[str, Case], group: Sequence[tuple[int, Outcome]]) -> dict[str, Any]:
    """The smallest case that shows it, with the script that repeats it."""
    small = min(sum(x.values.size for x in cases[outcome.id].inputs.values()) for _, outcome in group)
    few = [one for one in group if sum(x.values.size for x in cases[one[1].id].inputs.values()) <= 2 * small]
    i, outcome = example(few, cases)
    case = cases[outcome.id]
    parts = [wrong_part(case, part) for part in outcome.parts if not part.agrees]
    for part in parts:
        for key in part.keys() & {"expected", "given", "bars"}:
            part[key] = part[key][:SHOWN]
    return {
        "id": case.id, "rule": case.rule, "about": case.about, "setting": reports[i].setting, "text": outcome.text,
        "parts": parts, "code": script(reports[i], case, outcome, None), "reports": list(case.reports),
    }  # fmt: skip
