#!/usr/bin/env python3
"""Read 1797 handwritten digits with one training function for NumPy, PyTorch and JAX.

Multinomial logistic regression on scikit-learn's digits, by gradient descent with momentum on all training
images at once, in float32. `train` knows no library: it takes arrays and uses their operators, the array API
and xentropy. The loss curves of the libraries must agree to 1e-5 over the first 100 steps, and the weights
must read at least 95 % of the held-out images: otherwise the exit status is 1.

    python examples/digits.py --output digits.png
"""

from __future__ import annotations

import argparse
import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from array_api_compat import array_namespace
from sklearn.datasets import load_digits
from tqdm import tqdm

import xentropy

matplotlib.use("Agg")
import matplotlib.pyplot as plt

STEPS, RATE, MOMENTUM = 300, 0.5, 0.9
COMPARED, AGREEMENT, ACCURACY = 100, 1e-5, 0.95
LABELS = {"numpy": "NumPy", "torch": "PyTorch", "jax": "JAX"}


@dataclass
class Run:
    """What one library did."""

    library: str
    version: str
    curve: np.ndarray  # the loss before each step, in nats
    test_loss: float
    accuracy: float


def train(x: Any, labels: Any, steps: int, bar: tqdm) -> tuple[Any, Any, list[float]]:
    """Weights, bias and the loss before each step, for the arrays of any library."""
    xp = array_namespace(x)
    weights = xp.zeros((x.shape[1], 10), dtype=x.dtype)
    bias = xp.zeros((10,), dtype=x.dtype)
    speed_w, speed_b, curve = xp.zeros_like(weights), xp.zeros_like(bias), []
    loss_and_gradient = xentropy.value_and_grad(xentropy.cross_entropy)

    for _ in range(steps):
        loss, g = loss_and_gradient(x @ weights + bias, labels)  # g: of the logits
        speed_w = MOMENTUM * speed_w - RATE * (xp.matrix_transpose(x) @ g)
        speed_b = MOMENTUM * speed_b - RATE * xp.sum(g, axis=0)
        weights, bias = weights + speed_w, bias + speed_b
        curve.append(float(loss))
        bar.update()
    return weights, bias, curve


def digits() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """1297 images to train on and 500 to test on, always the same; pixels between 0 and 1."""
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(images))
    test, training = order[:500], order[500:]
    return (images[training], labels[training]), (images[test], labels[test])


def run(library: str) -> Run | None:
    """Train with one library; None if it is not installed."""
    try:
        module = importlib.import_module("jax.numpy" if library == "jax" else library)
    except ModuleNotFoundError:
        print(f"{LABELS[library]} is not installed: left out")
        return None
    (x, labels), (test_x, test_labels) = [[module.asarray(a) for a in part] for part in digits()]

    with tqdm(total=STEPS, desc=f"{LABELS[library]:8}", unit="step", file=sys.stderr) as bar:
        weights, bias, curve = train(x, labels, STEPS, bar)

    logits = test_x @ weights + bias
    xp = array_namespace(logits)
    right = xp.astype(xp.argmax(logits, axis=1) == test_labels, logits.dtype)
    return Run(
        library=LABELS[library],
        version=importlib.import_module(library).__version__,
        curve=np.asarray(curve),
        test_loss=float(xentropy.cross_entropy(logits, test_labels)),
        accuracy=float(xp.mean(right)),
    )


def reference_curve() -> np.ndarray:
    """The curve of NumPy in float64, which shows the rounding of each library."""
    (x, labels), _ = digits()
    with tqdm(total=STEPS, desc="float64 ", unit="step", file=sys.stderr) as bar:
        return np.asarray(train(x.astype(np.float64), labels, STEPS, bar)[2])


def relative(curve: np.ndarray, reference: np.ndarray) -> np.ndarray:
    return np.abs(curve - reference) / reference


