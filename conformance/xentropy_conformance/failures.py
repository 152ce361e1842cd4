"""Failures as the page shows them: one for each kind, which is a target, a function and what the cases are about.

A bug shows in four dtypes, three reductions and five modes. It is one failure with one example.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import known
from .known import News
from .known.reasons import UNEXPLAINED
from .libraries.base import literal
from .report import Report, rule_order
from .reproduce import parts, reproduce, truth
from .run import DISAGREES, Outcome
from .targets import find
from .vectors import Array, Case

NUMBERS = 60  # of an array that are shown
DTYPES = ("float64", "float32", "bfloat16", "float16")


def as_data(
    reports: Sequence[Report], cases: dict[str, Case], news: Sequence[News], libraries: dict[str, str | None]
) -> dict[str, Any]:
    """What the script of the page reads."""
    fresh = {id(each.report): set(each.new) for each in news}
    groups: dict[tuple[str, str, str, str], list[tuple[int, Outcome]]] = {}
    for i, report in enumerate(reports):
        for outcome in report.failures:
            case = cases[outcome.id]
            groups.setdefault((report.target, case.rule, case.function, case.about), []).append((i, outcome))
    ordered = sorted(groups.items(), key=lambda item: (rule_order(item[0][1]), item[0][2:], item[0][0]))
    whys = {report.target: reasons(reports, report.target) for report in reports}
    found, used = [], {}
    for (target, rule, function, about), group in ordered:
        i, outcome = example(group, cases)
        report, case = reports[i], cases[outcome.id]
        used[case.id] = inputs(case)
        why, issues = whys[target].get((report.setting, outcome.id), ("", []))
        ids = sorted({o.id for _, o in group})
        found.append(
            {
                "target": target, "rule": rule, "function": function, "about": about, "case": case.id, "ids": ids,
                "status": outcome.status, "text": outcome.text, "shown": i,
                "settings": list(dict.fromkeys(k for k, _ in group)),
                "dtypes": [d for d in DTYPES if any(cases[c].dtype == d for c in ids)],
                "news": any(o.id in fresh.get(id(reports[k]), ()) for k, o in group),
                "why": why, "issues": issues, "reports": [name for name in case.reports if name not in issues],
                "parts": [wrong_part(case, part) for part in outcome.parts if not part.agrees],
                "code": script(report, case, outcome, libraries.get(target)),
            }
        )  # fmt: skip
    settings = [{"name": r.setting, "library": r.library, "mode": r.mode, "target": r.target} for r in reports]
    return {"settings": settings, "failures": found, "cases": used}


def example(group: Sequence[tuple[int, Outcome]], cases: dict[str, Case]) -> tuple[int, Outcome]:
    """The failure to show: a wrong number rather than an exception, in float32, in the first setting."""

    def rank(item: tuple[int, Outcome]) -> tuple[bool, bool, int, str]:
        i, outcome = item
        return outcome.status != DISAGREES, cases[outcome.id].dtype != "float32", i, outcome.id

    return min(group, key=rank)


def reasons(reports: Sequence[Report], target: str) -> dict[tuple[str, str], tuple[str, list[str]]]:
    """What is known of each failure: a sentence, and the numbers of issues."""
    data = known.read(target)
    if data is None:
        return {}
    listed = data.get("reasons", {})
    out = {}
    for report in reports:
        if report.target == target:
            for case, reason in known.expand(data, report.setting).items():
                if reason != UNEXPLAINED:
                    out[report.setting, case] = (listed[reason]["about"], listed[reason]["issues"])
    return out


def script(report: Report, case: Case, outcome: Outcome, library: str | None) -> str:
    target = find(report.target, library)
    [setting] = [each for each in target.settings if each.name == report.setting]
    return reproduce(target, setting, case, outcome)


def inputs(case: Case) -> dict[str, Any]:
    def shown(x: Array) -> dict[str, Any]:
        text = literal(x)
        return {
            "dtype": x.dtype,
            "shape": list(x.values.shape),
            "text": text if len(text) < 1200 else f"{text[:1200]} ...",
        }

    return {"inputs": {name: shown(x) for name, x in case.inputs.items()}, "options": dict(case.options)}


def wrong_part(case: Case, part: Any) -> dict[str, Any]:
    if part.complaint:
        return {"name": part.name, "complaint": part.complaint}
    expected = dict(parts(case))[part.name]
    errors = ["inf" if b == float("inf") else float(f"{b:.3g}") for b in part.bars]
    return {
        "name": part.name, "complaint": "", "shape": list(expected.shape), "expected": truth(expected)[:NUMBERS],
        "given": part.given[:NUMBERS], "bars": errors[:NUMBERS],
    }  # fmt: skip
