"""What a call costs before the numbers count: a (32, 10) float32 batch, against the call that people make today.

python benchmarks/overhead.py            # prints a table, writes benchmarks/results/overhead.json
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from report import show, write
from timing import AGAIN, interleave, machine, ratio, spread

import xentropy

ROWS, CLASSES = 32, 10
SHORTEST = 20e-3  # seconds of the calls of one round


def batch() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(ROWS, CLASSES)).astype(np.float32), rng.integers(0, CLASSES, ROWS)


def numpy_pairs() -> Iterator[tuple[str, float, Callable[[], Any], Callable[[], Any]]]:
    from scipy.special import log_softmax

    x, y = batch()
    rows = np.arange(ROWS)
    yield (
        "numpy, forward", 1.0,
        lambda: -np.mean(log_softmax(x, axis=-1)[rows, y]),
        lambda: xentropy.cross_entropy(x, y),
    )  # fmt: skip


def torch_pairs() -> Iterator[tuple[str, float, Callable[[], Any], Callable[[], Any]]]:
    import torch

    x, y = (torch.from_numpy(a) for a in batch())
    theirs = torch.nn.functional.cross_entropy
    yield "torch, forward", 4.0, lambda: theirs(x, y), lambda: xentropy.cross_entropy(x, y)
    leaf = x.clone().requires_grad_()

    def both(loss: Callable[..., Any]) -> Callable[[], None]:
        def call() -> None:
            leaf.grad = None
            loss(leaf, y).backward()

        return call

    yield "torch, forward and backward", 4.0, both(theirs), both(xentropy.cross_entropy)


def jax_pairs() -> Iterator[tuple[str, float, Callable[[], Any], Callable[[], Any]]]:
    import jax
    import optax

    x, y = (jax.numpy.asarray(a) for a in batch())

    def theirs(x: Any, y: Any) -> Any:
        return optax.softmax_cross_entropy_with_integer_labels(x, y).mean()

    for name, transform in (("forward", lambda f: f), ("value_and_grad", jax.value_and_grad)):
        calls = [jax.jit(transform(f)) for f in (theirs, xentropy.cross_entropy)]
        # f=f: the loop goes on before they are called
        yield f"jax jit, {name}", 1.3, *(lambda f=f: jax.block_until_ready(f(x, y)) for f in calls)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--output", default="benchmarks/results/overhead.json")
    options = parser.parse_args()
    table = []
    for pairs in (numpy_pairs, torch_pairs, jax_pairs):
        for name, goal, theirs, ours in pairs():
            found = interleave(
                {"theirs": theirs, "ours": ours}, rounds=options.rounds, twice="theirs", label=name, shortest=20e-3
            )
            table.append(
                {
                    "call": name,
                    "theirs_us": found["theirs"].median * 1e6,
                    "ours_us": found["ours"].median * 1e6,
                    "ratio": ratio(found["ours"], found["theirs"]),
                    "goal": goal,
                    "spread": spread(found["theirs"], found["theirs" + AGAIN]),
                }
            )
    title = f"A call of ({ROWS}, {CLASSES}) float32: how many times as long as theirs"
    show(title, table, {"spread": "A/A spread", "theirs_us": "theirs, us", "ours_us": "ours, us"})
    write(options.output, machine(), table)


if __name__ == "__main__":
    main()