def show(runs: list[Run], exact: np.ndarray) -> None:
    """Print the table: with rich where it is installed, as plain text otherwise."""
    head = ["library", "version", "loss", "test loss", "accuracy", "from float64"]
    rows = [
        [
            r.library,
            r.version,
            f"{r.curve[-1]:.6f}",
            f"{r.test_loss:.6f}",
            f"{r.accuracy:.1%}",
            f"{relative(r.curve, exact)[:COMPARED].max():.1e}",
        ]
        for r in runs
    ]
    title = f"Digits: {STEPS} steps in float32, losses in nats"
    try:
        from rich.console import Console
        from rich.table import Table
    except ModuleNotFoundError:
        widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
        print(title)
        for row in [head, *rows]:
            print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
    else:
        table = Table(*head, title=title)
        for column in table.columns[2:]:
            column.justify = "right"
        for row in rows:
            table.add_row(*row)
        Console().print(table)


def plot(runs: list[Run], exact: np.ndarray, path: Path) -> None:
    """The curves, which lie on one another, and below how far each is from float64."""
    colours = {"NumPy": "#4477aa", "PyTorch": "#ee6677", "JAX": "#228833"}
    figure, (top, bottom) = plt.subplots(
        2, 1, figsize=(9, 7), sharex=True, height_ratios=(3, 2), layout="constrained"
    )
    steps = np.arange(1, STEPS + 1)
    for k, r in enumerate(runs):
        style = {"color": colours[r.library], "linewidth": 7 - 2.6 * k, "alpha": 0.45 + 0.25 * k}
        top.plot(steps, r.curve, label=f"{r.library} {r.version}: test accuracy {r.accuracy:.1%}", **style)
        apart = np.maximum(relative(r.curve, exact), 1e-9)  # an exact match has a place on the axis too
        bottom.plot(steps, apart, ".", color=colours[r.library], markersize=4, label=r.library)
    bottom.plot([1, COMPARED], [AGREEMENT, AGREEMENT], color="black", linewidth=1.2)
    bottom.text(COMPARED + 4, AGREEMENT, f"the limit for steps 1 to {COMPARED}", va="center")
    epsilon = float(np.finfo(np.float32).eps)
    bottom.axhline(epsilon, color="0.4", linestyle=":", linewidth=1)
    bottom.annotate("float32 epsilon", (STEPS, epsilon), (4, 0), textcoords="offset points", va="center")

    names = ", ".join(r.library for r in runs)
    figure.suptitle(f"Logistic regression on handwritten digits in float32: one function on {names}")
    top.set(ylabel="training loss (nats)", yscale="log", xlim=(1, STEPS))
    top.set_yticks([0.1, 0.2, 0.5, 1, 2], ["0.1", "0.2", "0.5", "1", "2"])
    top.minorticks_off()
    bottom.set(
        xlabel="step",
        ylabel="relative difference\nfrom NumPy in float64",
        yscale="log",
        ylim=(6e-10, 4e-5),
    )
    for axes in (top, bottom):
        axes.grid(color="0.9", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    top.legend(frameon=False)
    bottom.legend(frameon=False, ncols=len(runs), loc="lower right", markerscale=2)
    figure.savefig(path, dpi=150)


def main() -> int:
    parser = argparse.ArgumentParser(description="Read handwritten digits with NumPy, PyTorch and JAX.")
    parser.add_argument("--output", type=Path, default=Path("digits.png"), help="where the plot goes")
    output = parser.parse_args().output

    runs = [r for library in LABELS if (r := run(library)) is not None]
    exact = reference_curve()
    show(runs, exact)
    plot(runs, exact, output)
    print(f"The plot is in {output}")

    curves = np.stack([r.curve[:COMPARED] for r in runs])
    apart = float(np.max((curves.max(axis=0) - curves.min(axis=0)) / curves.min(axis=0)))
    worst = min(r.accuracy for r in runs)
    agree, accurate = bool(apart <= AGREEMENT), worst >= ACCURACY
    print(f"Largest relative difference of two curves: {apart:.1e} (at most {AGREEMENT:.0e})")
    print(f"Lowest test accuracy: {worst:.1%} (at least {ACCURACY:.0%})")
    print("OK" if agree and accurate else "FAILED")
    return 0 if agree and accurate else 1


if __name__ == "__main__":
    sys.exit(main())
