"""What people read in a terminal: a table of settings, what is new, and failures in full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .known import News
from .report import RULES, Report, bars, percent, rule_order, score
from .reproduce import reproduce
from .run import Outcome
from .targets import find
from .vectors import Case

NOTE = "worst: the largest error in bars; one bar is 4 eps times the size of the terms, and at most one agrees."


def show(
    console: Console,
    reports: Sequence[Report],
    cases: dict[str, Case],
    news: Sequence[News],
    failures: int,
    libraries: dict[str, str | None],
) -> None:
    """Everything, the most important last."""
    ran = [report for report in reports if not report.not_run]
    if ran:
        console.print(settings_table(ran))
        console.print(NOTE, style="dim", highlight=False)
        console.print()
        console.print(rules_table(ran, cases))
    for text in remarks(reports):
        console.print(text, style="dim", highlight=False)
    for report in ran:
        for number, outcome in enumerate(report.failures[:failures], 1):
            failure(console, report, cases[outcome.id], outcome, number, libraries.get(report.target))
    for each in news:
        if each:
            told(console, each, cases)


def settings_table(reports: Sequence[Report]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title="Settings", title_justify="left", title_style="bold")
    for name in ("target", "setting", "version"):
        table.add_column(name, overflow="fold")
    for name in ("cases", "agree", "disagree", "raise", "worst", "not offered", "seconds"):
        table.add_column(name, justify="right")
    for report in reports:
        s = report.count()
        wrong = Text(str(s.disagrees), "bold red" if s.disagrees else "dim")
        raised = Text(str(s.raises), "bold red" if s.raises else "dim")
        agree = Text(percent(s.share), "green" if s.share == 1.0 else "yellow" if s.share else "red")
        numbers: list[str | Text] = [wrong, raised, bars(s.worst), str(s.not_offered), f"{report.seconds:.0f}"]
        version = next(iter(report.versions.values()), "?")
        table.add_row(report.target, report.setting, version, str(s.offered), agree, *numbers)
    return table


def rules_table(reports: Sequence[Report], cases: dict[str, Case]) -> Table:
    """Of the cases of each rule that a target offers, the share that agrees, over its settings."""
    targets = list(dict.fromkeys(report.target for report in reports))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title="Who gets which rule right", title_justify="left",
                  title_style="bold")  # fmt: skip
    table.add_column("rule", justify="right")
    table.add_column("")
    for target in targets:
        table.add_column(target, justify="right")
    rules = sorted({cases[o.id].rule for r in reports for o in r.outcomes}, key=rule_order)
    for rule in rules:
        cells = []
        for target in targets:
            mine = [o for r in reports if r.target == target for o in r.outcomes if cases[o.id].rule == rule]
            share = score(mine).share
            cells.append(Text(percent(share), style(share)))
        table.add_row(rule, RULES.get(rule, ""), *cells)
    return table


def style(share: float | None) -> str:
    return "dim" if share is None else "green" if share == 1.0 else "yellow" if share >= 0.5 else "red"


def remarks(reports: Sequence[Report]) -> list[str]:
    """What did not run, what was left out, what is not offered and why."""
    out = []
    absent = Counter((report.target, report.not_run) for report in reports if report.not_run)
    for (target, reason), _ in absent.items():
        names = [r.setting for r in reports if r.target == target and r.not_run == reason]
        out.append(f"Not run: {target} ({'; '.join(names)}): {reason}.")
    for report in reports:
        if report.left_out:
            out.append(f"{report.name}: {report.left_out} cases left out for their time; --all runs them.")
        if report.excused:
            out.append(f"{report.name}: {report.excused} cases agree by raising on a bad label.")
        if report.reasons:
            reasons = [f"{reason} ({count})" for reason, count in list(report.reasons.items())[:8]]
            more = f", and {len(report.reasons) - 8} reasons more" if len(report.reasons) > 8 else ""
            out.append(f"{report.name}: not offered: {', '.join(reasons)}{more}.")
    return out


def failure(
    console: Console, report: Report, case: Case, outcome: Outcome, number: int, library: str | None = None
) -> None:
    """A failure, and the script that repeats it."""
    target = find(report.target, library)
    [setting] = [each for each in target.settings if each.name == report.setting]
    console.rule(Text(f"{report.name}, failure {number}: {case.id}", "bold"), align="left", style="red")
    console.print(f"rule {case.rule}: {case.about}", highlight=False)
    console.print(reproduce(target, setting, case, outcome), highlight=False, markup=False, soft_wrap=True)


def told(console: Console, news: News, cases: dict[str, Case]) -> None:
    """What differs from what was known."""
    console.print(Text(f"News of {news.report.name}", "bold"))
    groups: tuple[tuple[str, list[str], str], ...] = (
        ("disagree and were not known to", news.new, "red"),
        ("were known to disagree, and are right now", news.fixed, "green"),
    )
    for text, ids, colour in groups:
        if ids:
            console.print(Text(f"  {len(ids)} cases {text}", colour))
            for line in listed(ids, cases):
                console.print(f"    {line}", highlight=False)
    for reason in news.unexplained:
        console.print(Text(f"  not offered for a reason that nobody wrote down: {reason}", "red"))


def listed(ids: Sequence[str], cases: dict[str, Case], shown: int = 8) -> list[str]:
    lines = [f"{i}: rule {cases[i].rule}, {cases[i].about}" if i in cases else i for i in ids[:shown]]
    return lines + ([f"and {len(ids) - shown} more"] if len(ids) > shown else [])


def console(file: Any = None) -> Console:
    """Of a fixed width where nobody looks, so that logs can be compared."""
    out = Console(file=file)
    return out if out.is_terminal else Console(file=file, width=140)
