"""The page in a real browser: it draws, filters, copies and moves, fetches nothing, and fits a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import chromium
import pytest
from xentropy_conformance import report_html
from xentropy_conformance.known import News
from xentropy_conformance.pool import Order, run_all
from xentropy_conformance.report import Report
from xentropy_conformance.targets import find
from xentropy_conformance.vectors import load

PATH = chromium.installed()
pytestmark = pytest.mark.skipif(
    PATH is None, reason=f"no browser: none of {', '.join(chromium.NAMES)} is on the PATH"
)
CASES = {case.id: case for case in load().cases}
CARDS = "document.querySelectorAll('#cards details').length"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page with a right target, and two that are wrong in several ways."""
    wanted = {"softplus": ("float32", "float64"), "cross_entropy": ("float32",)}
    ids = [case.id for case in load().cases if case.dtype in wanted.get(case.function, ())]
    targets = [find(f"own:{name}") for name in ("softplus", "Naive", "cross_entropy")]
    reports = run_all([Order(t, t.settings[0], cases=ids) for t in targets], 1, lambda *_: None)
    reports.append(Report("absent", "cupy, eager", "cupy", "eager", not_run="no CUDA device"))
    news = [News(reports[1], new=[reports[1].failures[0].id])]
    path = tmp_path_factory.mktemp("page") / "report.html"
    report_html.write(path, reports, CASES, news, {}, "1")
    return path.as_uri()


@pytest.fixture(params=[(1200, 900), (390, 844)], ids=["desktop", "phone"])
def browser(request: pytest.FixtureRequest, page: str) -> Iterator[chromium.Browser]:
    assert PATH is not None
    with chromium.Browser(PATH, *request.param) as opened:
        opened.open(page)
        yield opened
        assert opened.errors == []
        assert {url.partition(":")[0] for url in opened.requests} <= {"file", "about"}


def choose(browser: chromium.Browser, name: str, value: str) -> None:
    browser.evaluate(
        f"(() => {{ const field = document.getElementById('filters').elements['{name}']; field.value = '{value}';"
        " field.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )


def test_it_shows_every_kind_of_failure(browser: chromium.Browser) -> None:
    kinds = browser.evaluate("JSON.parse(document.getElementById('data').textContent).failures.length")
    assert kinds > 5
    assert browser.evaluate(CARDS) == min(kinds, 40)
    assert browser.evaluate("document.getElementById('count').textContent").startswith(f"{kinds} kinds of failure")


def test_nothing_is_wider_than_the_screen(browser: chromium.Browser) -> None:
    browser.evaluate("document.querySelectorAll('#cards details').forEach((d) => { d.open = true; })")
    browser.wait("document.querySelector('#cards .body') !== null")
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    ("name", "value"), [("target", "own:Naive"), ("rule", "9"), ("library", "numpy"), ("result", "news")]
)
def test_filters(browser: chromium.Browser, name: str, value: str) -> None:
    choose(browser, name, value)
    badge = {
        "target": "f.target === 'own:Naive'", "rule": "f.rule === '9'", "result": "f.news",
        "library": "f.settings.some((s) => DATA.settings[s].library === 'numpy')",
    }[name]  # fmt: skip
    expected = browser.evaluate(f"DATA.failures.filter((f) => {badge}).length")
    assert expected > 0
    assert browser.evaluate("shown.length") == expected
    assert f"{name}={value.replace(':', '%3A')}" in browser.evaluate("location.hash")
    browser.evaluate("document.getElementById('filters').reset()")
    browser.wait("shown.length === DATA.failures.length && location.hash === ''")


def test_search(browser: chromium.Browser) -> None:
    choose(browser, "text", "softplus float64/5000")
    assert browser.evaluate("shown.map((f) => f.target)") == ["own:Naive"]
    choose(browser, "text", "nothing of the kind")
    assert browser.evaluate("document.getElementById('count').textContent") == "No failure fits."


def test_a_card_opens_with_input_numbers_and_script(browser: chromium.Browser) -> None:
    choose(browser, "target", "own:Naive")
    browser.evaluate("document.querySelector('#cards summary').focus()")
    browser.press("Enter")
    browser.wait("document.querySelector('#cards .body') !== null")
    text = browser.evaluate("document.querySelector('#cards .body').innerText")
    assert "from own import Naive" in text
    assert "expected" in text
    assert "given" in text
    assert "-80" in text
    assert browser.evaluate("document.querySelectorAll('#cards .body tr.bad').length") > 0


def test_a_cell_of_the_matrix_filters(browser: chromium.Browser) -> None:
    """By keyboard: into the matrix, along it with the arrows, and Enter."""
    browser.evaluate("document.querySelector('.matrix button').focus()")
    first = browser.evaluate("document.activeElement.getAttribute('aria-label')")
    browser.press("ArrowDown")
    assert browser.evaluate("document.activeElement.getAttribute('aria-label')") != first
    browser.press("End")
    browser.press("Enter")
    assert browser.evaluate("document.getElementById('filters').elements.target.value").startswith("own:")
    assert browser.evaluate("shown.every((f) => f.target === form.elements.target.value)")


def test_keys_walk_the_failures(browser: chromium.Browser) -> None:
    browser.press("j")
    browser.press("j")
    assert browser.evaluate("[...document.querySelectorAll('#cards summary')].indexOf(document.activeElement)") == 1
    browser.press("k")
    assert browser.evaluate("[...document.querySelectorAll('#cards summary')].indexOf(document.activeElement)") == 0
    browser.press("/")
    assert browser.evaluate("document.activeElement.name") == "text"


def test_a_link_with_filters_opens_filtered(browser: chromium.Browser, page: str) -> None:
    browser.open("about:blank")
    browser.open(f"{page}#rule=10&target=own%3ANaive")
    assert browser.evaluate("shown.length") > 0
    assert browser.evaluate("shown.every((f) => f.rule === '10' && f.target === 'own:Naive')")


def test_the_theme_can_be_switched(browser: chromium.Browser) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    before = browser.evaluate(colour)
    browser.evaluate("document.getElementById('theme').click()")
    assert browser.evaluate(colour) != before


def test_pictures(browser: chromium.Browser, tmp_path: Path) -> None:
    """Something is drawn: a blank page compresses to next to nothing."""
    browser.picture(tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 10_000
