"""Interleaved timing: every round runs all candidates once, in another order, so that they share the machine's moods.

A figure is the median over the rounds; a ratio is the median of the ratios within a round. One candidate is entered
twice: how far the two differ from each other (A/A) says how much of any other ratio to believe.
"""

from __future__ import annotations

import gc
import math
import os
import platform
import random
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

from tqdm import tqdm

AGAIN = " (again)"
VECTORS = {"avx512f": "AVX-512", "avx2": "AVX2"}  # the widest first
SHORTEST = 2e-3  # seconds that one candidate runs in one round: many calls, if they are short


class Timing(NamedTuple):
    """Seconds a call in each round."""

    rounds: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)


def once(call: Callable[[], Any], repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - start) / repeats


def interleave(
    calls: dict[str, Callable[[], Any]],
    *,
    rounds: int = 25,
    twice: str | Sequence[str],
    label: str,
    seconds: float = math.inf,
    fewest: int = 7,
    settle: float = 0.0,
    shortest: float = SHORTEST,
    clock: Callable[[Callable[[], Any], int], float] = once,
) -> dict[str, Timing]:
    """Seconds a call of each candidate; `twice` names those for the A/A comparison.

    After `seconds` no round is begun but the `fewest`. `settle` is a pause in seconds before each candidate, in which
    the threads of the one before it, which wait for more work with their core busy, fall asleep. `clock` takes the
    seconds a call of so many calls.
    """
    entries = calls | {name + AGAIN: calls[name] for name in ([twice] if isinstance(twice, str) else twice)}
    repeats = {name: warm_up(call, shortest, clock) for name, call in entries.items()}
    found: dict[str, list[float]] = {name: [] for name in entries}
    order, chance, end = list(entries), random.Random(0), time.perf_counter() + seconds
    gc.collect()
    gc.freeze()  # what is there stays: it need not be looked through in every round
    gc.disable()
    try:
        for done in tqdm(range(rounds), desc=label, leave=False):
            if done >= fewest and time.perf_counter() > end:
                break
            gc.collect()
            chance.shuffle(order)
            for name in order:
                time.sleep(settle)
                found[name].append(clock(entries[name], repeats[name]))
    finally:
        gc.enable()
        gc.unfreeze()
    return {name: Timing(times) for name, times in found.items()}


def warm_up(call: Callable[[], Any], shortest: float, clock: Callable[[Callable[[], Any], int], float] = once) -> int:
    """How many calls are timed together, after compilers, caches and thread pools have had theirs."""
    call()
    first = clock(call, 1)
    if first > 2 * shortest:
        return 1
    return max(1, round(shortest / max(min(clock(call, 3) for _ in range(3)), 1e-7)))


def ratio(one: Timing, other: Timing) -> float:
    """How many times as long the one takes as the other."""
    return statistics.median(a / b for a, b in zip(one.rounds, other.rounds, strict=True))


def spread(one: Timing, again: Timing) -> float:
    """How far from 1 the A/A ratios are: their median distance."""
    return statistics.median(abs(a / b - 1) for a, b in zip(one.rounds, again.rounds, strict=True))


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    names = ("numpy", "scipy", "scikit-learn", "torch", "jax", "optax", "keras", "array-api-compat")
    return {
        "date": date.today().isoformat(),
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: found for name in names if (found := _version(name))},
    }


def processor() -> str:
    """Its name, and its widest vectors, which decide what an exponential takes."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            found = dict(line.split(":", 1) for line in lines if line.startswith(("model name", "flags")))
        told = {key.strip(): value.split() for key, value in found.items()}
        vectors = [shown for flag, shown in VECTORS.items() if flag in told["flags"]]
        return ", ".join([" ".join(told["model name"]), *vectors[:1]])
    except (OSError, KeyError):
        return platform.processor() or "unknown"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
