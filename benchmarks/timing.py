"""Interleaved timing: every round runs all candidates once, in another order, so that they share the machine's moods.

A figure is the median over the rounds; a ratio is the median of the ratios within a round. One candidate is entered
twice: how far the two differ from each other (A/A) says how much of any other ratio to believe.
"""

from __future__ import annotations

import gc
import os
import platform
import random
import statistics
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

from tqdm import tqdm

AGAIN = " (again)"
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


def interleave(calls: dict[str, Callable[[], Any]], *, rounds: int = 25, twice: str, label: str) -> dict[str, Timing]:
    """Seconds a call of each candidate; `twice` names the one for the A/A comparison."""
    entries = {**calls, twice + AGAIN: calls[twice]}
    repeats = {}
    for name, call in entries.items():  # also warms up: compilers, caches, thread pools
        call()
        repeats[name] = max(1, int(SHORTEST / max(min(once(call, 3) for _ in range(3)), 1e-7)))
    found: dict[str, list[float]] = {name: [] for name in entries}
    order, chance = list(entries), random.Random(0)
    gc.disable()
    try:
        for _ in tqdm(range(rounds), desc=label, leave=False):
            chance.shuffle(order)
            for name in order:
                found[name].append(once(entries[name], repeats[name]))
    finally:
        gc.enable()
    return {name: Timing(times) for name, times in found.items()}


def ratio(ours: Timing, theirs: Timing) -> float:
    """How many times as long we take."""
    return statistics.median(a / b for a, b in zip(ours.rounds, theirs.rounds, strict=True))


def spread(one: Timing, again: Timing) -> float:
    """How far from 1 the A/A ratios are: their median distance."""
    return statistics.median(abs(a / b - 1) for a, b in zip(one.rounds, again.rounds, strict=True))


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    names = ("numpy", "scipy", "torch", "jax", "optax", "array-api-compat")
    return {
        "date": date.today().isoformat(),
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: found for name in names if (found := _version(name))},
    }


def processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
