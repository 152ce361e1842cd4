"""What a logit costs, from ten thousand of them to a thousand million: float32, more rows, or more classes.

    python benchmarks/scaling.py              # prints a table, writes benchmarks/results/scaling.json

Rows grow at 1000 classes; classes grow at 8 rows. Peers stop where they would need more memory than there is, or than
LARGEST logits. Memory is what NumPy allocates at the peak beyond the gradient; the other libraries have none to show.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import limits
import on_jax
import on_numpy
import on_torch
import psutil
from batches import Batch
from command import options
from report import show, write
from timing import interleave, machine
from tqdm import tqdm

CLASSES, ROWS = 1000, 8
SIZES = [10**k for k in range(4, 10)]
QUICK_SIZES = SIZES[:4]
LARGEST = 10**8  # for peers: beyond it they only take longer
SECONDS = 8.0
Make = Callable[[Batch], Callable[[], Any]]
# name, call, whether its memory is counted, largest number of logits, how many times their memory it needs
CALLS: tuple[tuple[str, Make, bool, int, float], ...] = (
    ("xentropy, NumPy, forward", on_numpy.forward, True, SIZES[-1], 1.2),
    ("xentropy, NumPy, forward + backward", on_numpy.both, True, SIZES[-1], 2.2),
    ("SciPy, forward", on_numpy.scipy_forward, True, LARGEST, 5),
    ("xentropy, torch, forward + backward", on_torch.both, False, SIZES[-1], 2.2),
    ("torch, forward", on_torch.torch_forward, False, LARGEST, 3),
    ("torch, forward + backward", on_torch.torch_both, False, LARGEST, 5),
    ("xentropy, JAX jit, forward", on_jax.forward, False, LARGEST, 5),
    ("optax jit, forward", on_jax.optax_forward, False, LARGEST, 5),
    ("exp of the logits", lambda b: limits.exp(b.x), False, SIZES[-1], 1.2),
)


def batches(sizes: list[int]) -> Iterator[tuple[str, Batch]]:
    for size in sizes:
        yield "rows", Batch(size // CLASSES, CLASSES, "float32")
        yield "classes", Batch(ROWS, size // ROWS, "float32")


def affordable(size: int, largest: int, times: float) -> bool:
    return size <= largest and times * 4 * size < psutil.virtual_memory().available + 4 * size


def peak(call: Callable[[], Any]) -> int:
    """Bytes that NumPy allocated at the most, beyond a gradient of the logits' size if there is one."""
    gc.collect()
    tracemalloc.start()
    result = call()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most - (result[1].nbytes if isinstance(result, tuple) else 0)


def measured(grows: str, batch: Batch, seconds: float) -> list[dict[str, Any]]:
    size = batch.x.size
    some = [entry for entry in CALLS if affordable(size, entry[3], entry[4])]
    calls = {name: make(batch) for name, make, *_ in some}
    label = f"{grows}: {size:.0e}"
    found = interleave(calls, rounds=25, seconds=seconds, fewest=5, settle=2e-3, twice=some[0][0], label=label)
    return [
        {
            "grows": grows,
            "call": name,
            "logits": size,
            "rows": batch.rows,
            "classes": batch.classes,
            "ns": found[name].median / size * 1e9,
            "extra_mib": peak(calls[name]) / 2**20 if counted else None,
            "rounds": len(found[name].rounds),
        }
        for name, _, counted, *_ in some
    ]


def main() -> None:
    args = options(__doc__, "scaling")
    sizes = QUICK_SIZES if args.quick else SIZES
    found: list[dict[str, Any]] = []
    for grows, batch in tqdm([*batches(sizes)], desc="sizes"):
        found += measured(grows, batch, 1.0 if args.quick else SECONDS)
        write(args.output, machine(), found)
        del batch
        gc.collect()
    for grows in ("rows", "classes"):
        lines: dict[str, dict[str, Any]] = {}
        for x in (x for x in found if x["grows"] == grows):
            line = lines.setdefault(x["call"], {"call": x["call"], **{f"{size:.0e}": None for size in sizes}})
            line[f"{x['logits']:.0e}"] = x["ns"]
            if x["extra_mib"] is not None:
                line["MiB at the largest"] = x["extra_mib"]
        table = [{**x, "MiB at the largest": x.get("MiB at the largest")} for x in lines.values()]
        show(f"ns a logit as {grows} grow", table, {})


if __name__ == "__main__":
    main()
