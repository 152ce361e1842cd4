"""What a program pays before its first loss: the import, on top of NumPy and array-api-compat, and the first call.

python benchmarks/startup.py            # prints a table, writes benchmarks/results/startup.json
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from statistics import median

from report import show, write
from timing import machine
from tqdm import trange

GOALS = {"import": 10.0, "first call": 30.0}  # milliseconds
PROGRAM = """
import time
import numpy, array_api_compat
logits, labels = numpy.zeros((4, 3), numpy.float32), numpy.asarray([0, 1, 2, 0])
start = time.perf_counter()
import xentropy
imported = time.perf_counter()
xentropy.cross_entropy(logits, labels)
print(imported - start, time.perf_counter() - imported)
"""


def measure() -> dict[str, float]:
    """Milliseconds in a new interpreter."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    return dict(zip(GOALS, (float(x) * 1e3 for x in done.stdout.split()), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--output", default="benchmarks/results/startup.json")
    options = parser.parse_args()
    measure()  # compiles the files, once
    found = [measure() for _ in trange(options.rounds, desc="new interpreters")]
    table = [
        {
            "step": step,
            "least_ms": min(times := [x[step] for x in found]),
            "median_ms": median(times),
            "highest_ms": max(times),
            "goal_ms": goal,
        }
        for step, goal in GOALS.items()
    ]
    show("Before the first loss", table, {key: key.replace("_", ", ") for key in table[0]})
    write(options.output, machine(), table)


if __name__ == "__main__":
    main()
