"""Runs targets in processes of their own, some at a time, and collects what they tell."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .libraries import LIBRARIES
from .report import Report
from .run import RAISES, Outcome
from .targets.base import Setting, Target

QUIET = {  # one thread a process, and no GPU but where a setting is for one
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "PYTHONWARNINGS": "ignore",
}
CPU = {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
DEATHS = 20  # of the processes of one setting, before it is given up

Progress = Callable[[Report, int, int], None]  # the report so far, cases that are done, cases in all


@dataclass
class Order:
    """What to run."""

    target: Target
    setting: Setting
    own_library: str | None = None  # of package.module:name
    cases: list[str] | None = None  # ids; None is all
    vectors: str | None = None
    everything: bool = False
    report: Report = field(init=False)

    def __post_init__(self) -> None:
        device = LIBRARIES[self.setting.library].device
        setting = self.setting
        self.report = Report(self.target.name, setting.name, setting.library, setting.mode, device)

    def job(self, skip: list[str]) -> dict[str, Any]:
        return {
            "target": self.target.name, "setting": self.setting.name, "own_library": self.own_library,
            "cases": self.cases, "vectors": self.vectors, "everything": self.everything, "skip": skip,
            "path": [path for path in sys.path if path],
        }  # fmt: skip

    def environment(self) -> dict[str, str]:
        library = LIBRARIES[self.setting.library]
        hidden = {} if library.device == "cuda" else CPU
        # the process finds this package where this one did
        path = os.pathsep.join(filter(None, (str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH"))))
        own = {"PYTHONPATH": path, **library.environment, **self.setting.environment}
        return {**os.environ, **QUIET, **hidden, **own}


def run_all(orders: Sequence[Order], jobs: int, progress: Progress) -> list[Report]:
    """The reports, in the order of the orders."""
    lock = threading.Lock()

    def one(order: Order) -> Report:
        start = time.perf_counter()
        try:
            until_done(order, lambda report, done, total: locked(lock, progress, report, done, total))
        except Exception as error:
            order.report.not_run = f"{type(error).__name__}: {error}"
        order.report.seconds = time.perf_counter() - start
        return order.report

    # the longest first: what compiles takes minutes
    longest = sorted(orders, key=lambda order: order.setting.mode == "eager")
    with ThreadPoolExecutor(jobs) as pool:
        futures = {id(order): pool.submit(one, order) for order in longest}
        return [futures[id(order)].result() for order in orders]


def locked(lock: threading.Lock, progress: Progress, *message: Any) -> None:
    with lock:
        progress(*message)


def until_done(order: Order, progress: Progress) -> None:
    """Run an order; where a process dies, blame the cases it had begun and go on with the others."""
    for _ in range(DEATHS):
        begun, death = attempt(order, progress)
        if not death:
            return
        known = {outcome.id for outcome in order.report.outcomes}
        lost = [case for case in begun if case not in known]
        if not lost:
            order.report.not_run = death
            return
        order.report.outcomes += [Outcome(case, RAISES, death) for case in lost]
    order.report.not_run = f"gave up: {DEATHS} processes died"


def attempt(order: Order, progress: Progress) -> tuple[list[str], str]:
    """The cases begun last, and how the process died; "" if it came to its end."""
    report, begun, total = order.report, [], 0
    command = [sys.executable, "-m", "xentropy_conformance.worker"]
    errors: list[str] = []
    ended = False
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=order.environment(),
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        assert process.stderr
        reader = threading.Thread(target=errors.extend, args=(process.stderr,), daemon=True)
        reader.start()
        process.stdin.write(json.dumps(order.job([outcome.id for outcome in report.outcomes])))
        process.stdin.close()
        for line in process.stdout:
            message = json.loads(line)
            if "begin" in message:
                begun = message["begin"]
            elif "outcome" in message:
                report.outcomes.append(Outcome.from_json(message["outcome"]))
                progress(report, len(report.outcomes), total)
            elif "planned" in message:
                total, report.left_out, report.unasked = message["planned"], message["left_out"], message["unasked"]
                progress(report, len(report.outcomes), total)
            else:
                ended = True
                report.versions, report.not_run = message.get("done", {}), message.get("not_run", "")
        code = process.wait()
        reader.join()
    if ended:
        return begun, ""
    last = next((line.strip() for line in reversed(errors) if line.strip()), "")
    how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
    return begun, f"the process died ({how}){': ' + last[:300] if last else ''}"
