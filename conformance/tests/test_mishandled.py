"""The runner sees what becomes of arrays: written over, moved to another device, of another type or dtype."""

from __future__ import annotations

import pytest
from mishandled import MISHANDLED, Mishandled, target
from xentropy_conformance.plan import plan
from xentropy_conformance.run import Outcome, run
from xentropy_conformance.vectors import Case, load


def plain() -> list[Case]:
    """Two rows and their classes: cases in which nothing else can go wrong."""
    found = load().select(functions=["cross_entropy"], dtypes=["float32", "float16"])
    usual = {"axis": -1, "reduction": "none"}
    return [case for case in found if case.rule in ("7", "13") and case.options == usual and len(case.inputs) == 2]


def outcomes(mutant: Mishandled | None, library: str) -> list[Outcome]:
    chosen = target(mutant, library)
    return [one for one in run(chosen, plan(chosen, chosen.settings[0], plain())) if one.status != "not offered"]


@pytest.mark.parametrize("library", sorted({mutant.library for mutant in MISHANDLED}))
def test_the_right_one(library: str) -> None:
    if library.startswith("array_api_strict"):
        pytest.importorskip("array_api_strict")
    found = outcomes(None, library)
    assert found
    assert [one.id for one in found if one.failed] == []


@pytest.mark.parametrize("mutant", MISHANDLED, ids=lambda mutant: mutant.wrapper.__doc__)
def test_every_one_is_caught(mutant: Mishandled) -> None:
    """By what it does to the arrays alone: its numbers are right."""
    if mutant.library.startswith("array_api_strict"):
        pytest.importorskip("array_api_strict")
    failed = [one for one in outcomes(mutant, mutant.library) if one.failed]
    assert failed
    for one in failed:
        wrong = [part for part in one.parts if not part.agrees]
        assert [mutant.complaint in part.complaint for part in wrong] == [True], one
