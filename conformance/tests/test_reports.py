"""The reports: what they say, that they can be read again, and that the page needs nothing else."""

from __future__ import annotations

import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console
from xentropy_conformance import report_html, report_json, report_terminal, scorecard
from xentropy_conformance.known import News
from xentropy_conformance.pool import Order, run_all
from xentropy_conformance.report import Report, bars, percent
from xentropy_conformance.targets import find
from xentropy_conformance.vectors import load

CASES = {case.id: case for case in load().cases}
LIBRARIES: dict[str, str | None] = {}


@pytest.fixture(scope="module")
def reports() -> list[Report]:
    """A right target, a wrong one that raises too, and one that cannot be run."""
    ids = [case.id for case in load().cases if case.function in ("softplus", "sigmoid") and case.dtype == "float64"]
    targets = [find("own:softplus"), find("own:Naive")]
    found = run_all([Order(t, t.settings[0], cases=ids) for t in targets], 1, lambda *_: None)
    return [*found, Report("absent", "cupy, eager", "cupy", "eager", not_run="no CUDA device")]


class Outside(HTMLParser):
    """Everything that a page would fetch, and its ids."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.ids: list[str] = []
        self.labels = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids += [x for name, x in attrs if name == "id" and x]
        if tag in ("link", "img", "iframe", "object", "embed") or "src" in given or "srcset" in given:
            self.fetched.append(tag)
        self.labels += tag == "label"


def test_the_page_fetches_nothing(reports: list[Report]) -> None:
    text = report_html.page(reports, CASES, [], LIBRARIES, "1")
    found = Outside()
    found.feed(text)
    assert not found.fetched
    assert "@import" not in text
    assert "url(" not in text
    assert "fetch(" not in text
    assert len(found.ids) == len(set(found.ids))
    assert "@@" not in text


def test_the_page_holds_input_expected_given_and_reproduction(reports: list[Report]) -> None:
    text = report_html.page(reports, CASES, [News(reports[1], new=[reports[1].failures[0].id])], LIBRARIES, "1")
    [block] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    data = json.loads(block)
    assert {failure["target"] for failure in data["failures"]} == {"own:Naive"}
    assert any(failure["news"] for failure in data["failures"])
    for failure in data["failures"]:
        assert failure["case"] in data["cases"]
        assert data["cases"][failure["case"]]["inputs"]["x"]["text"]
        assert compile(failure["code"], "<reproduction>", "exec")
        for part in failure["parts"]:
            assert len(part["expected"]) == len(part["given"]) == len(part["bars"])


def test_markup_in_the_data_stays_text(reports: list[Report]) -> None:
    outcome = reports[1].failures[0]
    kept, outcome.text = outcome.text, "</script><b>"
    try:
        assert "</script><b>" not in report_html.page(reports, CASES, [], LIBRARIES, "1")
    finally:
        outcome.text = kept


def test_json_comes_back_as_it_was(reports: list[Report], tmp_path: Path) -> None:
    path = tmp_path / "deep" / "report.json"
    report_json.write(path, report_json.as_data(reports, CASES, [], "1"))
    assert report_json.read(path) == reports
    assert json.loads(path.read_text("utf-8"), parse_constant=lambda name: pytest.fail(name))


def test_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text('{"format": 0, "reports": []}', "utf-8")
    with pytest.raises(ValueError, match="format 0"):
        report_json.read(path)


def test_the_terminal_says_who_and_what(reports: list[Report]) -> None:
    out = io.StringIO()
    news = [News(reports[1], new=[reports[1].failures[0].id], fixed=[], unexplained=["tired"])]
    report_terminal.show(Console(file=out, width=140), reports, CASES, news, 1, LIBRARIES)
    text = out.getvalue()
    for part in ("own:softplus", "100%", "own:Naive", "absent", "no CUDA device", "not offered: no sigmoid", "tired"):
        assert part in text, part
    assert "1 cases disagree and were not known to" in text
    assert reports[1].failures[0].id in text


def test_the_scorecard_counts_and_shows_the_smallest_case(reports: list[Report]) -> None:
    data = scorecard.as_data(reports, CASES, "1")
    right, wrong = data["reports"]
    assert (right["disagrees"], right["raises"]) == (0, 0)
    assert wrong["disagrees"] == len(reports[1].failures) > 0
    assert sum(int(x.split("/")[1]) for x in wrong["rules"].values()) == len(reports[1].offered)
    [deviation] = data["deviations"]
    assert deviation["target"] == "own:Naive"
    assert deviation["count"] == wrong["disagrees"]
    assert compile(deviation["example"]["code"], "<example>", "exec")
    assert json.dumps(data, allow_nan=False)


@pytest.mark.parametrize(
    ("share", "text"), [(None, "-"), (1.0, "100%"), (0.0, "0%"), (0.9999, "99%"), (0.0001, "1%"), (0.5, "50%")]
)
def test_a_share_is_whole_only_where_nothing_is_missing(share: float | None, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("error", "text"),
    [(0.0, "0.00"), (0.984, "0.98"), (250.0, "250"), (12345.0, "1e4"), (3e15, "3e15"), (1e300, "1e300")],
)
def test_errors_have_two_digits(error: float, text: str) -> None:
    assert bars(error) == text
