"""What each safeguard costs: per call, on a (32, 10) batch, and per logit, on a (2048, 1000) one, both float32.

    python benchmarks/safety.py              # prints a table, writes benchmarks/results/safety.json

A safeguard is timed with itself and without, interleaved; the difference is its cost. Gradients are taken with
respect to the logits.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from report import show, write
from timing import AGAIN, interleave, machine, spread

import xentropy

SMALL, LARGE = (32, 10), (2048, 1000)
Loss = Callable[..., Any]

# what it is -> the options with it and without; `where` and `ignored` stand for arrays of the batch
SAFEGUARDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "label check": ({}, {"check_labels": "trust"}),
    "NaN for bad labels": ({"check_labels": "nan"}, {"check_labels": "trust"}),
    "rows to ignore": ({"ignore_index": -100}, {}),
    "mask of classes": ({"where": "where"}, {}),
}


def batch(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape).astype(np.float32)
    return x, rng.integers(0, shape[1], shape[0]), np.ones(shape, bool)


def on_numpy(shape: tuple[int, int], options: dict[str, Any]) -> Callable[[], Any]:
    x, y, where = batch(shape)
    f = xentropy.value_and_grad(partial(xentropy.cross_entropy, **filled(options, where)))
    return lambda: f(x, y)


def on_torch(shape: tuple[int, int], options: dict[str, Any]) -> Callable[[], Any]:
    import torch

    x, y, where = (torch.from_numpy(a) for a in batch(shape))
    leaf, options = x.requires_grad_(), filled(options, where)

    def call() -> None:
        leaf.grad = None
        xentropy.cross_entropy(leaf, y, **options).backward()

    return call


def on_jax(shape: tuple[int, int], options: dict[str, Any]) -> Callable[[], Any]:
    import jax

    x, y, where = (jax.numpy.asarray(a) for a in batch(shape))
    f = jax.jit(jax.value_and_grad(partial(xentropy.cross_entropy, **filled(options, where))))
    return lambda: jax.block_until_ready(f(x, y))


def filled(options: dict[str, Any], where: Any) -> dict[str, Any]:
    return {name: where if value == "where" else value for name, value in options.items()}


LIBRARIES = {"numpy": on_numpy, "torch": on_torch, "jax jit": on_jax}


def costs(rounds: int) -> Iterator[dict[str, Any]]:
    for library, make in LIBRARIES.items():
        for what, (guarded, bare) in SAFEGUARDS.items():
            if library == "jax jit" and what == "label check":
                continue  # nothing is looked at under jit: bad labels become NaN there
            row: dict[str, Any] = {"library": library, "what": what}
            for shape, key, unit in ((SMALL, "call_us", 1e-6), (LARGE, "element_ns", 1e-9 * LARGE[0] * LARGE[1])):
                calls = {"with": make(shape, guarded), "without": make(shape, bare)}
                found = interleave(calls, rounds=rounds, twice="without", label=f"{library}, {what}")
                pairs = zip(found["with"].rounds, found["without"].rounds, strict=True)
                row[key] = statistics.median(a - b for a, b in pairs) / unit
                row[key.replace("_", "_whole_")] = found["without"].median / unit
                row[f"spread_{key.split('_')[0]}"] = spread(found["without"], found["without" + AGAIN])
            yield row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--output", default="benchmarks/results/safety.json")
    options = parser.parse_args()
    rows = list(costs(options.rounds))
    headings = {
        "call_us": "more a call, us", "call_whole_us": "of, us", "spread_call": "A/A",
        "element_ns": "more a logit, ns", "element_whole_ns": "of, ns", "spread_element": "A/A ",
    }  # fmt: skip
    show("What each safeguard adds to value and gradient", rows, headings)
    write(options.output, machine(), rows)


if __name__ == "__main__":
    main()
