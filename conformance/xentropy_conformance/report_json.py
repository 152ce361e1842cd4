"""The report for programs: one JSON file, with the inputs of every case that somebody got wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .judge import ULP_PER_BAR
from .known import News
from .report import Report
from .vectors import Case

FORMAT = 1


def as_data(
    reports: Sequence[Report], cases: dict[str, Case], news: Sequence[News], semantics: str
) -> dict[str, Any]:
    """Numbers that JSON does not have are the strings "inf" and "nan"."""
    wrong = dict.fromkeys(outcome.id for report in reports for outcome in report.failures)
    out: dict[str, Any] = finite(
        {
            "format": FORMAT,
            "semantics": semantics,
            "unit": f"bars of {ULP_PER_BAR:g} eps * scale",
            "reports": [{**report.as_json(), "score": vars(report.count())} for report in reports],
            "news": [
                {"report": each.report.name, "new": each.new, "fixed": each.fixed, "unexplained": each.unexplained}
                for each in news
                if each
            ],
            "cases": {case: dict(cases[case].raw) for case in wrong},
        }
    )
    return out


def write(path: Path, data: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, allow_nan=False) + "\n", "utf-8")


def read(path: Path) -> list[Report]:
    """The reports of a file, to be shown again."""
    data = json.loads(path.read_text("utf-8"))
    if data.get("format") != FORMAT:
        raise ValueError(f"{path}: a report of format {data.get('format')}; this reads format {FORMAT}")
    out = []
    for report in data["reports"]:
        report = {key: x for key, x in report.items() if key != "score"}
        for outcome in report["outcomes"]:
            for part in outcome["parts"]:
                part["worst"], part["bars"] = float(part["worst"]), [float(x) for x in part["bars"]]
        out.append(Report.from_json(report))
    return out


def finite(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: finite(x) for key, x in data.items()}
    if isinstance(data, (list, tuple)):
        return [finite(x) for x in data]
    if isinstance(data, float) and not abs(data) < float("inf"):
        return str(data)
    return data
