"""The worst error of each function and backend as an SVG, drawn without anything that has to be installed.

Errors are shown in ulp of the size of the terms; four of them are the bar that a number may not exceed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import log10

from .judge import ULP_PER_BAR
from .report import Report, bars
from .run import Outcome
from .vectors import Case

LOW, HIGH = -2.0, 18.0  # powers of ten on the axis, in ulp
LEFT, RIGHT, TOP, HEAD, ROW = 176.0, 90.0, 58.0, 22.0, 15.0
WIDTH = 1000.0
INF = float("inf")
SHAPES = {  # by library, around 0
    "numpy": "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0Z",
    "torch": "M-3.7,-3.7H3.7V3.7H-3.7Z",
    "jax": "M0,-4.8L4.6,3.6H-4.6Z",
    "tensorflow": "M0,-5L5,0L0,5L-5,0Z",
    "array_api_strict": "M-4.6,-1.4H-1.4V-4.6H1.4V-1.4H4.6V1.4H1.4V4.6H-1.4V1.4H-4.6Z",
    "dask": "M0,4.8L4.6,-3.6H-4.6Z",
    "cupy": "M-2,-4.4H2L4.4,0L2,4.4H-2L-4.4,0Z",
}


@dataclass(frozen=True)
class Point:
    """The worst of one function, by one target on one library."""

    function: str
    target: str
    library: str
    finite: float  # the worst error of a finite number
    special: bool  # an infinity, a NaN, an exact number or a shape is wrong
    raised: int


def points(reports: Sequence[Report], cases: dict[str, Case]) -> list[Point]:
    grouped: dict[tuple[str, str, str], list[Outcome]] = {}
    for report in reports:
        library = report.library.split(" ")[0]
        for outcome in report.offered:
            grouped.setdefault((cases[outcome.id].function, report.target, library), []).append(outcome)
    found = []
    for key, outcomes in grouped.items():
        finite, special = worst(outcomes)
        found.append(Point(*key, finite, special, sum(o.status == "raises" for o in outcomes)))
    return found


def worst(outcomes: Iterable[Outcome]) -> tuple[float, bool]:
    finite, special = 0.0, False
    for outcome in outcomes:
        for part in outcome.parts:
            numbers = [part.worst, *part.bars]
            finite = max([finite, *(x for x in numbers if x < INF)])
            special = special or INF in numbers
    return finite, special


def draw(found: Sequence[Point], order: Sequence[str], colours: dict[str, int]) -> str:
    """One lane for each function, in it one line for each backend."""
    lanes = [(f, [p for p in found if p.function == f]) for f in order]
    lanes = [(f, mine) for f, mine in lanes if mine]
    heights = [HEAD + ROW * len(mine) + 10 for _, mine in lanes]
    tall = sum(heights)
    height, width = TOP + tall + 34, across(ULP_PER_BAR) - LEFT
    out = [
        f'<svg viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" aria-label="Worst errors by function and backend">',
        f'<rect class="fine" x="{LEFT}" y="{TOP}" width="{width:.1f}" height="{tall:.0f}"/>',
        *axis(tall),
    ]
    y = TOP
    for (function, mine), tall in zip(lanes, heights, strict=True):
        out.append(f'<line class="grid" x1="8" x2="{WIDTH - 8}" y1="{y:.1f}" y2="{y:.1f}"/>')
        out.append(f'<text class="fn" x="10" y="{y + 17:.1f}">{escape(function)}</text>')
        for i, point in enumerate(mine):
            out += mark(point, y + HEAD + ROW * (i + 0.5), colours[point.target])
        y += tall
    return "\n".join([*out, "</svg>"])


def axis(tall: float) -> list[str]:
    """Powers of ten, above and below; the last column is for what no number can measure."""
    out, bottom = [], TOP + tall
    for power in range(int(LOW) + 2, int(HIGH) + 1, 3):
        x = across(10.0**power)
        label = f"{10.0**power:g}" if power <= 3 else f"1e{power}"
        out.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom:.1f}"/>')
        out += [f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{label}</text>' for y in (TOP - 8, bottom + 16)]
    most, end, middle = across(ULP_PER_BAR), WIDTH - RIGHT / 2, (LEFT + WIDTH - RIGHT) / 2
    out.append(f'<line class="one" x1="{most:.1f}" x2="{most:.1f}" y1="{TOP - 26}" y2="{bottom:.1f}"/>')
    out.append(f'<text x="{most:.1f}" y="{TOP - 32}" text-anchor="middle">{ULP_PER_BAR:g} ulp agree</text>')
    out.append(f'<text x="{end}" y="{TOP - 24}" text-anchor="middle">∞, NaN</text>')
    out.append(f'<text x="{end}" y="{TOP - 10}" text-anchor="middle">or exact 0</text>')
    out.append(f'<text x="{middle:.0f}" y="{bottom + 32:.1f}" text-anchor="middle">worst error, ulp</text>')
    return out


def across(error: float) -> float:
    """The place of an error in ulp on the axis."""
    power = min(max(log10(error) if error > 0 else LOW, LOW), HIGH)
    return LEFT + (power - LOW) / (HIGH - LOW) * (WIDTH - RIGHT - LEFT - 14)


def mark(point: Point, y: float, colour: int) -> list[str]:
    """A bar from 0 with the library's shape at its end, and the shape again for wrong special values."""
    name, ulp = f"{point.target}, {point.library}", point.finite * ULP_PER_BAR
    said = f"{name}: {bars(ulp)} ulp" + ("; wrong at special values" if point.special else "")
    shape, x = SHAPES.get(point.library, SHAPES["numpy"]), across(ulp)
    out = [f'<g style="color:var(--t{colour})"><title>{escape(said)}</title>']
    out.append(f'<text x="{LEFT - 10}" y="{y + 4:.1f}" text-anchor="end">{escape(short(point))}</text>')
    out.append(f'<line class="stem" x1="{LEFT}" x2="{x:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
    out.append(f'<path class="mark" transform="translate({x:.1f} {y:.1f})" d="{shape}"/>')
    if point.special:
        out.append(f'<path class="mark" transform="translate({WIDTH - RIGHT / 2} {y:.1f})" d="{shape}"/>')
    return [*out, "</g>"]


def short(point: Point) -> str:
    """A name that fits beside the function's."""
    target = point.target.rpartition(":")[2]
    alone = {"torch.nn.functional": "torch", "jax.nn": "jax.nn", "optax": "optax", "tensorflow": "tensorflow"}
    return alone.get(target, f"{target} {point.library}".replace("array_api_", ""))
