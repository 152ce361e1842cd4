"""The scorecard of the peers, from `conformance/scorecard.json`, which `nox -s peers -- --update-known` writes.

``{scorecard-overview}`` has a row for each target and setting, ``{scorecard-rules}`` the rules by targets, and
``{scorecard-deviations} NAME`` what is known of one target, with a case for each deviation.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from docutils import nodes
from sphinx.util.docutils import SphinxDirective
from tables import Cell, paragraph, table

RESULTS = Path(__file__).resolve().parents[2] / "conformance" / "scorecard.json"
RULES = {
    "1": "masked classes", "2": "0 log 0 = 0", "3": "target on a masked class", "4": "no class left",
    "5": "NaN and +inf logits", "6": "rows that do not count", "7": "reductions", "8": "label smoothing",
    "9": "bad labels", "10": "binary, at infinity", "11": "softcap, temperature", "12": "z-loss",
    "13": "gradients", "14": "invariance", "15": "empty arrays", "accuracy": "digits",
}  # fmt: skip
NAMES = {"torch.nn.functional": "torch.nn .functional", "scipy.special": "scipy .special", "sklearn": "scikit-learn"}


class Links(NamedTuple):
    """A cell of references."""

    pairs: Sequence[tuple[str, str]]  # text and address

    def node(self) -> nodes.entry:
        out = nodes.paragraph()
        for i, (text, address) in enumerate(self.pairs):
            out += [nodes.Text(", ")] if i else []
            out += nodes.reference("", text, refuri=address)
        return nodes.entry("", out)


def read() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(RESULTS.read_text("utf-8"))
    return data


def share(agrees: int, offered: int) -> str:
    """Whole only where nothing is missing."""
    if not offered:
        return "–"  # noqa: RUF001
    exact = 100 * agrees / offered
    return f"{exact:.0f} %" if agrees in (0, offered) else f"{min(max(exact, 1), 99):.0f} %"


def shade(agrees: int, offered: int) -> tuple[str, ...]:
    if not offered:
        return ("score", "score-none")
    part = agrees / offered
    level = "all" if part == 1 else "most" if part >= 0.9 else "half" if part >= 0.5 else "some"
    return ("score", f"score-{level}")


class Scorecard(SphinxDirective):
    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(RESULTS))
        return self.made(read())

    def made(self, data: dict[str, Any]) -> list[nodes.Node]:
        raise NotImplementedError


class Overview(Scorecard):
    """What was run, exactly."""

    def made(self, data: dict[str, Any]) -> list[nodes.Node]:
        head = [Cell(text) for text in ("target", "setting", "asked", "agree", "by raising", "not offered")]
        rows, before = [], ""
        for one in data["reports"]:
            versions = ", ".join(f"{name} {version}" for name, version in one["versions"].items())
            offered = one["agrees"] + one["disagrees"] + one["raises"]
            agree = Cell(share(one["agrees"], offered), "", shade(one["agrees"], offered))
            counts = (str(one["excused"]), str(one["not_offered"]))
            left = f"{one['left_out']} left out" if one["left_out"] else ""
            name = Cell(one["target"] if one["target"] != before else "", versions)
            before = one["target"]
            rows.append([name, Cell(one["setting"]), Cell(str(offered), left), agree, *map(Cell, counts)])
        text = f"{data['cases']} cases, semantics version {data['semantics']}. Run with {data['python']}."
        return [table("", head, rows, [5, 4, 2, 2, 2, 2], "scorecard"), paragraph(text, classes=["measured-on"])]


class Rules(Scorecard):
    """Rules by targets, over the settings of each."""

    def made(self, data: dict[str, Any]) -> list[nodes.Node]:
        targets = list(dict.fromkeys(one["target"] for one in data["reports"]))
        head = [Cell("rule"), *(Cell(NAMES.get(name, name)) for name in targets)]
        rows = []
        for rule, about in RULES.items():
            cells = [self.sums(data, target, rule) for target in targets]
            rows.append([Cell(about, f"rule {rule}" if rule.isdigit() else "")] + [
                Cell(share(*pair), "", shade(*pair)) for pair in cells
            ])  # fmt: skip
        return [table("", head, rows, [4, *[2] * len(targets)], "scorecard", "scorecard-rules")]

    def sums(self, data: dict[str, Any], target: str, rule: str) -> tuple[int, int]:
        texts = [one["rules"].get(rule, "0/0") for one in data["reports"] if one["target"] == target]
        pairs = [tuple(map(int, text.split("/"))) for text in texts]
        return sum(a for a, _ in pairs), sum(b for _, b in pairs)


class Deviations(SphinxDirective):
    """What one target does in another way, with a case for each."""

    required_arguments: ClassVar[int] = 1
    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(RESULTS))
        target = self.arguments[0]
        found = [one for one in read()["deviations"] if one["target"] == target]
        head = [Cell(text) for text in ("what happens", "cases", "one of them", "reports")]
        rows = []
        for one in found:
            issues = [(short(name), f"https://github.com/{name.replace('#', '/issues/')}") for name in one["issues"]]
            case = one["example"]["id"]
            rows.append(
                [Cell(one["about"]), Cell(str(one["count"])), Links([(case, f"#{anchor(one)}")]), Links(issues)]
            )
        shown = "".join(map(example, found))
        return [table("", head, rows, [6, 1, 4, 3], "deviations"), nodes.raw("", shown, format="html")]


def short(issue: str) -> str:
    """An issue without the owner of its repository."""
    return issue.rpartition("/")[2]


def anchor(one: dict[str, Any]) -> str:
    return f"case-{one['target']}-{one['reason']}".replace(" ", "-").replace(".", "-").lower()


def example(one: dict[str, Any]) -> str:
    """A case that opens, with the script that repeats it; a link to the script opens it too."""
    case = one["example"]
    others = "; ".join(f"{group}/{numbers}" for group, numbers in one["cases"].items())
    head = f"<code>{escape(case['id'])}</code> rule {escape(case['rule'])}: {escape(case['about'])}"
    return (
        f'<details class="case"><summary>{head}</summary>'
        f'<div class="highlight" id="{anchor(one)}"><pre>{escape(case["code"])}</pre></div>'
        f'<p class="case-others">All of this kind: {escape(others)}</p></details>'
    )


def setup(app: Any) -> dict[str, Any]:
    app.add_directive("scorecard-overview", Overview)
    app.add_directive("scorecard-rules", Rules)
    app.add_directive("scorecard-deviations", Deviations)
    return {"version": "1", "parallel_read_safe": True}
