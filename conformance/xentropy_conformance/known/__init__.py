"""What is known of the peers: which cases each of them gets wrong, and why.

`NAME.json` holds for a target the reasons, written by hand with the numbers of public issues, and for each setting
the ids of the cases that disagree, written by `--update-known`. A run is compared with it: a case that newly
disagrees, or that is right again, is news.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..report import Report
from ..run import AGREES
from ..vectors import Case
from .look import Look
from .reasons import REASONS, UNEXPLAINED, explain

HOME = Path(str(files(__package__)))


@dataclass
class News:
    """How a report differs from what is known of its target."""

    report: Report
    new: list[str] = field(default_factory=list)  # ids that disagree and were not known to
    fixed: list[str] = field(default_factory=list)  # ids that were known to disagree, and agree
    unexplained: list[str] = field(default_factory=list)  # reasons for "not offered" that nobody wrote down

    def __bool__(self) -> bool:
        return bool(self.new or self.fixed or self.unexplained)


def path(target: str, home: Path = HOME) -> Path:
    return home / f"{target}.json"


def read(target: str, home: Path = HOME) -> dict[str, Any] | None:
    """The known deviations of a target; None where nobody has looked."""
    file = path(target, home)
    if ":" in target or not file.exists():
        return None
    data: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return data


def expand(known: dict[str, Any], setting: str) -> dict[str, str]:
    """The reason of every known deviation of a setting, by the id of its case."""
    found: dict[str, str] = {}
    for reason, packed in known["deviations"].get(setting, {}).items():
        found |= dict.fromkeys(unpack(packed), reason)
    return found


def compare(report: Report, home: Path = HOME) -> News | None:
    """The news of a report; None where nothing is known of its target or it did not run."""
    known = read(report.target, home)
    if known is None or report.not_run:
        return None
    ids = expand(known, report.setting)
    failed = {outcome.id for outcome in report.failures}
    right = {outcome.id for outcome in report.outcomes if outcome.status == AGREES}
    news = News(report, sorted(failed - ids.keys()), sorted(right & ids.keys()))
    allowed = known.get("not_offered")
    if allowed is not None:
        news.unexplained = [reason for reason in report.reasons if not any(re.fullmatch(p, reason) for p in allowed)]
    return news


def update(reports: Iterable[Report], cases: dict[str, Case], home: Path = HOME) -> list[Path]:
    """Write down the deviations of these reports; what was not run stays as it is."""
    written = []
    by_target: dict[str, list[Report]] = {}
    for report in reports:
        if not report.not_run and ":" not in report.target:
            by_target.setdefault(report.target, []).append(report)
    for target, group in by_target.items():
        data = read(target, home) or {"target": target, "versions": {}, "deviations": {}}
        for report in group:
            data["versions"] |= report.versions
            ran = {outcome.id for outcome in report.offered}
            kept = {
                case: why for case, why in expand(data, report.setting).items() if case not in ran and case in cases
            }
            found = {o.id: explain(Look(target, report.setting, cases[o.id], o)) for o in report.failures}
            data["deviations"][report.setting] = packed_by_reason({**kept, **found})
        names = {reason for deviations in data["deviations"].values() for reason in deviations}
        data["reasons"] = described(target, names)
        order = ("target", "versions", "not_offered", "reasons", "deviations")
        path(target, home).write_text(json.dumps({k: data[k] for k in order if k in data}, indent=1) + "\n", "utf-8")
        written.append(path(target, home))
    return written


def described(target: str, names: set[str]) -> dict[str, Any]:
    """What the reasons say, in their order."""
    listed: dict[str, Any] = {}
    for reason in REASONS:
        if reason.name in names and (not reason.targets or target in reason.targets):
            listed.setdefault(reason.name, {"about": reason.about, "issues": list(reason.issues.get(target, ()))})
    if UNEXPLAINED in names:
        listed[UNEXPLAINED] = {"about": "nobody has looked at these yet", "issues": []}
    return listed


def packed_by_reason(ids: dict[str, str]) -> dict[str, dict[str, str]]:
    out: dict[str, list[str]] = {}
    for case, reason in sorted(ids.items()):
        out.setdefault(reason, []).append(case)
    return {reason: pack(cases) for reason, cases in sorted(out.items())}


def pack(ids: Iterable[str]) -> dict[str, str]:
    """Ids such as cross_entropy/float32/0012 as {"cross_entropy/float32": "12-14 20"}."""
    groups: dict[str, list[int]] = {}
    for case in sorted(ids):
        group, _, number = case.rpartition("/")
        groups.setdefault(group, []).append(int(number))
    return {group: " ".join(ranges(numbers)) for group, numbers in groups.items()}


def ranges(numbers: list[int]) -> list[str]:
    out: list[list[int]] = []
    for n in sorted(numbers):
        if out and n == out[-1][1] + 1:
            out[-1][1] = n
        else:
            out.append([n, n])
    return [str(a) if a == b else f"{a}-{b}" for a, b in out]


def unpack(packed: dict[str, str]) -> list[str]:
    found = []
    for group, text in packed.items():
        for item in text.split():
            low, _, high = item.partition("-")
            found += [f"{group}/{n:04d}" for n in range(int(low), int(high or low) + 1)]
    return found
