"""A run against xentropy with one rule broken fails for that rule, and for nothing that it does not touch."""

from __future__ import annotations

from functools import cache

import pytest
from broken_rules import BROKEN, Broken, replacements
from xentropy_conformance.plan import plan
from xentropy_conformance.run import run
from xentropy_conformance.targets.xentropy import TARGET
from xentropy_conformance.vectors import Case, load


@cache
def cases() -> dict[str, Case]:
    return {case.id: case for case in load().select(dtypes=["float64"])}


def failures() -> frozenset[str]:
    """The cases of float64 that the runner finds wrong, on NumPy."""
    [numpy] = [setting for setting in TARGET.settings if setting.name == "numpy, eager"]
    return frozenset(one.id for one in run(TARGET, plan(TARGET, numpy, cases().values())) if one.failed)


@pytest.fixture(scope="module")
def before() -> frozenset[str]:
    """What is wrong with every rule in its place: no more than the tests of the vectors know of."""
    return failures()


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: f"rule {broken.rule}: {broken.about}")
def test_one_rule(broken: Broken, before: frozenset[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for replacement in replacements(broken):
        monkeypatch.setattr(*replacement)
    failed = [cases()[name] for name in sorted(failures() - before)]
    assert {case.id for case in failed if case.rule == broken.rule}
    assert [case.id for case in failed if not broken.touches(case)] == []


def test_none_is_left_broken(before: frozenset[str]) -> None:
    assert failures() == before
