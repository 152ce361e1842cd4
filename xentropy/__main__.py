"""python -m xentropy: which array libraries and devices are there, and whether the core is right on each.

Every reference case is run through `value_and_grad`, and each number compared with the truth. The exit
status is 0 if all agree, 1 if any does not, and 2 if a library that was asked for cannot be checked.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from . import _report, _selfcheck
from ._selfcheck import Device, Report

__all__: list[str] = []

PATIENCE = 2.0  # seconds without a progress bar


class UnusableError(Exception):
    """Why a library that is installed cannot be checked."""


def numpy_devices() -> list[Device]:
    xp = import_module("numpy")
    return [Device("numpy", xp.__version__, "cpu", xp)]


def torch_devices() -> list[Device]:
    xp = import_module("torch")
    names = ["cpu", "cuda"] if xp.cuda.is_available() else ["cpu"]
    return [Device("torch", str(xp.__version__), name, xp, {"device": name}) for name in names]


def jax_devices() -> list[Device]:
    jax, xp = import_module("jax"), import_module("jax.numpy")
    found = []
    for name in ("cpu", "cuda"):
        try:
            first = jax.devices(name)[0]
        except RuntimeError:  # no such platform
            continue
        found.append(Device("jax", jax.__version__, name, xp, {"device": first}, jax_64_bits))
    if not found:
        raise UnusableError("neither a cpu nor a cuda device")
    return found


def jax_64_bits() -> AbstractContextManager[Any]:
    """64-bit numbers inside of a block, the user's setting again after it."""
    jax = import_module("jax")
    home = jax if hasattr(jax, "enable_x64") else import_module("jax.experimental")
    context: AbstractContextManager[Any] = home.enable_x64(True)
    return context


def cupy_devices() -> list[Device]:
    xp = import_module("cupy")
    if not xp.is_available():
        raise UnusableError("no CUDA device")
    return [Device("cupy", xp.__version__, "cuda", xp)]


def strict_devices() -> list[Device]:
    xp = import_module("array_api_strict")
    return [Device("array_api_strict", xp.__version__, "cpu", xp)]


LIBRARIES: dict[str, Callable[[], list[Device]]] = {
    "numpy": numpy_devices,
    "torch": torch_devices,
    "jax": jax_devices,
    "cupy": cupy_devices,
    "array_api_strict": strict_devices,
}


def installed(name: str) -> bool:
    spec = find_spec(name)
    return spec is not None and spec.loader is not None


class Progress:
    """A bar on stderr once the check has taken two seconds; nothing without rich or a terminal."""

    def __init__(self) -> None:
        self.able = sys.stderr.isatty() and find_spec("rich") is not None
        self.start = time.perf_counter()
        self.bar: Any = None
        self.task: Any = None

    def __enter__(self) -> Callable[[str, int, int], None]:
        return self.step

    def step(self, what: str, done: int, total: int) -> None:
        if self.bar is None:
            if not self.able or time.perf_counter() - self.start < PATIENCE:
                return
            made = import_module("rich.progress")
            console = import_module("rich.console").Console(stderr=True)
            self.bar = made.Progress(*made.Progress.get_default_columns(), console=console, transient=True)
            self.task = self.bar.add_task(what, total=total)
            self.bar.start()
        self.bar.update(self.task, description=what, completed=done, total=total)

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()


def check(names: Iterable[str], cases: list[_selfcheck.Case]) -> list[Report]:
    """A report for each device of these libraries."""
    reports = []
    with Progress() as progress:
        for name in names:
            progress(f"{name}: importing", 0, len(cases))
            try:
                devices = LIBRARIES[name]()
            except Exception as error:  # an installation may be broken in any way
                kind = "" if isinstance(error, UnusableError) else f"{type(error).__name__}: "
                reports.append(Report(name, "?", "-", not_checked=kind + _selfcheck.first_line(error)))
                continue
            for device in devices:
                start = time.perf_counter()
                report = Report(device.library, device.version, device.name)
                for outcome in _selfcheck.check(device, cases):
                    report.outcomes.append(outcome)
                    progress(f"{name} on {device.name}", len(report.outcomes), len(cases))
                report.seconds = time.perf_counter() - start
                reports.append(report)
    return reports


def parser() -> argparse.ArgumentParser:
    out = argparse.ArgumentParser(
        prog="python -m xentropy",
        description="Check the value and the gradient of every reference case on each array library found, "
        "and on each of its devices.",
        epilog="Exit status: 0 if all agree, 1 if one does not, 2 if a library that was asked for is not there.",
    )
    out.add_argument(
        "--library",
        action="append",
        choices=list(LIBRARIES),
        metavar="NAME",
        help=f"check this library only; may be repeated ({', '.join(LIBRARIES)})",
    )
    out.add_argument("--json", action="store_true", help="write a report for programs instead of the table")
    out.add_argument("--verbose", action="store_true", help="show each function, and every disagreement")
    return out


def main(argv: Sequence[str] | None = None) -> int:
    options = parser()
    given = options.parse_args(argv)
    wanted = list(dict.fromkeys(given.library or LIBRARIES))
    missing = [name for name in wanted if not installed(name)]
    if given.library and missing:
        options.error(f"not installed: {', '.join(missing)}")
    cases = _selfcheck.load()
    reports = check([name for name in wanted if name not in missing], cases)
    if given.json:
        print(json.dumps(_report.as_json(reports, missing, len(cases)), indent=1, allow_nan=False))
    else:
        _report.show(reports, missing, len(cases), verbose=given.verbose)
    if any(report.disagreements for report in reports):
        return 1
    if given.library and any(not report.checked for report in reports):
        print("not everything that was asked for could be checked", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
