"""What the large benchmarks found, from the files in `benchmarks/results`.

``{benchmark-summary}`` says it in a few lines, ``{throughput-table}``, ``{limit-table}``, ``{threads-table}`` and
``{memory-table}`` in figures, ``{benchmark-plot} NAME`` in a plot for light and one for dark pages, and
``{measured-on} NAME`` on which machine. Where a file is not there, the page says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from safety_table import measured_on, read
from sphinx.util.docutils import SphinxDirective
from tables import Cell, paragraph, table

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
PLOTS = ROOT / "docs" / "_static" / "benchmarks"
Row = dict[str, Any]
LIBRARIES = {
    "NumPy": "On NumPy arrays",
    "torch": "On tensors of torch, eager",
    "torch compiled": "Under torch.compile",
    "JAX jit": "Under jax.jit",
}


def absent(command: str) -> list[nodes.Node]:
    words = nodes.literal("", command)
    return [paragraph("This benchmark has not been run here. It is ", words, ".", classes=["not-measured"])]


def figure(value: float) -> str:
    """Two or three digits."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def judged(value: float, goal: float | None, *, at_most: bool = False, unit: str = "") -> Cell:
    """A figure with its goal below it, and whether it was reached in a colour and in words."""
    if goal is None:
        return Cell(f"{figure(value)}{unit}", classes=("score",))
    good = value <= goal if at_most else value >= goal
    note = f"goal {'≤' if at_most else '≥'} {goal:g}" + ("" if good else ", missed")
    return Cell(f"{figure(value)}{unit}", note, ("score", "score-most" if good else "score-some"))


def size(row: Row) -> str:
    return f"{row['rows']} × {row['classes']}" if row.get("classes") else f"{row['rows']:,}"  # noqa: RUF001


def crossed(
    rows: list[Row],
    name: Callable[[Row], Cell],
    cell: Callable[[Row], Cell],
    corner: str,
    column: Callable[[Row], str] = size,
) -> nodes.Node:
    """A line for each name, a column for each size; a place without a row stays empty."""
    columns, names = list(dict.fromkeys(map(column, rows))), list(dict.fromkeys(map(name, rows)))
    found = {(name(row), column(row)): cell(row) for row in rows}
    lines = [[one, *(found.get((one, c), Cell("")) for c in columns)] for one in names]
    head = [Cell(corner), *(Cell(c, classes=("score",)) for c in columns)]
    return table("", head, lines, [5, *[3] * len(columns)], "benchmark")


class Results(SphinxDirective):
    """A directive that shows one file."""

    has_content: ClassVar[bool] = False
    file: ClassVar[str] = "throughput"

    def run(self) -> list[nodes.Node]:
        path = RESULTS / f"{'-'.join([self.file, *filter(None, [self.options.get('machine')])])}.json"
        self.env.note_dependency(str(path))
        rows = [row for row in read(path)[1] if self.wanted(row)]
        return list(self.show(rows)) if rows else absent(f"python benchmarks/{self.file}.py")

    def wanted(self, row: Row) -> bool:
        return True

    def show(self, rows: list[Row]) -> Iterable[nodes.Node]:
        raise NotImplementedError


class ThroughputTable(Results):
    """Ratios: with `:dtype:`, `:logits:`, `:ignored:` those of such batches; with `:binary:` those of BCE; with
    `:machine:` those of another one."""

    option_spec: ClassVar[dict[str, Any]] = {
        "dtype": directives.unchanged, "logits": directives.unchanged, "ignored": float, "binary": directives.flag,
        "machine": directives.unchanged,
    }  # fmt: skip

    def wanted(self, row: Row) -> bool:
        o = self.options
        return (
            (row["classes"] is None) == ("binary" in o)
            and row["dtype"] == o.get("dtype", row["dtype"])
            and row["logits"] == o.get("logits", "random")
            and row["ignored"] == o.get("ignored", 0)
        )

    def show(self, rows: list[Row]) -> Iterable[nodes.Node]:
        def name(row: Row) -> Cell:
            sides = row["library"] if row["library"] == row["peer"] else f"{row['library']} / {row['peer']}"
            return Cell(row["what"], sides)

        def dtype(row: Row) -> str:
            return f"{size(row)} {row['dtype']}"

        column = dtype if "binary" in self.options else size
        yield crossed(rows, name, lambda row: judged(row["ratio"], row["goal"]), "theirs / ours", column)


