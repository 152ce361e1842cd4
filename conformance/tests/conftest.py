"""The libraries that the properties are tested on, and how long: `--max-examples 10000` for a night."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from backends import BACKENDS, Backend

EXAMPLES = 15


def pytest_addoption(parser: pytest.Parser) -> None:
    text = f"examples of each property, at random; without it the same {EXAMPLES} on every run"
    parser.addoption("--max-examples", type=int, default=None, help=text)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "backends(fits): run on the backends that a function says yes to")
    # Compilers make the first example slow, so there is no deadline.
    count = config.getoption("--max-examples")
    settings: dict[str, Any] = {"deadline": None, "print_blob": True, "max_examples": count or EXAMPLES}
    hypothesis.settings.register_profile("conformance", derandomize=count is None, **settings)
    hypothesis.settings.load_profile("conformance")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`backend`: every library that is installed; with the marker `backends`, those it is true of."""
    if "backend" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("backends")
        fits = marker.args[0] if marker else lambda _: True
        here = [one for one in BACKENDS if not one.missing() and fits(one)]
        metafunc.parametrize("backend", here, ids=str)


@pytest.fixture(autouse=True)
def _mode(request: pytest.FixtureRequest) -> Iterator[Any]:
    """What the backend's row asks for: JAX's 64-bit mode, the strict library's flags."""
    if "backend" not in request.fixturenames:
        yield
        return
    backend: Backend = request.getfixturevalue("backend")
    with backend.context():
        yield
