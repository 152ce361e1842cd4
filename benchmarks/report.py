"""Tables for people and JSON for everything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

WIDTH = 150  # where there is no terminal that has one


def show(title: str, rows: list[dict[str, Any]], names: dict[str, str]) -> None:
    """Print rows of equal keys; `names` are better headings for some."""
    table = Table(title=title)
    for key, value in rows[0].items():
        table.add_column(names.get(key, key), justify="left" if is_word(value) else "right")
    for row in rows:
        table.add_row(*(x if isinstance(x, str) else "" if x is None else f"{x:.3g}" for x in row.values()))
    console = Console()
    (console if console.is_terminal else Console(width=WIDTH)).print(table)


def is_word(value: Any) -> bool:
    return isinstance(value, str) and not any(character.isdigit() for character in value)


def judged(value: float, goal: float | None, *, at_most: bool = False) -> str:
    """The number, green where it reaches its goal and red where it does not."""
    if goal is None:
        return f"{value:.2f}"
    good = value <= goal if at_most else value >= goal
    return f"[{'green' if good else 'red'}]{value:.2f}[/]"


def write(path: str | Path, machine: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """The rows, rounded to what was measured, with the machine they come from."""
    rounded = [{k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in row.items()} for row in rows]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps({"machine": machine, "rows": rounded}, indent=1) + "\n", encoding="utf-8")