class LimitTable(Results):
    option_spec: ClassVar[dict[str, Any]] = {"machine": directives.unchanged}

    def wanted(self, row: Row) -> bool:
        return row["library"] == "NumPy" and row["logits"] == "random" and not row["ignored"]

    def show(self, rows: list[Row]) -> Iterable[nodes.Node]:
        def name(row: Row) -> Cell:
            return Cell(("" if row["classes"] else "BCE, ") + row["what"], row["dtype"])

        yield crossed(rows, name, lambda row: judged(row["limit"], row["limit_goal"], at_most=True), "time / limit")


class ThreadsTable(Results):
    file = "threads_gain"

    def show(self, rows: list[Row]) -> Iterable[nodes.Node]:
        head = [Cell(text) for text in ("logits", "two threads gain", "exp gains", "ours / exp")]
        body = [
            [
                Cell(size(row), row["dtype"]), Cell(figure(row["ours_gain"]), classes=("score",)),
                Cell(figure(row["exp_gain"]), classes=("score",)), judged(row["share"], row["goal"]),
            ]
            for row in rows
        ]  # fmt: skip
        yield table("", head, body, [4, 3, 3, 3], "benchmark")


class MemoryTable(Results):
    file = "memory"

    def show(self, rows: list[Row]) -> Iterable[nodes.Node]:
        def cell(row: Row) -> Cell:
            known = [row[key] for key in ("resident_mib", "allocated_mib") if row[key] is not None]
            return judged(max(0.0, *known), row["goal"], at_most=True) if known else Cell("not measured")

        def columns(row: Row) -> Row:
            return {**row, "rows": f"{row['logits_mib']:.0f} MiB: {row['rows']}"}

        rows = [columns(row) for row in rows]
        yield crossed(rows, lambda row: Cell(row["library"], row["what"]), cell, "MiB more")


class Summary(Results):
    """A line for each library, and one that counts the goals."""

    def show(self, rows: list[Row]) -> Iterable[nodes.Node]:
        lines = nodes.bullet_list()
        for library, words in LIBRARIES.items():
            mine = [row for row in rows if row["library"] == library and row["goal"] and row["classes"]]
            kinds = dict.fromkeys((row["what"], row["peer"]) for row in mine)
            parts = []
            for what, peer in kinds:
                ratios = [row["ratio"] for row in mine if (row["what"], row["peer"]) == (what, peer)]
                parts.append(f"{what} {figure(min(ratios))} to {figure(max(ratios))} ({peer})")
            if parts:
                lines += nodes.list_item("", paragraph(nodes.strong("", words), f": {', '.join(parts)}."))
        goals = [row["ratio"] >= row["goal"] for row in rows if row["goal"]]
        near = [row["limit"] <= row["limit_goal"] for row in rows if row["limit_goal"]]
        text = (
            f": {sum(goals)} of {len(goals)} ratios, and {sum(near)} of {len(near)} multiples of what the machine "
            "needs for reading the logits or for exp of them."
        )
        lines += nodes.list_item("", paragraph(nodes.strong("", "Goals reached"), text))
        yield lines


class BenchmarkPlot(SphinxDirective):
    """Both files of a plot; the content is what it shows, for those who do not see it."""

    has_content: ClassVar[bool] = True
    required_arguments: ClassVar[int] = 1

    def run(self) -> list[nodes.Node]:
        name, out = self.arguments[0], []
        for theme in ("light", "dark"):
            path = PLOTS / f"{name}-{theme}.svg"
            self.env.note_dependency(str(path))
            if not path.exists():
                return absent("python benchmarks/plots.py")
            uri, alt = f"/_static/benchmarks/{path.name}", " ".join(self.content)
            out.append(nodes.image("", uri=uri, alt=alt, classes=["benchmark-plot", f"only-{theme}"]))
        return out


class MeasuredOn(SphinxDirective):
    required_arguments: ClassVar[int] = 1

    def run(self) -> list[nodes.Node]:
        path = RESULTS / f"{self.arguments[0]}.json"
        self.env.note_dependency(str(path))
        text = measured_on(read(path)[0])
        return [paragraph(text, classes=["measured-on"])] if text else []


def setup(app: Any) -> dict[str, Any]:
    app.add_directive("benchmark-summary", Summary)
    app.add_directive("throughput-table", ThroughputTable)
    app.add_directive("limit-table", LimitTable)
    app.add_directive("threads-table", ThreadsTable)
    app.add_directive("memory-table", MemoryTable)
    app.add_directive("benchmark-plot", BenchmarkPlot)
    app.add_directive("measured-on", MeasuredOn)
    return {"version": "1", "parallel_read_safe": True}
