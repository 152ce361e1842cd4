"""Small calls are made without their formula once they are known: with the same bits, and never for too much."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import xentropy
from xentropy._backends import replay, script
from xentropy._backends.numpy import BACKEND as NUMPY
from xentropy._core.transforms import elementwise

pytestmark = pytest.mark.once


def batch(seed: int, rows: int = 7, dtype: type = np.float32) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=(rows, 5)) * 30).astype(dtype)
    x[seed % rows] = [np.nan, np.inf, -np.inf, 0.0, -0.0]
    return {
        "x": x,
        "y": rng.integers(0, 5, rows),
        "t": rng.dirichlet(np.ones(5), rows).astype(dtype),
        "b": rng.integers(0, 2, (rows, 5)),
        "w": rng.random((rows, 1)).astype(dtype),
        "c": rng.random(5).astype(dtype),
        "m": rng.random((rows, 5)) < 0.8,
    }


CALLS = {
    "class indices": lambda x, y, **_: xentropy.cross_entropy(x, y),
    "each": lambda x, y, **_: xentropy.cross_entropy(x, y, reduction="none"),
    "spoiled rows": lambda x, y, **_: xentropy.cross_entropy(x, y + 1, reduction="none", check_labels="nan"),
    "ignored rows": lambda x, y, **_: xentropy.cross_entropy(x, y, ignore_index=2, check_labels="nan"),
    "distributions": lambda x, t, **_: xentropy.cross_entropy(x, t, reduction="none"),
    "options": lambda x, y, w, c, m, **_: xentropy.cross_entropy(
        x, y, where=m, class_weight=c, sample_weight=w[:, 0], label_smoothing=0.1, temperature=2.0, softcap=30.0,
        z_loss=1e-4, return_lse=True,
    ),
    "focal": lambda x, y, **_: xentropy.focal_loss(x, y, reduction="none"),
    "logsumexp": lambda x, **_: xentropy.logsumexp(x, axis=0),
    "softmax": lambda x, m, **_: xentropy.softmax(x, where=m),
    "log_softmax": lambda x, **_: xentropy.log_softmax(x, temperature=0.5),
    "sigmoid": lambda x, **_: xentropy.sigmoid(x),
    "binary": lambda x, t, **_: xentropy.binary_cross_entropy_with_logits(x, t, reduction="none"),
    "entropy": lambda x, **_: xentropy.entropy(x, reduction="none"),
    "JS": lambda x, **_: xentropy.js_divergence(x, x[::-1].copy(), reduction="none"),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_bits_are_those_of_the_formula(name, dtype, monkeypatch):
    written = []
    monkeypatch.setattr(script, "write", lambda *a, write=script.write: written.append(write(*a)) or written[-1])
    monkeypatch.setattr(replay, "_known", {})
    for seed in range(2 * replay.USES):  # the script is written in the middle, and used on other numbers
        given = batch(seed, dtype=dtype)
        before = {k: a.copy() for k, a in given.items()}
        found = CALLS[name](**given)
        with monkeypatch.context() as patch:
            patch.setattr(replay, "SMALL", -1)
            expected = CALLS[name](**given)
        for one, other in zip(*(y if isinstance(y, tuple) else (y,) for y in (found, expected)), strict=True):
            assert (type(one), one.dtype, one.shape) == (type(other), other.dtype, other.shape)
            assert one.tobytes() == other.tobytes()
            assert one.flags.writeable
        assert all(a.tobytes() == before[k].tobytes() for k, a in given.items())
    assert written[0] is not None
    assert len(written) == 1


def test_no_two_calls_share_memory(monkeypatch):
    monkeypatch.setattr(replay, "USES", 0)
    given = batch(1)
    one, other = (xentropy.cross_entropy(given["x"], given["y"], reduction="none") for _ in range(2))
    one[:] = 7.0
    assert not (other == 7.0).any()


def test_calls_of_another_kind_are_not_mixed_up(monkeypatch):
    monkeypatch.setattr(replay, "USES", 0)
    x, y = np.asarray([[-1.0, 2.0, 0.5]]), np.asarray([0])
    narrow = (x.astype(np.float32), y.astype(np.uint8))
    kinds = {
        (a.dtype, reduction, temperature): xentropy.cross_entropy(a, b, reduction=reduction, temperature=temperature)
        for a, b in ((x, y), narrow)
        for reduction in ("none", "mean")
        for temperature in (1.0, 2.0)
    }
    for (dtype, reduction, temperature), loss in kinds.items():
        expected = np.log(np.exp(x / temperature).sum()) - x[0, 0] / temperature
        assert (loss.dtype, loss.shape) == (dtype, () if reduction == "mean" else (1,))
        assert np.allclose(loss, expected, rtol=1e-6 if dtype == np.float32 else 1e-14)


def takes_what_is_true(v, x):
    return (x[x > 0.0] + 1.0,)


def gives_a_constant(v, x):
    return (np.zeros(x.shape),)


def writes_to_a_constant(v, x):
    out = np.zeros(x.shape)
    out[...] = x
    return (out,)


def adds_to_a_constant(v, x):
    out = np.zeros(x.shape)
    out += x
    return (out,)


def copies_to_a_constant(v, x):
    out = np.zeros(x.shape)
    np.copyto(out, x)
    return (out + x,)


def changes_a_constant_that_was_read(v, x):
    one = np.ones(x.shape)
    out = x + one
    one[...] = 2.0
    return (out + one,)


def asks_for_a_number(v, x):
    return (x * float(v.xp.sum(x)),)


def makes_an_array(v, x):
    return (np.asarray(x) + x,)


@pytest.mark.parametrize(
    "formula",
    [
        takes_what_is_true, gives_a_constant, writes_to_a_constant, adds_to_a_constant, copies_to_a_constant,
        changes_a_constant_that_was_read, asks_for_a_number, makes_an_array,
    ],
)  # fmt: skip
def test_what_cannot_be_written_down_is_not(formula):
    x = np.asarray([1.0, -2.0])
    assert script.write(NUMPY, formula, (x,), {}) is None
    for a in (x, -x):  # and is computed all the same
        for _ in range(replay.USES + 2):
            assert np.array_equal(NUMPY.run(formula, (a,), {})[0], formula(NUMPY, a)[0])
    assert x.flags.writeable


def test_what_a_formula_looks_at_is_looked_at_again():
    def looks(v, x):
        return (x * 2.0 if v.xp.max(x) > 0.0 else x + 1.0,)

    known = script.write(NUMPY, looks, (np.asarray([1.0, -2.0]),), {})
    assert np.array_equal(known(np.asarray([3.0, 0.0]))[0], [6.0, 0.0])
    assert known(np.asarray([-3.0, 0.0])) is None
    for _ in range(replay.USES + 2):
        assert np.array_equal(NUMPY.run(looks, (np.asarray([3.0, 0.0]),), {})[0], [6.0, 0.0])
        assert np.array_equal(NUMPY.run(looks, (np.asarray([-3.0, 0.0]),), {})[0], [-2.0, 1.0])


def test_a_number_is_part_of_the_kind(monkeypatch):
    monkeypatch.setattr(replay, "USES", 0)

    def times(v, x, factor):
        return (x * factor,)

    for factor in (0.0, -0.0, 1.0, float("nan")):
        [found] = NUMPY.run(times, (np.asarray([1.0, -2.0]), factor), {})
        assert found.tobytes() == (np.asarray([1.0, -2.0]) * factor).tobytes()


def test_only_small_arrays_and_plain_ones(monkeypatch):
    monkeypatch.setattr(replay, "USES", 0)

    def twice(v, x):
        return (x + x,)

    for x, small in ((np.zeros((512, 8)), True), (np.zeros((513, 8)), False), (np.zeros((4, 8), order="F"), False)):
        assert callable(replay.find(NUMPY, twice, (x,), {})) == small


def test_every_shape_and_dtype_has_its_own(monkeypatch):
    monkeypatch.setattr(replay, "USES", 0)
    x = np.arange(12.0)
    kinds = [a.astype(dtype) for a in (x, x.reshape(3, 4), x.reshape(4, 3)) for dtype in (np.float32, np.float64)]
    assert len({replay.find(NUMPY, elementwise, (a,), {"name": "sigmoid"}) for a in kinds}) == len(kinds)


def test_shapes_without_end_take_no_memory_without_end(monkeypatch):
    known = {}
    monkeypatch.setattr(replay, "_known", known)
    for n in range(3 * replay.KINDS):
        NUMPY.run(elementwise, (np.zeros(n % 1000 + 1),), {"name": "sigmoid"})
        assert len(known) <= replay.KINDS


def test_threads_that_meet_a_new_kind_together(monkeypatch):
    monkeypatch.setattr(replay, "_known", {})
    given = [batch(seed) for seed in range(64)]

    def work(a: Any) -> bytes:
        return b"".join(CALLS["options"](**a)[i].tobytes() for i in (0, 1))

    expected = [work(a) for a in given]
    monkeypatch.setattr(replay, "_known", {})
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, given)) == expected
