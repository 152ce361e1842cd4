"""What the second thread brings to our forward pass, next to what it brings to `exp` alone on tiles of the same size.

    python benchmarks/threads_gain.py         # prints a table, writes benchmarks/results/threads_gain.json

The gain is the time with one thread over the time with two. Two cores share their memory and often their caches, so
what `exp` gains, which needs nothing else, is all there is to gain.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import limits
from batches import Batch
from cases import QUICK_SHAPES, SHAPES
from command import options
from report import judged, show, write
from timing import AGAIN, interleave, machine, ratio, spread
from tqdm import tqdm

import xentropy

GOAL = 0.9  # of the gain of exp
PAIRS = 21


def with_threads(count: int, batch: Batch) -> Callable[[], Any]:
    def call() -> Any:
        with xentropy.threads(count):
            return xentropy.cross_entropy(batch.x, batch.y)

    return call


def gain(batch: Batch, pairs: int) -> dict[str, Any]:
    calls = {f"ours {n}": with_threads(n, batch) for n in (1, 2)}
    calls |= {f"exp {n}": limits.exp(batch.x, n) for n in (1, 2)}
    found = interleave(calls, rounds=pairs, twice="ours 2", shortest=30e-3, label=str(batch))
    ours, exp = (
        [a / b for a, b in zip(found[f"{name} 1"].rounds, found[f"{name} 2"].rounds, strict=True)]
        for name in ("ours", "exp")
    )
    return {
        "rows": batch.rows,
        "classes": batch.classes,
        "dtype": batch.dtype,
        "pairs": len(ours),
        "one_ms": found["ours 1"].median * 1e3,
        "two_ms": found["ours 2"].median * 1e3,
        "ours_gain": ratio(found["ours 1"], found["ours 2"]),
        "exp_gain": ratio(found["exp 1"], found["exp 2"]),
        "share": statistics.median(a / b for a, b in zip(ours, exp, strict=True)),
        "goal": GOAL,
        "spread": spread(found["ours 2"], found["ours 2" + AGAIN]),
    }


def main() -> None:
    args = options(__doc__, "threads_gain")
    shapes = [s for s in (QUICK_SHAPES if args.quick else SHAPES) if s[1] >= 1000]
    batches = [Batch(*shape, dtype) for shape in shapes for dtype in ("float32", "float64")]
    found = [gain(batch, 7 if args.quick else PAIRS) for batch in tqdm(batches, desc="batches")]
    table = [
        {
            "logits": f"{x['rows']}x{x['classes']}", "dtype": x["dtype"],
            "one, ms": x["one_ms"], "two, ms": x["two_ms"], "gain": x["ours_gain"], "gain of exp": x["exp_gain"],
            "ours / exp": judged(x["share"], GOAL), "goal": GOAL, "A/A": f"{x['spread']:.1%}",
        }
        for x in found
    ]  # fmt: skip
    show("The second thread: NumPy, forward", table, {})
    write(args.output, machine(), found)


if __name__ == "__main__":
    main()
