"""One page with everything: the matrix, the worst errors, and every failure with its reproduction.

The page is self-contained: no network, no fonts, no scripts but its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from . import failures, plot
from .known import News
from .report import RULES, Report, Score, bars, percent, rule_order
from .run import Outcome
from .vectors import POSITIONAL, Case

COLOURS = 8
DTYPES = ("float64", "float32", "bfloat16", "float16")


def write(
    path: Path,
    reports: Sequence[Report],
    cases: dict[str, Case],
    news: Sequence[News],
    libraries: dict[str, str | None],
    semantics: str,
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(reports, cases, news, libraries, semantics), "utf-8")


def page(
    reports: Sequence[Report],
    cases: dict[str, Case],
    news: Sequence[News],
    libraries: dict[str, str | None],
    semantics: str,
) -> str:
    ran = [report for report in reports if not report.not_run]
    targets = list(dict.fromkeys(report.target for report in ran))
    colours = {target: i % COLOURS for i, target in enumerate(targets)}
    rules = sorted({cases[o.id].rule for r in ran for o in r.outcomes}, key=rule_order)
    data = failures.as_data(ran, cases, news, libraries) | {"rules": RULES}
    used = len({o.id for r in ran for o in r.outcomes})
    lead = (
        f"{used:,} calls with answers computed to 60 digits, against {len(targets)} "
        f"{'targets' if len(targets) != 1 else 'target'} in {len(ran)} settings. "
        f"Rules for special values: version {semantics}."
    )
    heads = [
        f'<span class="rule">{escape(RULES.get(rule, ""))}</span><b>{escape(short_rule(rule))}</b>' for rule in rules
    ]
    parts = {
        "css": asset("page.css"),
        "js": asset("page.js"),
        "lead": lead,
        "targets": "\n".join(target_line(target, [r for r in ran if r.target == target]) for target in targets),
        "news": news_section(news, cases),
        "matrix": matrix(ran, heads, [("rule", rule, by_rule(cases, rule)) for rule in rules]),
        "plot": plot.draw(plot.points(ran, cases), list(POSITIONAL), colours),
        "dtypes": matrix(ran, list(DTYPES), [("text", dtype, by_dtype(cases, dtype)) for dtype in DTYPES]),
        "footer": footer(reports),
        "data": json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"),
    }
    text = asset("page.html")
    for name, part in parts.items():
        text = text.replace(f"@@{name}@@", part)
    return text


def asset(name: str) -> str:
    return files("xentropy_conformance").joinpath("page", name).read_text("utf-8").rstrip("\n")


def short_rule(rule: str) -> str:
    return rule if rule.isdigit() else "·"


def by_rule(cases: dict[str, Case], rule: str) -> Callable[[Outcome], bool]:
    return lambda outcome: cases[outcome.id].rule == rule


def by_dtype(cases: dict[str, Case], dtype: str) -> Callable[[Outcome], bool]:
    return lambda outcome: cases[outcome.id].dtype == dtype


def target_line(target: str, reports: Sequence[Report]) -> str:
    """A bar: what agrees, what does not, and how much is not offered at all."""
    scores = [report.count() for report in reports]
    agrees, offered = sum(s.agrees for s in scores), sum(s.offered for s in scores)
    raises, all_ = sum(s.raises for s in scores), max(sum(s.offered + s.not_offered for s in scores), 1)
    widths = {"ok": agrees, "no": offered - agrees - raises, "ex": raises}
    bar = "".join(f'<i class="{name}" style="width:{100 * n / all_:.2f}%"></i>' for name, n in widths.items() if n)
    versions = {name: x for report in reports for name, x in report.versions.items()}
    says = f"<b>{percent(agrees / offered if offered else None)}</b> of {offered:,}; {offered / all_:.0%} offered"
    version = " ".join(list(versions.values())[:1])
    return (
        f'<li><span class="who">{escape(target)} <small>{escape(version)}</small></span>'
        f'<span class="bar" aria-hidden="true">{bar}</span><span class="say">{says}</span></li>'
    )


Column = tuple[str, str, Callable[[Outcome], bool]]


def matrix(reports: Sequence[Report], heads: Sequence[str], columns: Sequence[Column]) -> str:
    """Settings down, something else across; every cell is a button that filters the failures."""
    lines = ['<table class="matrix"><thead><tr><th scope="col"><span class="visually">setting</span></th>']
    lines += [f'<th scope="col">{head}</th>' for head in [*heads, "<b>all</b>"]]
    lines.append("</tr></thead><tbody>")
    before = ""
    everything: Column = ("text", "", lambda _: True)
    for report in reports:
        new = report.target != before
        before = report.target
        who = (
            f"{escape(report.target)} <span>{escape(report.setting)}</span>"
            if new
            else f"<span>{escape(report.setting)}</span>"
        )
        kind = ' class="who"' if new else ""
        lines.append(f'<tr{" class=first" if new else ""}><th scope="row"{kind}>{who}</th>')
        lines += [cell(report, report.count(keep), field, value) for field, value, keep in [*columns, everything]]
        lines.append("</tr>")
    return "\n".join([*lines, "</tbody></table>"])


def cell(report: Report, score: Score, field: str, value: str) -> str:
    if score.share is None:
        return '<td><span class="cell na">&ndash;</span></td>'
    said = f"{report.name}: {score.agrees} of {score.offered} agree, worst {bars(score.worst)} bars"
    chosen = {"target": report.target, "library": report.library, "mode": report.mode, field: value}
    level = shade(score.share)
    number = percent(score.share).rstrip("%")
    return (
        f'<td><button type="button" class="cell {level}" title="{escape(said)}" aria-label="{escape(said)}" '
        f"data-filter='{escape(json.dumps(chosen))}'>{number}</button></td>"
    )


def shade(share: float) -> str:
    return "s4" if share == 1.0 else "s3" if share >= 0.9 else "s2" if share >= 0.5 else "s1" if share > 0 else "s0"


def news_section(news: Sequence[News], cases: dict[str, Case]) -> str:
    """What differs from what was known; nothing where nothing does."""
    items = []
    for each in news:
        for ids, text in ((each.new, "disagree and were not known to"), (each.fixed, "are right now, and were not")):
            if ids:
                kinds = dict.fromkeys(f"{cases[i].function}: {cases[i].about}" for i in ids if i in cases)
                some = "; ".join(list(kinds)[:6]) + ("; and more" if len(kinds) > 6 else "")
                items.append(f"<li><b>{escape(each.report.name)}</b>: {len(ids)} cases {text}: {escape(some)}</li>")
        items += [
            f"<li>{escape(each.report.name)}: not offered: {escape(reason)}</li>" for reason in each.unexplained
        ]
    if not items:
        return ""
    return f'<section class="news"><h2>News</h2><ul>{"".join(items)}</ul></section>'


def footer(reports: Sequence[Report]) -> str:
    absent = dict.fromkeys(f"{r.name} ({r.not_run})" for r in reports if r.not_run)
    left = sum(report.left_out for report in reports)
    bar = (
        "A number agrees if it is off by at most 4 eps times the size of the terms that it is a sum of; NaN, "
        "infinities and exact zeros must be what they should be. Raising on a bad label is as good as NaN for a "
        "library that has no choice to offer."
    )
    lines = [bar]
    if left:
        lines.append(f"{left:,} runs were left out of modes that compile, evenly; --all makes them.")
    if absent:
        lines.append(f"Not run: {'; '.join(absent)}.")
    versions = {name: x for report in reports for name, x in report.versions.items()}
    lines.append(", ".join(f"{name} {x}" for name, x in versions.items()) + ".")
    return "\n".join(f"<p>{escape(line)}</p>" for line in lines)
