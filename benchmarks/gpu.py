"""How fast a GPU is used: theirs / ours, and how near ours come to the speed at which its memory is copied.

    python benchmarks/gpu.py                  # prints tables, writes benchmarks/results/gpu.json
    python benchmarks/gpu.py --quick          # small shapes, on a CPU where there is no GPU: does it run?

A forward pass has to read the logits, a backward pass to read them and to write the gradient: three times their bytes
in all. What a call reaches of the copy bandwidth is these bytes over its time, next to a copy's in the same rounds.
"""

from __future__ import annotations

import gc
import statistics
from importlib.util import find_spec
from typing import Any

import numpy as np
from command import options
from on_gpu import LIBRARIES, Library
from report import judged, show, write
from timing import Timing, interleave, machine, ratio
from tqdm import tqdm

SHAPES = ((32768, 1000), (32768, 4096), (32768, 32768), (16384, 131072), (8192, 262144))
QUICK_SHAPES = ((64, 1000),)
BYTES = {"forward": 1, "forward + backward": 3}  # of the logits
SECONDS, SHORTEST = 3.0, 20e-3  # of one interleaved run, of the calls of one round
GOALS = {("torch", "eager"): 2.0, ("torch", "compiled"): 1.0, ("JAX", "jit"): 1.0, ("CuPy", "eager"): 5.0}
SHARES = {("torch", "eager"): (4096, 0.75), ("CuPy", "eager"): (1, 0.6)}  # of the copy, from so many classes on
MIB = 1 << 20
Batch = tuple[int, int, str, int]  # rows, classes, dtype, bytes of the logits


def measured(library: Library, rows: int, classes: int, dtype: str) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    block, labels = rng.normal(size=(64, classes)).astype(np.float32), rng.integers(0, classes, rows)
    agree(library, library.put(block, dtype), library.put(labels[:64], "int64"), dtype)
    x, y = library.put(np.resize(block, (rows, classes)), dtype), library.put(labels, "int64")
    size = rows * classes * (2 if dtype.endswith("16") else 4)
    calls: dict[str, Any] = {"copy": lambda: library.copy(x)}
    for way, passes in library.ways.items():
        for what, pair in passes.items():
            for whose, call in zip(("theirs", "ours"), pair, strict=True):
                calls[f"{whose}, {way}, {what}"] = lambda call=call: call(x, y)
    label = f"{library.name} {rows}x{classes} {dtype}"
    found = interleave(
        calls, rounds=25, seconds=SECONDS, shortest=SHORTEST, twice="copy", label=label, clock=library.clock
    )
    return [
        line(library, (rows, classes, dtype, size), way, what, found, library.peak(calls[f"ours, {way}, {what}"]))
        for way, passes in library.ways.items()
        for what in passes
    ]


def agree(library: Library, x: Any, y: Any, dtype: str) -> None:
    """That both sides give the same numbers, to the rounding of the dtype."""
    bar = {"float32": 1e-5, "float16": 2e-3, "bfloat16": 2e-2}[dtype]
    for passes in library.ways.values():
        for pair in passes.values():
            theirs, ours = (call(x, y) for call in pair)
            both = zip(*(found if isinstance(found, tuple) else (found,) for found in (theirs, ours)), strict=True)
            for one, other in ((library.get(a), library.get(b)) for a, b in both):
                np.testing.assert_allclose(other, one, rtol=bar, atol=bar / len(y))


def line(
    library: Library, batch: Batch, way: str, what: str, found: dict[str, Timing], peak: int | None
) -> dict[str, Any]:
    rows, classes, dtype, size = batch
    theirs, ours, copy = (found[name] for name in (f"theirs, {way}, {what}", f"ours, {way}, {what}", "copy"))
    least, share = SHARES.get((library.name, way), (0, None))
    own = size if what != "forward" else 0
    return {
        "library": library.name, "way": way, "what": what, "rows": rows, "classes": classes, "dtype": dtype,
        "theirs_ms": theirs.median * 1e3, "ours_ms": ours.median * 1e3, "ratio": ratio(theirs, ours),
        "goal": GOALS[library.name, way], "copy_gb_s": 2 * size / copy.median / 1e9,
        "share": statistics.median(
            BYTES[what] / 2 * b / a for a, b in zip(ours.rounds, copy.rounds, strict=True)
        ),
        "share_goal": share if classes >= least else None,
        "extra_mib": None if peak is None else (peak - own) / MIB,
    }  # fmt: skip


def device() -> dict[str, Any]:
    """The GPU by its own name, and what drives it."""
    if find_spec("torch"):
        import torch

        if torch.cuda.is_available():
            found = torch.cuda.get_device_properties(0)
            return {"device": found.name, "cuda": torch.version.cuda, "memory_gib": found.total_memory >> 30}
    return {"device": "no GPU", "cuda": None, "memory_gib": None}


def present(name: str, gpu: bool) -> bool:
    return find_spec(name) is not None and (gpu or name != "cupy")


def main() -> None:
    args = options(__doc__, "gpu")
    where = device()
    gpu = where["device"] != "no GPU"
    if not gpu and not args.quick:
        raise SystemExit("There is no GPU here. --quick tries the calls on the CPU.")
    lines: list[dict[str, Any]] = []
    libraries = [make("cuda" if gpu else "cpu") for name, make in LIBRARIES.items() if present(name, gpu)]
    jobs = [
        (library, *shape, dtype)
        for library in libraries
        for shape in (QUICK_SHAPES if args.quick else SHAPES)
        for dtype in library.dtypes
    ]
    for library, rows, classes, dtype in tqdm(jobs, desc=where["device"]):
        found = measured(library, rows, classes, dtype)
        show(f"{library.name}, {rows}x{classes} {dtype}, {where['device']}", [*map(shown, found)], {})
        lines += found
        library.forget()
        write(args.output, machine() | where, lines)  # after each: nothing is lost if the next one is stopped
        gc.collect()


def shown(x: dict[str, Any]) -> dict[str, Any]:
    return {
        "way": x["way"], "what": x["what"], "theirs, ms": x["theirs_ms"], "ours, ms": x["ours_ms"],
        "theirs / ours": judged(x["ratio"], x["goal"]), "goal": x["goal"], "copy, GB/s": x["copy_gb_s"],
        "of the copy": judged(x["share"], x["share_goal"]), "goal ": x["share_goal"], "extra, MiB": x["extra_mib"],
    }  # fmt: skip


if __name__ == "__main__":
    main()
