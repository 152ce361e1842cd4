"""xentropy-conformance: run targets on the cases, and write down what came of it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from . import known, report_html, report_json, report_terminal, scorecard
from .pool import Order, run_all
from .progress import Progress
from .report import Report
from .targets import TARGETS, find, missing
from .targets.base import fits
from .vectors import Case, load

EPILOG = """\
Exit status: 0 if all cases agree, or differ as they are known to; 1 if there is news; 2 if nothing could be run.

  xentropy-conformance --target torch.nn.functional --html torch.html
  xentropy-conformance --target my_package.losses:cross_entropy --library torch
  xentropy-conformance --target xentropy --setting 'jax*' --rule 6 --show 3
"""


def parser() -> argparse.ArgumentParser:
    out = argparse.ArgumentParser(
        prog="xentropy-conformance",
        description="Test a cross-entropy, and its relatives, against cases computed with 60 digits.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = out.add_argument
    add("--target", action="append", metavar="NAME", help=f"one of {', '.join(TARGETS)}, or package.module:name; "
        "may be repeated; all that are installed if it is not given")  # fmt: skip
    add("--library", metavar="NAME", help="whose arrays package.module:name takes (numpy)")
    add("--setting", action="append", metavar="GLOB", help="a library, a mode, or both: jax, jit, 'torch, *'; "
        "--list shows all")  # fmt: skip
    add("--must-run", action="append", default=[], metavar="GLOB", help="settings that fail if they cannot be run")
    for name in ("function", "rule", "dtype", "case"):
        add(f"--{name}", action="append", metavar="GLOB", help=f"cases of this {name} only")
    add("--vectors", type=Path, metavar="FILE", help="other cases than the ones that come along")
    add("--all", action="store_true", help="run every case in modes that compile, too: hours")
    add("--jobs", type=int, default=1, metavar="N", help="settings that run at the same time (%(default)s)")
    add("--show", type=int, default=0, metavar="N", help="show the first N failures of each setting in full")
    add("--json", type=Path, metavar="FILE", help="write a report for programs")
    add("--html", type=Path, metavar="FILE", help="write a page to look at")
    add("--scorecard", type=Path, metavar="FILE", help="write scores and known deviations, a small report")
    add(
        "--from",
        dest="source",
        type=Path,
        action="append",
        metavar="FILE",
        help="show a written --json again, run nothing",
    )
    add("--update-known", action="store_true", help="write the deviations of the peers down as known")
    add("--known", type=Path, default=known.HOME, metavar="FOLDER", help="the known deviations to compare with")
    add("--list", action="store_true", help="show the targets and settings")
    add("--quiet", action="store_true", help="no progress bar")
    return out


def selected(given: argparse.Namespace, cases: Sequence[Case]) -> list[Case]:
    """The cases that were asked for."""

    def wanted(case: Case) -> bool:
        names = {"function": case.function, "rule": case.rule, "dtype": case.dtype, "case": case.id}
        globs = {name: getattr(given, name) for name in names}
        return all(not globs[n] or any(fnmatchcase(x, glob) for glob in globs[n]) for n, x in names.items())

    return [case for case in cases if wanted(case)]


def orders(given: argparse.Namespace, cases: Sequence[Case], whole: bool) -> list[Order]:
    found = []
    names = given.target or [name for name, target in TARGETS.items() if not missing(target)]
    for name in dict.fromkeys(names):
        target = find(name, given.library)
        for setting in target.settings:
            if not given.setting or setting.fits(given.setting):
                ids = None if whole else [case.id for case in cases]
                vectors = None if given.vectors is None else str(given.vectors)
                found.append(Order(target, setting, given.library, ids, vectors, given.all))
    return found


def listing(found: Sequence[Order]) -> None:
    for order in found:
        absent = missing(order.target)
        print(f"{order.target.name}: {order.setting.name}{'  (not installed)' if absent else ''}")


def main(argv: Sequence[str] | None = None) -> int:
    options = parser()
    given = options.parse_args(argv)
    sys.path.insert(0, os.getcwd())  # package.module:name is looked for here too
    vectors = load(given.vectors)
    cases = selected(given, vectors.cases)
    if not cases:
        options.error("no case fits")
    try:
        found = orders(given, cases, len(cases) == len(vectors.cases))
    except (ValueError, ImportError, AttributeError) as error:
        options.error(str(error))
    if given.list:
        listing(found)
        return 0
    if given.source:
        reports = [report for path in given.source for report in report_json.read(path)]
    elif not found:
        options.error("no setting fits")
    else:
        with Progress(len(found), quiet=given.quiet) as progress:
            reports = run_all(found, given.jobs, progress)
    by_id = {case.id: case for case in vectors.cases}
    if given.update_known:
        for path in known.update(reports, by_id, given.known):
            print(f"wrote {path}")
    news = [each for report in reports if (each := known.compare(report, given.known)) is not None]
    libraries = {order.target.name: order.own_library for order in found}
    if given.json:
        report_json.write(given.json, report_json.as_data(reports, by_id, news, vectors.semantics))
    if given.html:
        report_html.write(given.html, reports, by_id, news, libraries, vectors.semantics)
    if given.scorecard:
        scorecard.write(given.scorecard, reports, by_id, vectors.semantics)
    report_terminal.show(report_terminal.console(), reports, by_id, news, given.show, libraries)
    for report in (lost := lacking(reports, given.must_run)):
        print(f"{report.name} must run, and did not: {report.not_run}", file=sys.stderr)
    return status(reports, [each.report for each in news], any(news) or bool(lost))


def lacking(reports: Sequence[Report], globs: Sequence[str]) -> list[Report]:
    """What was to run in any case and could not."""
    return [r for r in reports if r.not_run and fits((r.setting, r.library, r.mode), globs)]


def status(reports: Sequence[Report], compared: Sequence[Report], news: bool) -> int:
    """What the caller is told: 0, 1 or 2."""
    if all(report.not_run for report in reports):
        return 2
    others = [report for report in reports if not any(report is known_one for known_one in compared)]
    return 1 if news or any(report.failures for report in others) else 0


if __name__ == "__main__":
    sys.exit(main())
