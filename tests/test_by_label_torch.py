"""Losses that torch.compile computes relative to the label's logit, and those for which that is too far off."""

from __future__ import annotations

import numpy as np
import pytest

import xentropy

pytestmark = [pytest.mark.backends("torch"), pytest.mark.compiler]


def rows(classes: int, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(classes)
    x, y = rng.normal(size=(64, classes)).astype(dtype), rng.integers(0, classes, 64)
    for lead, row in zip((25.0, -25.0, -57.0, -66.0, -90.0, -800.0), range(6), strict=True):
        x[row, y[row]] += lead
    x[6] = 1.5  # each class as likely
    x[7, (y[7] + 1) % classes] = x[7, y[7]]
    for value, row in zip((np.inf, -np.inf, np.nan), range(10, 13), strict=True):
        x[row, y[row]] = value
        x[row + 10, (y[row + 10] + 1) % classes] = value
    y[30], x[31], y[31], y[32] = -100, np.nan, -100, classes
    return x, y


def textbook(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """In extended precision, without the label's own term where it would round the others away."""
    x, each = x.astype(np.longdouble), np.arange(len(y))
    label = np.clip(y, 0, x.shape[1] - 1)
    with np.errstate(all="ignore"):
        gap = x - x[each, label][:, None]
        gap[each, label] = np.where(np.isfinite(x[each, label]), -np.inf, np.nan)
        gap = np.where(np.isneginf(x), -np.inf, gap)
        loss = np.log1p(np.exp(gap).sum(axis=1))
    loss[np.isneginf(x[each, label])] = np.inf
    loss[np.isposinf(x).any(axis=1)] = np.nan
    return np.where(y == -100, 0.0, np.where(y == label, loss, np.nan)).astype(float)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # of the compiler's own imports
@pytest.mark.parametrize(("classes", "dtype"), [(10, "float32"), (10, "float64"), (200, "float32")])
def test_losses(backend, classes, dtype, monkeypatch):
    import torch

    from xentropy._backends import torch_values

    asked = []
    unless = torch_values.ByLabel.unless

    def counted(self, *arguments):
        asked.append(1)
        return unless(self, *arguments)

    torch._dynamo.reset()
    monkeypatch.setattr(torch_values, "LARGE", 0)
    monkeypatch.setattr(torch_values.ByLabel, "unless", counted)
    f = torch.compile(
        lambda x, y: xentropy.cross_entropy(x, y, ignore_index=-100, reduction="none"),
        fullgraph=True,
        dynamic=False,
    )
    x, y = rows(classes, dtype)
    want = textbook(x, y)
    close = np.where(want < 60, np.arange(len(y)), 40)  # rows that are far off replaced by another one
    for kept in (np.arange(len(y)), close):
        got = f(torch.asarray(x[kept]), torch.asarray(y[kept])).numpy()
        np.testing.assert_allclose(got, want[kept], rtol=4e-6 if dtype == "float32" else 1e-14)
    assert asked
    torch._dynamo.reset()


def test_dynamic_sizes_are_one_graph(backend):
    import torch
    from torch._dynamo.testing import CompileCounter

    counter = CompileCounter()
    torch._dynamo.reset()
    f = torch.compile(xentropy.cross_entropy, backend=counter, fullgraph=True, dynamic=True)
    for count in (100, 40_000):  # one below and one above what counts as large
        f(torch.zeros(count, 10), torch.zeros(count, dtype=torch.int64))
    assert counter.frame_count == 1
    torch._dynamo.reset()
