"""The file of vectors: its layout, its numbers, its readers, and that it is made again exactly."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from xentropy_conformance import vectors
from xentropy_conformance.vectors import POSITIONAL, Array, load, read

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "xentropy_conformance" / "data"
DTYPES = ("float16", "bfloat16", "float32", "float64")
RULES = {*map(str, range(1, 16)), "accuracy"}


@pytest.fixture(scope="module")
def text() -> str:
    return (DATA / "vectors.json").read_text("utf-8")


@pytest.fixture(scope="module")
def raw(text: str) -> dict[str, Any]:
    return dict(json.loads(text))


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    found = json.loads((DATA / "vectors.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(found)
    return Draft202012Validator(found)


def test_layout(raw: dict[str, Any], schema: Draft202012Validator) -> None:
    assert [f"{error.json_path}: {error.message[:200]}" for error in schema.iter_errors(raw)] == []


def test_layout_is_checked(raw: dict[str, Any], schema: Draft202012Validator) -> None:
    """The schema refuses what does not fit."""
    good = raw["cases"][0]
    broken: list[dict[str, Any]] = [
        {**good, "id": "no number"},
        {**good, "more": 1},
        {**good, "rule": "16"},
        {**good, "reports": ["optax 896"]},
        {**good, "options": {"reduction": "average"}},
        {key: x for key, x in good.items() if key != "expected"},
    ]
    for case in broken:
        assert not schema.is_valid({**raw, "cases": [case]}), case
    assert schema.is_valid({**raw, "cases": [good]})


def test_size_and_coverage(text: str) -> None:
    cases = load().cases
    assert len(cases) >= 2000
    assert len(text) < 12e6
    assert {case.rule for case in cases} == RULES
    assert {case.function for case in cases} == set(POSITIONAL)
    pairs = Counter((case.function, case.dtype) for case in cases)
    losses = set(POSITIONAL) - {"sigmoid", "log_sigmoid", "softplus", "xlogy"}
    assert all(pairs[function, dtype] >= 5 for function in losses for dtype in DTYPES)
    assert sum(case.expected.hvp is not None for case in cases) > 500
    assert len({report for case in cases for report in case.reports}) > 100


def test_ids() -> None:
    """Unique, in order, and what they say."""
    cases = load().cases
    ids = [case.id for case in cases]
    assert ids == sorted(set(ids))
    assert all(case.id.split("/")[:2] == [case.function, case.dtype] for case in cases)


def test_no_case_is_there_twice(raw: dict[str, Any]) -> None:
    calls = Counter(json.dumps([case[key] for key in ("function", "inputs", "options")]) for case in raw["cases"])
    assert max(calls.values()) == 1


def test_reports_that_are_left_out() -> None:
    """The table of those without a case is true, and what belongs to a report has it."""
    import left_out

    present = {report for case in load().cases for report in case.reports}
    assert not present & left_out.LEFT_OUT.keys()
    assert not present & left_out.BELONGS_TO.keys()
    assert present >= set(left_out.BELONGS_TO.values())


def test_shapes() -> None:
    """Gradients fit their inputs; the dtypes are the ones that are promised."""
    keeps = ("logsumexp", "softmax", "log_softmax", "sigmoid", "log_sigmoid", "softplus", "xlogy")
    for case in load().cases:
        floating = {name: x for name, x in case.inputs.items() if x.floating}
        assert case.expected.gradients.keys() == floating.keys()
        for name, x in floating.items():
            gradient = case.expected.gradients[name]
            assert (gradient.shape, gradient.dtype, x.dtype) == (x.values.shape, x.dtype, case.dtype), case.id
        wide = case.dtype if case.function in keeps or not case.dtype.endswith("16") else "float32"
        assert case.expected.value.dtype == wide
        assert tuple(case.inputs)[: len(case.args)] == POSITIONAL[case.function]
        assert (case.expected.sign is not None) == case.options.get("return_sign", False)
        assert (case.expected.lse is not None) == case.options.get("return_lse", False)
        if case.expected.hvp is not None:
            assert case.expected.hvp.products.keys() == case.expected.hvp.direction.keys()


def test_inputs_are_rounded(raw: dict[str, Any]) -> None:
    """Every input is a number of its dtype."""
    pytest.importorskip("ml_dtypes")
    for case, found in zip(raw["cases"], load().cases, strict=True):
        for name, x in found.inputs.items():
            if x.floating:
                exact = [float.fromhex(number) for number in case["inputs"][name]["data"]]
                np.testing.assert_array_equal(x.values.astype(np.float64).ravel(), exact)


def test_bfloat16_without_ml_dtypes(monkeypatch: pytest.MonkeyPatch) -> None:
    """float32 holds the rounded numbers, and the dtype keeps its name."""
    monkeypatch.setattr(vectors, "find_spec", lambda name: None)
    vectors._bfloat16.cache_clear()
    x = vectors._array({"dtype": "bfloat16", "shape": [2], "data": ["0x1.8p+0", "-inf"]})
    vectors._bfloat16.cache_clear()
    assert (x.dtype, x.values.dtype.name, x.values.tolist()) == ("bfloat16", "float32", [1.5, -np.inf])
    assert isinstance(x, Array)
    assert x.floating


def test_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="format 2"):
        read('{"format": 2, "cases": []}')


def test_made_again(text: str) -> None:
    """A sample through all functions, dtypes and rules; the script makes the rest in the same way."""
    pytest.importorskip("ml_dtypes")
    pytest.importorskip("mpmath")
    import make_vectors

    specs = make_vectors.specs()
    lines = {line[7 : line.index('",')]: line.rstrip(",") for line in text.splitlines() if line.startswith('{"id":')}
    assert [spec.id for spec in specs] == list(lines)
    for spec in specs[:: len(specs) // 120]:
        assert make_vectors.line(spec) == lines[spec.id]
