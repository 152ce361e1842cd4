"""Everything that needs a GPU, on a machine that has one and need not have a network.

    python tools/gpu.py pack            # where there is one: wheels of what that machine may lack, into .gpu/
    python tools/gpu.py run             # on that machine: the matrix, the tests, the benchmark
    python tools/gpu.py run matrix      # or one of them
    python tools/gpu.py run --cpu       # on any machine: does all of it run? small parts of it, without a GPU

The machine with the GPU brings PyTorch, JAX, CuPy, optax and pytest; `.gpu/` travels with this folder. What is found
lies in `.gpu/results/`, or where `--output` says: a report of the conformance suite as JSON and as a page, the log of
the tests, and `gpu.json`, which belongs into `benchmarks/results/`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LUGGAGE = ROOT / ".gpu"
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-q")
BACKENDS = ("torch", "jax", "cupy")
STEPS = ("matrix", "tests", "bench")


def pack() -> None:
    """This project, its suite, and what it imports besides NumPy, as wheels for any machine."""
    LUGGAGE.mkdir(exist_ok=True)
    for old in LUGGAGE.glob("*.whl"):
        old.unlink()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = [name for name in project["dependencies"] if not name.startswith("numpy")]
    subprocess.run([*PIP, "wheel", "--no-deps", f"--wheel-dir={LUGGAGE}", ROOT, ROOT / "conformance"], check=True)
    subprocess.run([*PIP, "download", "--no-deps", f"--dest={LUGGAGE}", *needed], check=True)
    print(*sorted(path.name for path in LUGGAGE.glob("*.whl")), sep="\n")


def command(step: str, output: Path, cpu: bool) -> list[str | Path]:
    python = [sys.executable, "-m"]
    if step == "matrix":
        settings = ("numpy",) if cpu else ("torch cuda*", "jax cuda*", "cupy*")
        return [
            *python, "xentropy_conformance", "--target=xentropy", f"--jobs={os.cpu_count()}",
            *(f"--{option}={glob}" for glob in settings for option in ("setting", "must-run")),
            f"--json={output / 'matrix.json'}", f"--html={output / 'matrix.html'}",
        ]  # fmt: skip
    if step == "tests":
        some = ["-k", "numpy and special"] if cpu else ["-k", "cuda or cupy"]
        backends = [f"--backend={name}" for name in (("numpy",) if cpu else BACKENDS)]
        return [*python, "pytest", "-q", "-n", "auto", ROOT / "tests", *backends, *some]
    quick = ["--quick"] if cpu else []
    return [sys.executable, ROOT / "benchmarks" / "gpu.py", *quick, f"--output={output / 'gpu.json'}"]


def run(steps: list[str], output: Path, cpu: bool) -> int:
    """How many of the steps failed."""
    wheels = sorted(LUGGAGE.glob("*.whl"))
    if not wheels:
        raise SystemExit(
            f"No wheels in {LUGGAGE}: make them with `python tools/gpu.py pack`, where there is a network."
        )
    output.mkdir(parents=True, exist_ok=True)
    failed = 0
    with tempfile.TemporaryDirectory() as site:
        subprocess.run([*PIP, "install", "--no-index", "--no-deps", f"--target={site}", *wheels], check=True)
        env = {**os.environ, "PYTHONPATH": site, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
        for step in steps:
            with (
                subprocess.Popen(
                    command(step, output, cpu),
                    env=env,
                    cwd=site,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                ) as process,
                (output / f"{step}.log").open("w", encoding="utf-8") as log,
            ):
                for line in process.stdout or ():
                    print(line, end="", flush=True)
                    log.write(line)
            print(f"{step}: {'failed' if process.returncode else 'passed'}", flush=True)
            failed += process.returncode != 0
    return failed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("pack")
    running = actions.add_parser("run")
    running.add_argument("steps", nargs="*", choices=STEPS)
    running.add_argument("--cpu", action="store_true", help="small parts, without a GPU")
    running.add_argument("--output", type=Path, default=LUGGAGE / "results")
    args = parser.parse_args()
    if args.action == "pack":
        pack()
    else:
        sys.exit(run(args.steps or list(STEPS), args.output.resolve(), args.cpu))


if __name__ == "__main__":
    main()
