"""A progress bar for every setting that is running; nothing where nobody would see it."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any

from .report import Report


class Progress:
    """Bars on stderr, if it is a terminal. Called with a report, the cases done and the cases in all."""

    def __init__(self, settings: int, *, quiet: bool = False) -> None:
        self.able = sys.stderr.isatty() and not quiet
        self.settings = settings
        self.bar: Any = None
        self.tasks: dict[int, Any] = {}

    def __enter__(self) -> Progress:
        if self.able:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (
                TextColumn("{task.description}"), BarColumn(24), MofNCompleteColumn(),
                TextColumn("[red]{task.fields[wrong]}"), TimeElapsedColumn(),
            )  # fmt: skip
            self.bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self.bar.start()
            self.whole = self.bar.add_task("settings", total=self.settings, wrong="")
        return self

    def __call__(self, report: Report, done: int, total: int) -> None:
        if self.bar is None:
            return
        key = id(report)
        if key not in self.tasks:
            self.tasks[key] = self.bar.add_task(report.name, total=total, wrong="")
        wrong = len(report.failures) if done % 50 == 0 or done == total else None
        told = {} if wrong is None else {"wrong": f"{wrong} wrong" if wrong else ""}
        self.bar.update(self.tasks[key], completed=done, total=total, **told)
        if done == total:
            self.bar.update(self.tasks[key], visible=False)
            self.bar.advance(self.whole)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.stop()
