"""How fast large calls are: theirs / ours, side by side on the same arrays, and ours next to what the machine can do.

    python benchmarks/throughput.py           # prints tables, writes benchmarks/results/throughput.json

A line is timed only if both sides agree to rounding. See README.md for the protocol.
"""

from __future__ import annotations

import gc
import statistics
import sys
from collections.abc import Callable
from typing import Any

import limits
import numpy as np
from batches import Batch
from cases import Case, plan
from command import options
from report import judged, show, write
from timing import AGAIN, Timing, interleave, machine, ratio, spread
from tqdm import tqdm

ROUNDS, SECONDS = 25, 7.0  # for one batch; some rounds are run however long they take
QUICK = 7, 1.0
SETTLE, SHORTEST = 2e-3, 30e-3  # seconds of the pause before a call, and of the calls of one round
Calls = dict[str, Callable[[], Any]]


def agree(ours: Any, theirs: Any, batch: Batch) -> bool:
    """Whether they differ by no more than rounding next to 1, and gradients of a mean next to 1 / its rows."""
    scales = (1.0, 1.0 / batch.kept)
    pairs = zip(*(x if isinstance(x, tuple) else (x,) for x in (ours, theirs)), scales, strict=False)
    bar = 1e3 * float(np.finfo(batch.dtype).eps)
    for one, other, scale in ((np.asarray(one), np.asarray(other), scale) for one, other, scale in pairs):
        if one.shape != other.shape or not np.all(np.abs(one - other) <= bar * (scale + np.abs(other))):
            return False
    return True


def made(batch: Batch, cases: tuple[Case, ...]) -> tuple[Calls, list[Case]]:
    """The calls that are needed, each once, and the cases whose two sides agree."""
    calls: Calls = {}
    good = []
    for case in tqdm(cases, desc=f"{batch}: compare", leave=False):
        for name, make in zip(case.names, (case.theirs, case.ours), strict=True):
            if name not in calls:
                calls[name] = make(batch)
        theirs, ours = (calls[name]() for name in case.names)
        if agree(ours, theirs, batch):
            good.append(case)
        else:
            tqdm.write(f"{batch}: {' and '.join(case.names)} disagree: not timed", file=sys.stderr)
    wanted = {name for case in good for name in case.names}
    return {name: call for name, call in calls.items() if name in wanted}, good


def multiple(ours: Timing, limit: tuple[Timing, ...]) -> float:
    """Ours over the larger of the limits, round by round."""
    longest = max(limit, key=lambda timing: timing.median)
    return statistics.median(a / b for a, b in zip(ours.rounds, longest.rounds, strict=True))


def measured(batch: Batch, cases: tuple[Case, ...], quick: bool) -> list[dict[str, Any]]:
    calls, good = made(batch, cases)
    calls |= {"read": limits.read(batch.x), "exp": limits.exp(batch.x)}
    first = {case.library: case.names[1] for case in reversed(good)}  # of each library one is timed twice
    rounds, seconds = QUICK if quick else (ROUNDS, SECONDS)
    twice = list(dict.fromkeys(first.values()))
    found = interleave(
        calls, rounds=rounds, seconds=seconds, settle=SETTLE, shortest=SHORTEST, twice=twice, label=str(batch)
    )
    return [line(batch, case, found, first[case.library]) for case in good]


def line(batch: Batch, case: Case, found: dict[str, Timing], twice: str) -> dict[str, Any]:
    theirs, ours = (found[name] for name in case.names)
    read, exp = found["read"], found["exp"]
    return {
        "what": case.what,
        "library": case.library,
        "peer": case.peer,
        "rows": batch.rows,
        "classes": batch.classes,
        "dtype": batch.dtype,
        "logits": batch.logits,
        "ignored": batch.ignored,
        "rounds": len(ours.rounds),
        "theirs_ms": theirs.median * 1e3,
        "ours_ms": ours.median * 1e3,
        "ratio": ratio(theirs, ours),
        "goal": case.goal_at(batch.classes or 1),
        "spread": spread(found[twice], found[twice + AGAIN]),
        "read_ms": read.median * 1e3,
        "exp_ms": exp.median * 1e3,
        "limit": multiple(ours, (read, exp)),
        "limit_goal": case.limit_goal,
    }


def shown(batch: Batch, lines: list[dict[str, Any]]) -> None:
    read, exp, rounds = (lines[0][key] for key in ("read_ms", "exp_ms", "rounds"))
    title = f"{batch}\n{rounds} rounds; reading the logits {read:.3g} ms, exp of them {exp:.3g} ms"
    table = [
        {
            "what": x["what"], "ours": x["library"], "theirs": x["peer"],
            "theirs, ms": x["theirs_ms"], "ours, ms": x["ours_ms"],
            "theirs / ours": judged(x["ratio"], x["goal"]), "goal": x["goal"], "A/A": f"{x['spread']:.1%}",
            "x limit": judged(x["limit"], x["limit_goal"], at_most=True), "goal ": x["limit_goal"],
        }
        for x in lines
    ]  # fmt: skip
    show(title, table, {})


def main() -> None:
    args = options(__doc__, "throughput")
    found: list[dict[str, Any]] = []
    for batch, cases in tqdm([*plan(args.quick)], desc="batches"):
        lines = measured(batch, cases, args.quick)
        if lines:
            shown(batch, lines)
        found += lines
        write(args.output, machine(), found)  # after each batch: nothing is lost if the next one is stopped
        del batch
        gc.collect()
    goals = [x["ratio"] >= x["goal"] for x in found if x["goal"]]
    near = [x["limit"] <= x["limit_goal"] for x in found if x["limit_goal"]]
    print(f"Goals reached: {sum(goals)} of {len(goals)} ratios, {sum(near)} of {len(near)} multiples of the limit.")


if __name__ == "__main__":
    main()
