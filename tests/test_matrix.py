"""Every composition that `capabilities()` lists, on every function, in both dtypes, against the 60-digit truth.

A cell of the table is a test here, and a cell without a runner fails: what the table says is what was tested. Where
calls are compiled, every call is tried in every composition, in one of the dtypes; with XENTROPY_WHOLE_MATRIX set, in
both.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import pytest
from backends import Backend
from matrix_cases import FUNCTIONS, Case, cases

import xentropy
from xentropy.capabilities import Capability, Composition

# library of a capability -> the module here that runs its compositions
RUNNERS = {
    "torch": "matrix_torch",
    "jax": "matrix_jax",
    "numpy": "matrix_recorded",
    "array_api_strict": "matrix_recorded",
}
TESTED = [c for c in xentropy.capabilities() if c.tested]


def cells(capability: Capability) -> list[Any]:
    """One for each composition, function and dtype."""
    return [
        pytest.param(
            composition,
            function,
            dtype,
            id=f"{composition.name}-{function}-{dtype}",
            marks=[pytest.mark.compiler] * composition.name.startswith("jit"),
        )
        for composition in capability.compositions
        for function in composition.functions or FUNCTIONS
        for dtype in composition.dtypes
    ]


def run(library: str, backend: Backend, composition: Composition, function: str, dtype: str) -> None:
    compositions = import_module(RUNNERS[library]).COMPOSITIONS
    place = list(compositions).index(composition.name) + composition.dtypes.index(dtype)
    for case in spread(cases(function, dtype), place) if compiles(library, composition) else cases(function, dtype):
        compositions[composition.name](backend, case)


def compiles(library: str, composition: Composition) -> bool:
    """Whether a call is traced and compiled, which takes a second or more, and is the same in both dtypes."""
    traced = library == "jax" or composition.name.startswith(("compile", "export"))
    return traced and len(composition.dtypes) == 2 and not os.environ.get("XENTROPY_WHOLE_MATRIX")


def spread(calls: list[Case], place: int) -> list[Case]:
    """Half of them, the other half in the other dtype and in the next composition; one that is alone in both."""
    return calls[place % 2 :: 2] or calls


def columns(library: str) -> Any:
    [capability] = [c for c in TESTED if c.library == library]
    return pytest.mark.parametrize(("composition", "function", "dtype"), cells(capability))


@pytest.mark.backends("numpy")
@columns("numpy")
def test_numpy(backend: Backend, composition: Composition, function: str, dtype: str) -> None:
    run("numpy", backend, composition, function, dtype)


@pytest.mark.backends("array_api_strict")
@columns("array_api_strict")
def test_strict(backend: Backend, composition: Composition, function: str, dtype: str) -> None:
    run("array_api_strict", backend, composition, function, dtype)


@pytest.mark.backends("torch")
@columns("torch")
def test_torch(backend: Backend, composition: Composition, function: str, dtype: str) -> None:
    run("torch", backend, composition, function, dtype)


@pytest.mark.backends("jax")
@columns("jax")
def test_jax(backend: Backend, composition: Composition, function: str, dtype: str) -> None:
    run("jax", backend, composition, function, dtype)


@pytest.mark.once
def test_every_public_function_is_in_the_table() -> None:
    apart = {"value_and_grad", "capabilities", "label_policy", "threads"}
    public = {name for name in vars(xentropy) if not name.startswith("_") and callable(getattr(xentropy, name))}
    assert public - apart == set(FUNCTIONS)


@pytest.mark.once
def test_every_tested_library_has_its_cells_here() -> None:
    assert {c.library for c in TESTED} == set(RUNNERS)
