"""The vectors find every mistake, by the rule that is meant to find it, and find none where there is none."""

from __future__ import annotations

from functools import cache

import mutants_of_binary_digits
import mutants_of_digits
import mutants_of_options
import mutants_of_reductions
import numpy as np
import pytest
import right
from mutants import MUTANTS, Break
from mutants_of_second_order import SECOND_ORDER, Products, along
from xentropy_conformance.vectors import POSITIONAL, Case, load

FILES = (mutants_of_binary_digits, mutants_of_digits, mutants_of_options, mutants_of_reductions)  # they register


@cache
def cases(function: str) -> tuple[Case, ...]:
    pytest.importorskip("ml_dtypes")
    return load().select(functions=[function])


@pytest.mark.parametrize("function", POSITIONAL)
def test_the_right_one_agrees_with_every_case(function: str) -> None:
    wrong: dict[str, dict[str, float]] = {}
    for case in cases(function):
        found = {name: error for name, error in right.errors(case, right.solve(case)).items() if not error <= 1}
        wrong |= {case.id: found} if found else {}
    assert not wrong


@pytest.mark.parametrize("name", MUTANTS)
def test_every_mutant_is_caught(name: str) -> None:
    """In each of its functions, by a case of the rule that is meant to, with which the right one agrees."""
    mutant = MUTANTS[name]
    for function in mutant.functions:
        asked = [case for case in cases(function) if case.rule in mutant.rules]
        assert any(caught(case, mutant.broken) for case in asked), function


def caught(case: Case, broken: Break) -> bool:
    with np.errstate(all="ignore"):
        try:
            answer = broken(case)
        except (ValueError, TypeError):
            return False  # an error is no wrong number
    return answer is not None and not right.agrees(case, answer)


def test_there_are_many() -> None:
    assert len({mutant.broken.__module__ for mutant in MUTANTS.values()}) == len(FILES) + 1
    assert len(MUTANTS) + len(SECOND_ORDER) >= 75


@cache
def curved() -> tuple[Case, ...]:
    """Cases of float32 whose second order differences of float64 see well: no tails, no ends of a range."""
    float32 = [c for c in load().select(dtypes=["float32"]) if c.expected.hvp and c.rule != "accuracy"]
    return tuple(case for case in float32 if right_products(case) is not None)


@cache
def right_products(case: Case) -> Products | None:
    with np.errstate(all="ignore"):
        try:
            found = right.products(case, along(case))
        except ValueError:  # a step leaves the range of a smoothing or of a probability
            return None
    return found if all(np.isfinite(x).all() for x in found.values()) else None


def test_second_order_agrees() -> None:
    wrong: dict[str, float] = {}
    for case in curved():
        found = right_products(case)
        assert found is not None
        error = right.product_error(case, found)
        wrong |= {} if error <= 1 else {case.id: error}
    assert not wrong
    assert len(curved()) > 500


@pytest.mark.parametrize("mutant", SECOND_ORDER, ids=lambda f: f.__doc__)
def test_every_mutant_of_second_order_is_caught(mutant: object) -> None:
    assert callable(mutant)
    for case in curved():
        found = mutant(case)
        if found is not None and right.product_error(case, found) > 1:
            return
    pytest.fail("agrees with every case")
