"""The plots of the pages, from the JSON files: each as SVG for light and for dark pages.

    python benchmarks/plots.py                # reads benchmarks/results, writes docs/_static/benchmarks
    python benchmarks/plots.py --quick        # reads and writes benchmarks/results/quick, where PNG files lie too

A file that is not there, or a plot of it, is left out.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from command import RESULTS
from matplotlib.lines import Line2D

PAGES = RESULTS.parents[1] / "docs" / "_static" / "benchmarks"
INKS = {"light": "#30343b", "dark": "#d5d9e0"}
GOAL = "#d1495b"
SHADES = ("#56b4e9", "#009e73", "#e69f00", "#cc79a7", "#8c8c96")  # few classes to many, and none
Rows = list[dict[str, Any]]


def read(folder: Path, name: str) -> Rows:
    try:
        rows: Rows = json.loads((folder / f"{name}.json").read_text("utf-8"))["rows"]
    except OSError:
        return []
    return rows


@contextmanager
def style(ink: str) -> Iterator[None]:
    """Transparent, in one colour of ink; the same file for the same numbers."""
    inked = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    settings: Any = {
        **dict.fromkeys(inked, ink), "axes.titlecolor": ink, "grid.color": ink, "grid.alpha": 0.15, "axes.grid": True,
        "axes.facecolor": "none",
        "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False, "savefig.transparent": True,
        "font.size": 9, "axes.titlesize": 9.5, "axes.titlelocation": "left", "legend.fontsize": 8.5,
        "svg.hashsalt": "xentropy",
    }  # fmt: skip
    with mpl.rc_context(settings):
        yield


def label(row: dict[str, Any]) -> str:
    library, peer, what = row["library"], row["peer"], row["what"]
    what = f"BCE, {what}" if row["classes"] is None else what
    return f"{what}\n{library if library == peer else f'{library} / {peer}'}" if peer else what


def shape(row: dict[str, Any]) -> str:
    return f"{row['rows']:.0e} logits".replace("e+0", "e") if row["classes"] is None else f"{row['classes']} classes"


def dots(rows: Rows, value: str, goal: str, name: Callable[[dict[str, Any]], str], title: str) -> Any:
    """A line for each name with a dot for each shape, filled for float32, hollow for float64; goals are bars."""
    names, shapes = list(dict.fromkeys(map(name, rows))), list(dict.fromkeys(map(shape, rows)))
    lines = {one: [s for s in shapes if any(name(row) == one and shape(row) == s for row in rows)] for one in names}
    figure, axes = plt.subplots(figsize=(5.6, 0.9 + 0.43 * len(names)), layout="constrained")
    for row in rows:
        at, beside = names.index(name(row)), lines[name(row)]
        y = at + (beside.index(shape(row)) - (len(beside) - 1) / 2) * 0.15
        shade = SHADES[shapes.index(shape(row))]
        filled = row["dtype"] == "float32"
        axes.plot(row[value], y, "o", ms=5, color=shade, mfc=shade if filled else "none", mew=1.2)
        if row[goal] is not None:
            axes.plot([row[goal]] * 2, [y - 0.075, y + 0.075], color=GOAL, lw=2.2, solid_capstyle="butt")
    axes.axvline(1, color=plt.rcParams["text.color"], lw=0.8)
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    ticks = [t for t in (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300) if low <= t <= high]
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks], minor=False)
    axes.minorticks_off()
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(names) - 0.45, -0.55)
    axes.set_xlabel(title)
    handles = [Line2D([], [], marker="o", ls="", color=SHADES[k], label=s) for k, s in enumerate(shapes)]
    ink = plt.rcParams["text.color"]
    handles += [Line2D([], [], marker="o", ls="", color=ink, label="float32")]
    handles += [Line2D([], [], marker="o", ls="", color=ink, mfc="none", label="float64")]
    handles += [Line2D([], [], marker="|", ls="", color=GOAL, ms=9, mew=2.2, label="goal")]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, columnspacing=1.2, handletextpad=0.2)
    return figure


def plain(rows: Rows) -> Iterable[dict[str, Any]]:
    return (row for row in rows if row["logits"] == "random" and not row["ignored"])


def ratios(rows: Rows) -> Any:
    return dots([*plain(rows)], "ratio", "goal", label, "theirs / ours: above 1 we are faster")


def multiples(rows: Rows) -> Any:
    ours = [{**row, "peer": ""} for row in plain(rows) if row["library"] == "NumPy"]
    title = "our time / time to read the logits or take exp of them"
    return dots(ours, "limit", "limit_goal", label, title)


CALLS = {  # colour and line of each call
    "xentropy, NumPy, forward": ("#0072b2", "-"), "xentropy, NumPy, forward + backward": ("#0072b2", "--"),
    "xentropy, torch, forward + backward": ("#56b4e9", "--"), "xentropy, JAX jit, forward": ("#8c6bd1", "-"),
    "SciPy, forward": ("#e69f00", "-"), "torch, forward": ("#d1495b", "-"),
    "torch, forward + backward": ("#d1495b", "--"), "optax jit, forward": ("#009e73", "-"),
    "exp of the logits": ("#8c8c96", ":"),
}  # fmt: skip


def scaling(rows: Rows) -> Any:
    figure, panels = plt.subplots(2, 1, figsize=(5.6, 6.6), sharex=True, sharey=True, layout="constrained")
    titles = {"rows": "more rows of 1000 classes", "classes": "more classes in 8 rows"}
    for axes, (grows, title) in zip(panels, titles.items(), strict=True):
        for call, (colour, line) in CALLS.items():
            points = [(row["logits"], row["ns"]) for row in rows if row["grows"] == grows and row["call"] == call]
            if points:
                axes.plot(*zip(*points, strict=True), line, color=colour, marker="o", ms=3, lw=1.5, label=call)
        axes.set(xscale="log", yscale="log", ylabel="ns a logit")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.set_title(title)
    panels[-1].set_xlabel("logits")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, columnspacing=1.2)
    return figure


PLOTS = {"ratios": ("throughput", ratios), "multiples": ("throughput", multiples), "scaling": ("scaling", scaling)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the results of a quick run")
    quick = parser.parse_args().quick
    source, target = (RESULTS / "quick", RESULTS / "quick") if quick else (RESULTS, PAGES)
    target.mkdir(parents=True, exist_ok=True)
    for name, (data, draw) in PLOTS.items():
        rows = read(source, data)
        for theme, ink in INKS.items() if rows else ():
            with style(ink):
                figure = draw(rows)
                figure.savefig(target / f"{name}-{theme}.svg", metadata={"Date": None})
                if quick:
                    page = "#ffffff" if theme == "light" else "#131416"
                    figure.savefig(target / f"{name}-{theme}.png", dpi=110, transparent=False, facecolor=page)
                plt.close(figure)
        print(f"{target / name}-*.svg" if rows else f"{name}: {source / data}.json is not there")


if __name__ == "__main__":
    main()
