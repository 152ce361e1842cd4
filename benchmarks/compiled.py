"""What `torch.compile` takes for a small transformer with a loss: in a first process, and in later ones, which find
its code in torch's cache on disk; and what a call of the loss alone takes on a small batch, most of it guards.

python benchmarks/compiled.py           # prints a table, writes benchmarks/results/compiled.json
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from report import show, write
from timing import machine
from tqdm import tqdm

STEPS = ("training", "validation")
LIBRARIES = ("xentropy", "torch")
PROGRAM = """
import json, sys, time
import torch
import xentropy

library, step = sys.argv[1:]
loss = {"xentropy": xentropy.cross_entropy, "torch": torch.nn.functional.cross_entropy}[library]
layer = torch.nn.TransformerEncoderLayer(64, 4, 128, batch_first=True, dropout=0.0)
model = torch.nn.Sequential(
    torch.nn.Embedding(1000, 64), torch.nn.TransformerEncoder(layer, 2), torch.nn.Linear(64, 1000)
)
words, following = torch.randint(1000, (32, 16)), torch.randint(1000, (512,))
torch.compile(torch.sin)(torch.ones(3))  # the compiler is imported


@torch.compile
def call(x, y):
    return loss(model(x).flatten(0, 1), y)


start = time.perf_counter()
if step == "training":
    call(words, following).backward()
else:
    with torch.no_grad():
        call(words, following)
seconds = time.perf_counter() - start

alone, logits, labels = torch.compile(lambda x, y: loss(x, y)), torch.zeros(8, 10), torch.zeros(8, dtype=torch.int64)
times = []
for _ in range(3000):
    start = time.perf_counter()
    alone(logits, labels)
    times.append(time.perf_counter() - start)
print(json.dumps([seconds, sorted(times)[len(times) // 2]]))
"""


def measure(library: str, step: str, cache: str) -> tuple[float, float]:
    """Seconds until the first step is done in a new interpreter, and of a call of the loss alone."""
    environment = os.environ | {"TORCHINDUCTOR_CACHE_DIR": cache}
    program = [sys.executable, "-c", PROGRAM, library, step]
    done = subprocess.run(program, capture_output=True, text=True, check=True, env=environment)
    seconds, call = json.loads(done.stdout.splitlines()[-1])
    return seconds, call


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="later processes of each kind")
    parser.add_argument("--output", default="benchmarks/results/compiled.json")
    options = parser.parse_args()
    kinds = [(step, library) for step in STEPS for library in LIBRARIES]
    with TemporaryDirectory() as cache, tqdm(total=len(kinds) * (1 + options.rounds), desc="new interpreters") as bar:

        def run(step: str, library: str) -> tuple[float, float]:
            found = measure(library, step, os.path.join(cache, step, library))
            bar.update()
            return found

        first = {kind: run(*kind)[0] for kind in kinds}
        rounds = [{kind: run(*kind) for kind in kinds} for _ in range(options.rounds)]
    table: list[dict[str, Any]] = [
        {
            "step": kind[0],
            "loss of": kind[1],
            "first process, s": first[kind],
            "later ones, s": median(x[kind][0] for x in rounds),
            "loss alone on 8 x 10, us": median(x[kind][1] for x in rounds) * 1e6,
        }
        for kind in kinds
    ]
    show("A compiled model with its loss", table, {})
    write(options.output, machine(), table)


if __name__ == "__main__":
    main()
