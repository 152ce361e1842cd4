"""How much memory a call takes at its peak, beyond the inputs, and beyond the gradient that it returns.

    python benchmarks/memory.py               # prints a table, writes benchmarks/results/memory.json

Each call is the first large one of a process of its own, after one on a small batch; under jit, whose compiler takes
memory too, it is the second. Two figures: what the operating
system says was resident at the peak (Linux only), and, where NumPy allocates, what it allocated.
"""

from __future__ import annotations

import gc
import importlib
import json
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

from batches import Batch
from command import options
from report import judged, show, write
from timing import machine
from tqdm import tqdm

MIB = 1 << 20
GOAL = 16.0  # MiB beyond the gradient
# library, pass, module and name of the call; of ours NumPy's and torch's have a goal
CALLS = (
    ("xentropy, NumPy", "forward", "on_numpy.forward"),
    ("xentropy, NumPy", "forward + backward", "on_numpy.both"),
    ("SciPy", "forward", "on_numpy.scipy_forward"),
    ("xentropy, torch", "forward", "on_torch.forward"),
    ("xentropy, torch", "forward + backward", "on_torch.both"),
    ("torch", "forward", "on_torch.torch_forward"),
    ("torch", "forward + backward", "on_torch.torch_both"),
    ("xentropy, JAX jit", "forward", "on_jax.forward"),
    ("xentropy, JAX jit", "forward + backward", "on_jax.both"),
    ("optax jit", "forward", "on_jax.optax_forward"),
    ("optax jit", "forward + backward", "on_jax.optax_both"),
)
SHAPES = ((16384, 1000, "float32"), (256, 128256, "float32"), (16384, 1000, "float64"))


def resident(field: str) -> int | None:
    """Bytes, of this process: VmRSS now, VmHWM at the peak."""
    try:
        lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(field + ":")), None)


def forget_peak() -> None:
    """Let VmHWM begin at what is resident now."""
    try:
        Path("/proc/self/clear_refs").write_text("5", "utf-8")
    except OSError:
        return


def measure(call_name: str, rows: int, classes: int, dtype: str) -> dict[str, Any]:
    """In a process of its own: the peak of one call, in MiB beyond its inputs and outputs."""
    module, name = call_name.split(".")
    make = getattr(importlib.import_module(module), name)
    make(Batch(8, 1000, dtype))()
    batch = Batch(rows, classes, dtype)
    call = make(batch)
    out = batch.x.nbytes if name.endswith("both") else 0
    if module == "on_jax":  # its compiler leaves much behind
        call()
    gc.collect()
    tracemalloc.start()
    forget_peak()
    before = resident("VmRSS")
    result = call()
    after, allocated = resident("VmHWM"), tracemalloc.get_traced_memory()[1]
    del result
    return {
        "logits_mib": batch.x.nbytes / MIB,
        "resident_mib": None if before is None or after is None else (after - before - out) / MIB,
        "allocated_mib": (allocated - out) / MIB if module == "on_numpy" else None,
    }


def child(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--measure", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    args = options(__doc__, "memory")
    found = []
    jobs = [(call, shape) for shape in SHAPES[: 1 if args.quick else None] for call in CALLS]
    for (library, what, name), (rows, classes, dtype) in tqdm(jobs, desc="processes"):
        goal = GOAL if library in ("xentropy, NumPy", "xentropy, torch") else None
        shape = {"library": library, "what": what, "rows": rows, "classes": classes, "dtype": dtype}
        found.append({**shape, **child(name, str(rows), str(classes), dtype), "goal": goal})

    def shown(row: dict[str, Any], key: str) -> str:
        return "" if row[key] is None else judged(row[key], row["goal"], at_most=True)

    table = [
        {
            "library": x["library"], "what": x["what"], "logits": f"{x['rows']}x{x['classes']} {x['dtype']}",
            "logits, MiB": x["logits_mib"],
            "resident, MiB more": shown(x, "resident_mib"), "allocated, MiB more": shown(x, "allocated_mib"),
            "goal": x["goal"],
        }
        for x in found
    ]  # fmt: skip
    show("Peak memory beyond inputs and gradient", table, {})
    write(args.output, machine(), found)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        call_name, rows, classes, dtype = sys.argv[2:]
        print(json.dumps(measure(call_name, int(rows), int(classes), dtype)))
    else:
        main()
