"""What `python -m xentropy` prints: a table, each disagreement in full, or JSON."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from inspect import signature
from math import prod
from textwrap import wrap
from typing import Any

import xentropy

from ._selfcheck import FORMATS, LIMIT, Case, Outcome, Part, Report, numbers

__all__: list[str] = []

WIDTH, SHOWN = 100, 3  # columns of text, disagreements of a device
COLUMNS = ("library", "version", "device", "cases", "not offered", "value", "gradient", "result")
BY_FUNCTION = ("function", "device", "cases", "value", "gradient")
NUMBERS = {"cases", "not offered", "value", "gradient"}
COLOURS = {"agrees": "green", "not checked": "yellow"}
NOTE = f"""\
value, gradient: the worst error in ulp, at most {LIMIT:g} to agree. One ulp is eps * scale, where
scale is the size of the terms that the number is a sum of."""
RULES = (
    "allowed classes; 0 log 0 = 0; positive target on a disallowed class; no allowed class in a row; NaN or +inf "
    "logit; rows that do not count; reductions; label smoothing; bad labels; BCE at infinite logits; order of "
    "softcap, temperature and mask; z_loss; gradients; invariance; empty arrays"
).split("; ")


def ulp(error: float) -> str:
    return f"{error:.2f}" if error < 1e4 else f"{error:.1e}"


def worst(outcomes: Iterable[Outcome]) -> tuple[float, float]:
    """Of the values (the sign of a logsumexp among them), and of the gradients."""
    errors = [(o.worst("value", "sign"), o.worst("gradient")) for o in outcomes]
    return max((v for v, _ in errors), default=0.0), max((g for _, g in errors), default=0.0)


def row(report: Report) -> list[str]:
    version = report.version if len(report.version) <= 14 else report.version[:13] + "~"
    errors = [ulp(e) for e in worst(report.checked)] if report.checked else ["-", "-"]
    counts = [len(report.checked), sum(report.not_offered.values())]
    return [report.library, version, report.device, *map(str, counts), *errors, report.result]


def function_rows(reports: list[Report]) -> list[list[str]]:
    """The worst errors of each function on each device."""
    rows = []
    for name in sorted({o.case["function"] for r in reports for o in r.checked}):
        for report in reports:
            if mine := [o for o in report.checked if o.case["function"] == name]:
                rows.append([name, f"{report.library} {report.device}", str(len(mine)), *map(ulp, worst(mine))])
    return rows


def plain(columns: tuple[str, ...], rows: list[list[str]]) -> str:
    """Aligned columns under their names."""
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    sides = [">" if name in NUMBERS else "<" for name in columns]
    lines = [columns, ["-" * width for width in widths], *rows]
    padded = [[f"{cell:{s}{n}}" for cell, s, n in zip(line, sides, widths, strict=True)] for line in lines]
    return "\n".join("  ".join(cells).rstrip() for cells in padded)


def print_table(columns: tuple[str, ...], rows: list[list[str]]) -> None:
    """With rich in a terminal, where it is installed; plain text otherwise."""
    if not (sys.stdout.isatty() and find_spec("rich")):
        print(plain(columns, rows))
        return
    style = dict(box=import_module("rich.box").SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table, text = import_module("rich.table").Table(**style), import_module("rich.text").Text
    for name, *cells in zip(columns, *rows, strict=True):
        side = "right" if name in NUMBERS else "left"
        table.add_column(name, justify=side, min_width=max(map(len, cells), default=0))
    for *cells, last in rows:
        colour = COLOURS.get(last, "bold red") if columns is COLUMNS else ""
        table.add_row(*map(text, cells), text(last, style=colour))
    import_module("rich.console").Console().print(table)


def show(reports: list[Report], missing: list[str], cases: int, *, verbose: bool) -> None:
    print(f"xentropy {xentropy.__version__}, rules version {xentropy.SEMANTICS}: {cases} reference cases\n")
    print_table(COLUMNS, [row(report) for report in reports])
    print(f"\n{NOTE}")
    for report in reports:
        where = f"{report.library} {report.device}".removesuffix(" -")
        if report.not_checked:
            print(f"Not checked: {where}: {report.not_checked}.")
        for reason, count in report.not_offered.items():
            print(f"Not offered: {where}: {reason} ({count} case{'s' * (count > 1)}).")
    if missing:
        print(f"Not installed: {', '.join(missing)}.")
    if verbose:
        print()
        print_table(BY_FUNCTION, function_rows(reports))
    for report in reports:
        found = report.disagreements if verbose else report.disagreements[:SHOWN]
        for number, outcome in enumerate(found, 1):
            print(f"\n{describe(report, outcome, number)}")
        if left := len(report.disagreements) - len(found):
            print(f"\n{left} more on {report.library} {report.device}; --verbose shows them.")


def describe(report: Report, outcome: Outcome, number: int) -> str:
    """All that is needed to see a disagreement again."""
    case = outcome.case
    function, dtype, rule = case["function"], case["dtype"], f"rule {case['rule']} ({RULES[int(case['rule']) - 1]})"
    lines = [f"{report.library} {report.device}, disagreement {number}: {function}, {dtype}, {rule}"]
    lines += wrapped("call", f"value_and_grad({function})({', '.join(call(case))})")
    for name, data in arguments(case).items():
        if isinstance(data, dict):
            kind, values = data["dtype"], data["values"]
            lines.append(f"  {name}: {kind}, shape {tuple(data['shape'])}")
            if kind in FORMATS:
                lines += wrapped("    decimal", "  ".join(decimal(v, kind) for v in numbers(values)))
                lines += wrapped("    hex    ", "  ".join(values))
            else:
                lines += wrapped("    values ", "  ".join(str(bool(v) if kind == "bool" else v) for v in values))
    lines += wrapped("raised", outcome.raised) if outcome.raised else []
    for part in outcome.parts:
        lines += differences(part, dtype) if part.worst > LIMIT else []
    return "\n".join(lines)


def differences(part: Part, dtype: str) -> list[str]:
    """The numbers of an output that disagree."""
    shape, wrong = part.expected["shape"], [i for i, error in enumerate(part.errors) if error > LIMIT]
    count = f"shape {tuple(shape)}, {len(wrong)} of {len(part.errors)} disagree"
    lines = [f"  {part.name}: {part.complaint or count}"]
    for i in wrong:
        high, given, error = float.fromhex(part.expected["hi"][i]), part.given[i], ulp(part.errors[i])
        lines.append(f"    at {position(i, shape)}: error {error} ulp; scale {part.expected['scale'][i]}")
        lines.append(f"      expected  {decimal(high, 'float64'):<24}  {short_hex(high)}")
        lines.append(f"      given     {decimal(given, dtype):<24}  {short_hex(given)}")
    return lines


def arguments(case: Case) -> dict[str, Any]:
    """The arguments of a case by name."""
    names = signature(getattr(xentropy, case["function"])).parameters
    return {**dict(zip(names, case["args"], strict=False)), **case.get("options", {})}


def call(case: Case) -> list[str]:
    """The arguments as they stand in the call; numbers also in hexadecimal."""
    names, options = list(arguments(case)), case.get("options", {})
    hexed = {name: f" [{short_hex(x)}]" for name, x in options.items() if isinstance(x, float)}
    said = {name: name if isinstance(x, dict) else f"{x!r}{hexed.get(name, '')}" for name, x in options.items()}
    return names[: len(case["args"])] + [f"{name}={text}" for name, text in said.items()]


def decimal(number: float, dtype: str) -> str:
    return f"{number:.9g}" if dtype == "float32" else repr(number)


def short_hex(number: float) -> str:
    return re.sub(r"\.?0+p", "p", number.hex())


def position(place: int, shape: list[int]) -> list[int]:
    sizes = [prod(shape[k + 1 :]) for k in range(len(shape))]
    return [place // size % n for size, n in zip(sizes, shape, strict=True)]


def wrapped(title: str, text: str) -> list[str]:
    """A title and its text, which goes on below its own beginning."""
    first, on = f"  {title}  ", " " * (len(title) + 4)
    return wrap(text or "-", WIDTH, initial_indent=first, subsequent_indent=on, break_on_hyphens=False)


def as_json(reports: list[Report], missing: list[str], cases: int) -> dict[str, Any]:
    """The whole report. Numbers that JSON does not have are strings."""
    head = dict(xentropy=xentropy.__version__, semantics=xentropy.SEMANTICS, cases=cases, unit="eps * scale")
    agrees = not any(report.disagreements for report in reports)
    return {**head, "limit": LIMIT, "agrees": agrees, "not_installed": missing, "reports": [*map(as_data, reports)]}


def as_data(report: Report) -> dict[str, Any]:
    value, gradient = map(finite, worst(report.checked)) if report.checked else (None, None)
    wrong = [dict(case=o.case, raised=o.raised, outputs=[*map(output, o.parts)]) for o in report.disagreements]
    names = dict(library=report.library, version=report.version, device=report.device, cases=len(report.checked))
    reasons = dict(not_offered=report.not_offered, not_checked=report.not_checked)
    found = dict(value=value, gradient=gradient, disagreements=wrong, result=report.result)
    return {**names, **reasons, **found, "seconds": round(report.seconds, 3)}


def output(part: Part) -> dict[str, Any]:
    given, ulps = [*map(short_hex, part.given)], [*map(finite, part.errors)]
    return dict(name=part.name, given=given, ulp=ulps, complaint=part.complaint)


def finite(error: float) -> float | str:
    return error if error < float("inf") else "inf"
