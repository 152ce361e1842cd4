"""Tables for people and JSON for everything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


def show(title: str, rows: list[dict[str, Any]], names: dict[str, str]) -> None:
    """Print rows of equal keys; `names` are better headings for some."""
    table = Table(title=title)
    for key, value in rows[0].items():
        table.add_column(names.get(key, key), justify="left" if isinstance(value, str) else "right")
    for row in rows:
        table.add_row(*(x if isinstance(x, str) else "" if x is None else f"{x:.3g}" for x in row.values()))
    Console().print(table)


def write(path: str, machine: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """The rows, rounded to what was measured, with the machine they come from."""
    rounded = [{k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in row.items()} for row in rows]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps({"machine": machine, "rows": rounded}, indent=1) + "\n", encoding="utf-8")
