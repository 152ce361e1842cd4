"""What the command lines of all benchmarks share."""

from __future__ import annotations

import argparse
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results"


def options(doc: str | None, name: str) -> argparse.Namespace:
    """`--quick` and `--output`; a quick run never overwrites the results of a whole one."""
    parser = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small shapes and few rounds: does it run?")
    parser.add_argument("--output", type=Path, help=f"the JSON file; benchmarks/results/{name}.json if not given")
    found = parser.parse_args()
    found.output = found.output or RESULTS / ("quick" if found.quick else "") / f"{name}.json"
    return found
