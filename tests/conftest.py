"""The `backend` argument of the tests, and the options that choose what it runs over."""

from __future__ import annotations

import gc
import importlib.util
import sysconfig
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from backends import BACKENDS, OPTIONS, Backend

# Compilers make the first example slow, so there is no deadline. The same examples every time; `search` tries others.
hypothesis.settings.register_profile("xentropy", deadline=None, derandomize=True, max_examples=20)
hypothesis.settings.register_profile("search", deadline=None, print_blob=True, max_examples=1000)
hypothesis.settings.load_profile("xentropy")

# Compilers make millions of objects that live; to look through them every 700 takes a tenth of the time.
gc.set_threshold(100_000, 50, 100)

# these import their library as they are collected
collect_ignore_glob = [] if importlib.util.find_spec("torch") else ["test_*_torch.py"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--backend",
        action="append",
        choices=[*OPTIONS, "all"],
        help="the library to test on (may be given more than once); without it, all that are installed",
    )
    parser.addoption(
        "--require-installed",
        action="store_true",
        help="fail unless xentropy is imported from site-packages",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--require-installed"):
        where, installed = package_folder(), Path(sysconfig.get_path("purelib"))
        if where is None or not where.is_relative_to(installed):
            raise pytest.UsageError(f"xentropy is imported from {where}, not from {installed}")
    absent = dict(missing())
    for name in chosen_options(config):
        reasons = [absent.get(b.name) for b in BACKENDS if b.option == name]
        if all(reasons):
            raise pytest.UsageError(f"--backend={name}: {reasons[0]}")


def pytest_report_header(config: pytest.Config) -> list[str]:
    tested = ", ".join(b.name for b in chosen(config)) or "none"
    not_tested = ", ".join(f"{name} ({why})" for name, why in missing()) or "none"
    return [f"xentropy: {package_folder()}", f"backends: {tested}; cannot be tested here: {not_tested}"]


def package_folder() -> Path | None:
    """Where `import xentropy` would find it; it is not imported."""
    spec = importlib.util.find_spec("xentropy")
    return None if spec is None or spec.origin is None else Path(spec.origin).parent


@cache
def missing() -> tuple[tuple[str, str], ...]:
    """The backends that cannot be tested here, and why."""
    return tuple((b.name, why) for b in BACKENDS if (why := b.missing()))


def chosen_options(config: pytest.Config) -> list[str]:
    """The libraries asked for by name."""
    given = config.getoption("--backend") or []
    return [] if "all" in given else given


def chosen(config: pytest.Config) -> list[Backend]:
    """The backends that this run tests."""
    names, absent = chosen_options(config), dict(missing())
    return [b for b in BACKENDS if b.name not in absent and (not names or b.option in names)]


def wanted(backend: Backend, marker: pytest.Mark | None) -> bool:
    """Whether a test with this `backends` marker runs on this backend."""
    if marker is None:
        return True
    autodiff = marker.kwargs.get("autodiff")
    named = not marker.args or backend.option in marker.args or backend.name in marker.args
    return named and (autodiff is None or backend.has_autodiff == autodiff)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    # A parameter and not a fixture of its own: Hypothesis warns of fixtures set up once for all its examples.
    if "backend" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("backends")
        file = metafunc.definition.path.name
        entries = [b for b in chosen(metafunc.config) if wanted(b, marker) and any(fnmatch(file, f) for f in b.files)]
        metafunc.parametrize("backend", entries, ids=str)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of other libraries than those of this run: pytest would count them as skipped."""

    def elsewhere(item: pytest.Item) -> bool:
        call = getattr(item, "callspec", None)
        return call is not None and not isinstance(call.params.get("backend", None), Backend | None)

    config.hook.pytest_deselected(items=[item for item in items if elsewhere(item)])
    items[:] = [item for item in items if not elsewhere(item)]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[Any]:
    """A cell of the matrix has passed or it has not: there is no skipping."""
    report = yield
    if report.skipped and item.path.name == "test_matrix.py":
        report.outcome = "failed"
    return report


@pytest.fixture(autouse=True)
def _mode(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Switch on what the backend's row asks for: JAX's 64-bit mode, the strict library's flags."""
    if "backend" in request.fixturenames:
        with request.getfixturevalue("backend").context():
            yield
    else:
        yield
