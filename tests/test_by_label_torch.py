"""Losses that torch.compile computes relative to the label's logit, and those for which that is too far off."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import xentropy

pytestmark = [pytest.mark.backends("torch"), pytest.mark.compiler]


@pytest.fixture(autouse=True)
def fresh():
    """What torch keeps on disk knows the sources, not what a test puts in their place."""
    import torch
    import torch._functorch.config
    import torch._inductor.config

    with (
        torch._inductor.config.patch(fx_graph_cache=False),
        torch._functorch.config.patch(enable_autograd_cache=False),
    ):
        yield


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
@pytest.mark.parametrize(
    ("classes", "dtype", "verbs"),
    [(10, "float32", "Columns"), (10, "float64", "Columns"), (40, "float32", "ByLabel"), (200, "float32", "ByLabel")],
)
def test_losses(backend, classes, dtype, verbs, monkeypatch):
    import torch

    from xentropy._backends import torch_values
    from xentropy._core import ways

    asked, by_label = [], ways.by_label
    torch._dynamo.reset()
    monkeypatch.setattr(torch_values, "LARGE", 0)
    monkeypatch.setattr(ways, "by_label", lambda v, *arguments: asked.append(v) or by_label(v, *arguments))
    losses = partial(xentropy.cross_entropy, ignore_index=-100)
    one = {"fullgraph": True, "dynamic": False}
    each, mean = (torch.compile(partial(losses, reduction=word), **one) for word in ("none", "mean"))
    x, y = rows(classes, dtype)
    want = textbook(x, y)
    close = np.where(want < 60, np.arange(len(y)), 40)  # rows that are far off replaced by another one
    finite = np.where(np.isfinite(want), np.arange(len(y)), 40)
    for kept in (np.arange(len(y)), close, finite):
        batch = torch.asarray(x[kept]), torch.asarray(y[kept])
        rtol = 4e-6 if dtype == "float32" else 1e-14
        np.testing.assert_allclose(each(*batch).numpy(), want[kept], rtol=rtol)
        mean_wanted = want[kept].sum() / (y[kept] != -100).sum()
        np.testing.assert_allclose(mean(*batch).numpy(), mean_wanted, rtol=rtol)
    assert {type(v).__name__ for v in asked} == {verbs}
    torch._dynamo.reset()


def test_a_row_does_not_depend_on_others(backend, monkeypatch):
    """Not by a bit: one that is far off changes the way of no other."""
    import torch

    from xentropy._backends import torch_values

    torch._dynamo.reset()
    monkeypatch.setattr(torch_values, "LARGE", 0)
    f = torch.compile(partial(xentropy.cross_entropy, reduction="none"), fullgraph=True, dynamic=False)
    x, y = torch.randn(64, 10, generator=torch.Generator().manual_seed(0)) * 5, torch.arange(64) % 10
    alone = f(x, y)
    x[7, 7] = -1000.0
    beside = f(x, y)
    assert beside[7] > 900
    np.testing.assert_array_equal(np.delete(alone.numpy(), 7), np.delete(beside.numpy(), 7))
    torch._dynamo.reset()


def test_while_another_thread_compiles(backend, monkeypatch):
    """Torch then says that whatever runs is being compiled."""
    import torch

    from xentropy._backends import torch_values

    torch._dynamo.reset()
    monkeypatch.setattr(torch_values, "LARGE", 0)
    x, y = torch.randn(64, 10), torch.arange(64) % 10
    x[7, 7] = -1000.0
    want = torch.nn.functional.cross_entropy(x, y)
    f = torch.compile(xentropy.cross_entropy, fullgraph=True, dynamic=False, backend="aot_eager")
    torch.testing.assert_close(f(x, y), want)
    monkeypatch.setattr(torch.compiler, "_is_compiling_flag", True)
    for call in (f, xentropy.cross_entropy):
        torch.testing.assert_close(call(x, y), want)
    torch._dynamo.reset()


def test_what_is_not_mended(backend, monkeypatch):
    """The losses relative to the label, and whether all of them are near."""
    import torch

    from xentropy._backends import torch_compiled, torch_values

    def unmended(near, loss, words, *others):
        assert '"' not in words  # Inductor's C++ wrapper writes them as they are
        return torch.where(near, loss, torch.nan)

    torch._dynamo.reset()
    monkeypatch.setattr(torch_values, "LARGE", 0)
    monkeypatch.setattr(torch_compiled, "_mended", unmended)
    x, y = rows(10, "float64")
    want = textbook(x, y)
    close = np.where(want < 60, np.arange(len(y)), 40)
    f = torch.compile(
        lambda x, y: xentropy.cross_entropy(x, y, ignore_index=-100, reduction="none"),
        fullgraph=True, dynamic=False, backend="aot_eager",
    )  # fmt: skip
    np.testing.assert_allclose(f(torch.asarray(x[close]), torch.asarray(y[close])), want[close], rtol=1e-14)
    for row in (4, 5, 10, 11, 12, 20):
        far = np.concatenate([close[:8], [row]])
        assert f(torch.asarray(x[far]), torch.asarray(y[far])).isnan().all()
    torch._dynamo.reset()


@pytest.mark.parametrize("compiler", ["aot_eager", "inductor"])
def test_beside_a_gradient(backend, compiler, monkeypatch):
    """In the graph of a training step, and where nothing may be recorded."""
    import torch

    from xentropy._backends import torch_values

    monkeypatch.setattr(torch_values, "LARGE", 0)
    x, y = torch.randn(50, 20, dtype=torch.float64) * 50, torch.randint(0, 20, (50,))

    def step(x, y):
        return xentropy.cross_entropy(x, y), xentropy.cross_entropy(x.detach(), y)

    torch._dynamo.reset()
    f = torch.compile(step, backend=compiler, fullgraph=True)
    with torch.inference_mode():
        found = [*f(x, y)]
    trained, beside = f(x.requires_grad_(), y)
    trained.backward()
    want = torch.nn.functional.cross_entropy(x, y)
    for loss in (*found, trained, beside):
        torch.testing.assert_close(loss, want, rtol=1e-13, atol=0)
    torch.testing.assert_close(x.grad, torch.autograd.grad(want, x)[0], rtol=1e-12, atol=1e-16)
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


def test_few_classes_that_are_a_symbol(backend):
    """They would have to be counted to be summed one by one."""
    import torch

    torch._dynamo.reset()
    x, y = torch.randn(200_000, 8), torch.arange(200_000) % 8
    torch._dynamo.mark_dynamic(x, 1, min=2, max=16)
    f = torch.compile(xentropy.cross_entropy, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(f(x, y), torch.nn.functional.cross_entropy(x, y))
    torch._dynamo.reset()
