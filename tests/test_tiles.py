"""Large arrays: walked in tiles by several threads, with the same bits as by one, and right at every seam."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import ml_dtypes
import numpy as np
import pytest
from backends import Backend

import xentropy
from xentropy._backends import tiles

SHAPES = [(9001, 10), (1500, 100), (130, 1001), (3, 70_001)]


def batch(shape: tuple[int, int], dtype: type = np.float32) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    x = (rng.normal(size=shape) * 3).astype(dtype)
    x[0, 0], x[1, 1], x[2] = -np.inf, np.nan, -np.inf
    return x, rng.integers(0, shape[1], shape[0])


def both(x: np.ndarray, y: np.ndarray, **options: object) -> list[bytes]:
    value, gradient = xentropy.value_and_grad(xentropy.cross_entropy)(x, y, reduction="none", **options)
    return [np.asarray(a).tobytes() for a in (value, gradient, xentropy.cross_entropy(x, y, **options))]


@pytest.mark.once
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, ml_dtypes.bfloat16])
def test_no_bit_depends_on_threads_or_tiles(shape, dtype, monkeypatch):
    x, y = batch(shape, dtype)
    y[-1] = -100
    with xentropy.threads(1):
        expected = both(x, y, ignore_index=-100)
    for count in (2, 4):
        with xentropy.threads(count):
            assert both(x, y, ignore_index=-100) == expected
    for size in (4096, 30_000):
        monkeypatch.setattr(tiles, "TILE", size)
        assert both(x, y, ignore_index=-100) == expected


def losses(x: np.ndarray, y: np.ndarray) -> dict[str, object]:
    """Calls of rules that are cut into parts."""
    rng = np.random.default_rng(2)
    classes, hard, where = x.shape[1], (x > 0.5).astype(x.dtype), rng.random(x.shape) < 0.8
    weight = rng.random(classes).astype(x.dtype)
    return {
        "logsumexp": lambda x: xentropy.logsumexp(x, axis=-1),
        "softmax": lambda x: xentropy.softmax(x, axis=-1),
        "log_softmax": lambda x: xentropy.log_softmax(x, axis=-1, temperature=2.0),
        "along the first axis": lambda x: xentropy.log_softmax(x, axis=0),
        "options": lambda x: xentropy.cross_entropy(
            x, y, where=where, class_weight=weight, label_smoothing=0.1, temperature=0.5, check_labels="nan"
        ),
        "focal": lambda x: xentropy.focal_loss(x, y),
        "entropy": lambda x: xentropy.entropy(x),
        "binary": lambda x: xentropy.binary_cross_entropy_with_logits(x, hard),
        "binary, weighted": lambda x: xentropy.binary_cross_entropy_with_logits(
            x, hard, pos_weight=weight, where=where
        ),
        "binary, each": lambda x: xentropy.binary_cross_entropy_with_logits(x, hard, reduction="none"),
        "sigmoid focal": lambda x: xentropy.sigmoid_focal_loss(x, hard),
    }


@pytest.mark.once
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_no_bit_of_any_rule_depends_on_threads_or_parts(shape, dtype, monkeypatch):
    x, y = batch(shape, dtype)
    for name, f in losses(x, y).items():

        def found(f=f):
            pair = [np.asarray(a) for a in xentropy.value_and_grad(f)(x)]
            return [np.where(np.isnan(a), np.nan, a).tobytes() for a in pair]  # of a NaN the sign is no result

        with xentropy.threads(1):
            expected = found()
        for count in (2, 4):
            with xentropy.threads(count):
                assert found() == expected, (name, count)
        for size in (100_000, 4 << 20):
            with monkeypatch.context() as patch:
                patch.setattr(tiles, "TILE", size)
                assert found() == expected, (name, size)


@pytest.mark.backends("numpy", "torch")
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tiles_agree_with_single_rows(backend: Backend, shape, dtype):
    """Every row of a large call is the row computed by itself, to a few ulp."""
    x, y = batch(shape, np.dtype(dtype).type)
    f = xentropy.value_and_grad(xentropy.cross_entropy)
    value, gradient = f(backend.asarray(x), backend.asarray(y), reduction="none")
    value, gradient = backend.to_numpy(value), backend.to_numpy(gradient)
    eps = np.finfo(dtype).eps
    for row in [0, 1, 2, 3, shape[0] // 2 - 1, shape[0] // 2, shape[0] - 2, shape[0] - 1]:
        row = min(row, shape[0] - 1)
        one, slope = f(backend.asarray(x[row : row + 1].copy()), backend.asarray(y[row : row + 1].copy()))
        np.testing.assert_allclose(value[row], backend.to_numpy(one), rtol=8 * eps)
        np.testing.assert_allclose(gradient[row], backend.to_numpy(slope)[0], rtol=16 * eps, atol=0)


@pytest.mark.once
def test_strided_and_many_dimensions():
    x, y = batch((20_000, 10))
    expected = both(x, y)
    wide = np.zeros((20_000, 20), np.float32)
    wide[:, ::2] = x
    assert both(wide[:, ::2], y) == expected
    deep = both(x.reshape(100, 200, 10), y.reshape(100, 200))
    assert deep[:2] == expected[:2]


@pytest.mark.once
def test_calls_from_many_threads_at_once():
    x, y = batch((20_000, 10))
    expected = both(x, y)
    with ThreadPoolExecutor(8) as pool:
        assert all(found == expected for found in pool.map(lambda _: both(x, y), range(32)))


@pytest.mark.once
def test_an_error_in_a_tile_reaches_the_caller(monkeypatch):
    from xentropy._backends.threads import share

    def work(part: int) -> None:
        if part == 7:
            raise RuntimeError("seven")

    with pytest.raises(RuntimeError, match="seven"):
        share(work, range(20), 2)
    done = []
    share(done.append, range(20), 2)
    assert sorted(done) == list(range(20))


@pytest.mark.once
def test_no_thread_before_the_first_large_call():
    code = (
        "import sys, threading, numpy as np, xentropy\n"
        "xentropy.cross_entropy(np.zeros((32, 10)), np.zeros(32, int))\n"
        "assert threading.active_count() == 1 and 'concurrent.futures' not in sys.modules\n"
        "with xentropy.threads(2): xentropy.cross_entropy(np.zeros((32, 10000)), np.zeros(32, int))\n"
        "assert threading.active_count() == 2, threading.enumerate()\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


@pytest.mark.once
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own():
    x, y = batch((20_000, 10))
    with xentropy.threads(2):
        expected = both(x, y)
        child = os.fork()
        if child == 0:
            os._exit(0 if both(x, y) == expected else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.once
def test_thread_count(monkeypatch):
    from xentropy._backends.threads import thread_count

    monkeypatch.delenv("XENTROPY_THREADS", raising=False)
    assert thread_count() >= 1
    monkeypatch.setenv("XENTROPY_THREADS", "3")
    assert thread_count() == 3
    with xentropy.threads(2):
        assert thread_count() == 2
    for bad in (0, -1, 1.5, True, "2"):
        with pytest.raises(ValueError, match="expected an integer from 1"), xentropy.threads(bad):
            pass
    monkeypatch.setenv("XENTROPY_THREADS", "many")
    with pytest.raises(ValueError, match=r"XENTROPY_THREADS is 'many'"):
        thread_count()
    assert threading.active_count() < 64


@pytest.mark.once
@pytest.mark.parametrize("shape", [(2, 2**18 + 5), (1, 3 * 2**18)])
def test_a_row_of_many_classes_is_summed_piece_by_piece(shape):
    """Without memory of its size, wherever the label is."""
    rows, classes = shape
    x = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    for place in (0, 2**18 - 1, 2**18, classes - 1):
        for lead in (0.0, 20.0):
            led = x.copy()
            led[:, place] += lead
            tracemalloc.start()
            loss = xentropy.cross_entropy(led, np.full(rows, place))
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            gap = np.exp(led.astype(np.longdouble) - led[:, [place]])
            gap[:, place] = 0
            np.testing.assert_allclose(loss, np.log1p(gap.sum(axis=-1)).mean().astype(float), rtol=2e-6)
            assert peak < 6 << 20  # three pieces and a bit
    value, _ = xentropy.value_and_grad(xentropy.cross_entropy)(led, np.full(rows, place))
    np.testing.assert_allclose(value, loss, rtol=2e-6)
