"""What of torch is no composition of the matrix: its other tracers and modes, and options that change."""

from __future__ import annotations

import contextlib
import warnings

import numpy as np
import pytest
import torch
from matrix_cases import cases
from matrix_torch import COMPOSITIONS
from matrix_torch_compiled import compiled, in_one_graph
from torch._dynamo.exc import BackendCompilerFailed
from torch.fx.experimental.proxy_tensor import make_fx

import xentropy
from xentropy._backends import replay
from xentropy._core.rule import Local, Rule

[TORCH] = [c for c in xentropy.capabilities() if c.library == "torch" and c.device == "cpu"]
rng = np.random.default_rng(11)
X, OTHER = rng.normal(size=(2, 40, 7)) * 3
Y = rng.integers(0, 7, size=40)


def loss(x, y):
    return xentropy.cross_entropy(x, y, ignore_index=-100)


def gradient(x, y):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(loss(x, y), x)[0]


def on_others(traced, f, backend):
    """What was traced with some arrays is right for others."""
    y = backend.asarray(Y[::-1].copy())
    torch.testing.assert_close(traced(backend.asarray(OTHER), y), f(backend.asarray(OTHER), y), rtol=1e-13, atol=0)


USED = "by the rule"


class Used(Exception):
    """A rule has been differentiated."""


@pytest.mark.backends("torch")
@pytest.mark.parametrize("composition", [c for c in TORCH.compositions if c.derivative], ids=lambda c: c.name)
def test_who_differentiates(backend, monkeypatch, composition):
    """What the table of capabilities says of it: with rules that raise, those that use the formula are right."""

    def used(*_, **__):
        raise Used(USED)

    for kind, names in ((Rule, ("vjp", "jvp")), (Local, ("contract", "push"))):
        for name in names:
            monkeypatch.setattr(kind, name, used)
    raised = pytest.raises((Used, BackendCompilerFailed), match=USED)
    with raised if composition.derivative == "rule" else contextlib.nullcontext():
        COMPOSITIONS[composition.name](backend, cases("logsumexp", "float64")[0])


@pytest.mark.backends("torch")
def test_jit_trace(backend):
    with warnings.catch_warnings():  # it is deprecated, and warns of every shape that is looked at
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(loss, (backend.asarray(X), backend.asarray(Y)))
    on_others(traced, loss, backend)
    bad = backend.asarray(np.where(Y == 0, 7, Y))
    assert torch.isnan(traced(backend.asarray(X), bad))


@pytest.mark.backends("torch")
@pytest.mark.parametrize("f", [loss, gradient, torch.func.grad(loss)], ids=["value", "backward", "func.grad"])
@pytest.mark.parametrize("tracing_mode", ["real", "fake", "symbolic"])
def test_make_fx(backend, f, tracing_mode):
    on_others(make_fx(f, tracing_mode=tracing_mode)(backend.asarray(X), backend.asarray(Y)), f, backend)


@pytest.mark.backends("torch")
def test_functionalize(backend):
    """torch.func.functionalize takes no autograd.Function."""
    for f in (loss, torch.func.grad(loss)):
        on_others(torch.func.functionalize(f), f, backend)


@pytest.mark.backends("torch")
def test_gradients_in_inference_mode(backend):
    """As `torch.func.grad` does: inside, of tensors made inside, and of those outside."""
    y, expected = backend.asarray(Y), gradient(backend.asarray(X), backend.asarray(Y))
    outside = backend.asarray(X)
    with torch.inference_mode():
        inside = outside.clone()
        found = [xentropy.value_and_grad(loss)(x, y)[1] for x in (outside, inside)]
    found.append(xentropy.value_and_grad(loss)(inside, y)[1])
    for one in found:
        torch.testing.assert_close(one, expected, rtol=1e-13, atol=1e-16)


@pytest.mark.backends("torch")
@pytest.mark.parametrize("strict", [False, True])
def test_an_exported_program_may_hold_constants(backend, strict):
    """Arrays that no module registers, as those of a closure."""
    weights, shares = backend.asarray(np.linspace(0.5, 2.0, 7)), backend.asarray(np.linspace(0.1, 1.0, 40))

    class Module(torch.nn.Module):
        def forward(self, x, y):
            return xentropy.cross_entropy(x, y, class_weight=weights, sample_weight=shares, temperature=shares)

    x, y = backend.asarray(X), backend.asarray(Y)
    program = torch.export.export(Module(), (x, y), strict=strict).module()
    on_others(program, Module(), backend)


@pytest.mark.backends("torch")
def test_autodiff_of_tensors_without_data_in_a_pass(backend):
    """A gradient of 0 that torch keeps without memory, and a view that is negated when it is read."""
    zero, y = torch._efficientzerotensor((40, 7), dtype=torch.float64), torch.from_numpy(Y)
    torch.testing.assert_close(loss(zero, y).item(), float(np.log(7)), rtol=1e-14, atol=0)
    torch.testing.assert_close(loss(torch._neg_view(torch.from_numpy(X)), y), loss(torch.from_numpy(-X), y))


CHANGING = {
    "label_smoothing": (xentropy.cross_entropy, (0.125, 0.25, 0.375)),
    "temperature": (xentropy.cross_entropy, (0.5, 2.0, 4.0)),
    "z_loss": (xentropy.cross_entropy, (0.125, 0.25, 0.375)),
    "softcap": (xentropy.cross_entropy, (2.0, 3.0, 4.0)),
    "sample_weight": (xentropy.cross_entropy, (0.5, 2.0, 3.0)),
    "normalizer": (xentropy.cross_entropy, (10.0, 20.0, 30.0)),
    "gamma": (xentropy.focal_loss, (0.5, 1.5, 2.5)),
}


@pytest.mark.backends("torch")
@pytest.mark.parametrize("name", CHANGING)
def test_an_option_that_changes_is_compiled_once_more(backend, name):
    """A Python number becomes a symbol then, and is no array: it has no dtype that can be asked for."""
    f, values = CHANGING[name]
    x, y = backend.asarray(X), backend.asarray(Y)
    run = compiled(lambda x, option: f(x, y, **{name: option}), "eager")
    for count, value in enumerate(values):
        with torch.compiler.set_stance("fail_on_recompile" if count > 1 else "default"):
            found = run(x, value)
        torch.testing.assert_close(found, f(x, y, **{name: value}), rtol=1e-13, atol=0)
    in_one_graph()


@pytest.mark.backends("torch")
def test_small_calls_are_made_by_scripts_until_a_gradient_is_asked_for(backend, monkeypatch):
    """NumPy makes them, over the same memory: see `test_scripts.py`."""
    known = {}
    monkeypatch.setattr(replay, "_known", known)
    x, y = backend.asarray(X), backend.asarray(Y)
    losses = [loss(x, y) for _ in range(2 * replay.USES)]
    assert [callable(found) for found in known.values()] == [True]
    assert losses[0].tolist() == losses[-1].tolist()
    assert losses[-1].tolist() == loss(x.requires_grad_(), y).tolist()
    assert len(known) == 1
