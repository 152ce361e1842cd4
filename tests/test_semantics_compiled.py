"""Rules 9, 11 and 13 under compilers and transforms of JAX and torch: what cannot be seen is NaN or raises late."""

from __future__ import annotations

import numpy as np
import pytest
from test_semantics_compare import calculate, put, same

import xentropy

inf, nan = float("inf"), float("nan")
LOGITS = np.asarray([[1.0, 2.0, -inf], [0.0, -1.0, 3.0], [nan, 0.0, 1.0], [0.5, 0.5, 0.0]])
LABELS = np.asarray([0, 2, -100, 1])
BAD = np.asarray([0, 3, -100, -1])
# torch's own modules, when they are first imported
TORCH_WARNS = "ignore:.*torch.jit.script:DeprecationWarning"
TEXT = r"labels(\[\d+\])? is (3|-1), outside \[0, 3\)"


def loss(x, y, **options):
    return xentropy.cross_entropy(x, y, ignore_index=-100, reduction="none", label_smoothing=0.25, **options)


def total(x, y, **options):
    return loss(x, y, **options).sum()


def is_spoilt(backend, value, gradient, rows=(False, True, False, True)):
    """NaN in the bad rows of value and gradient alike, and nowhere else."""
    value, gradient = backend.to_numpy(value), backend.to_numpy(gradient)
    assert np.isnan(value).tolist() == list(rows)
    assert np.isnan(gradient).all(axis=1).tolist() == list(rows)
    assert np.isnan(gradient).any(axis=1).tolist() == list(rows)


def is_eager(backend, value, gradient):
    """The result of plain calls, special rows included."""
    expected, by = calculate(
        backend,
        "cross_entropy",
        LOGITS,
        LABELS,
        wrt="logits",
        ignore_index=-100,
        reduction="none",
        label_smoothing=0.25,
    )
    np.testing.assert_allclose(backend.to_numpy(value), expected, rtol=1e-14)
    np.testing.assert_allclose(backend.to_numpy(gradient), by["logits"], rtol=1e-13, atol=1e-16)
    same(backend.to_numpy(gradient)[2], np.zeros(3))


def jax_modes():
    import jax

    def compiled(x, y, **o):
        return jax.jit(lambda x, y: loss(x, y, **o))(x, y), jax.jit(jax.grad(lambda x: total(x, y, **o)))(x)

    def whole(x, y, **o):
        return jax.jit(lambda x, y: xentropy.value_and_grad(loss)(x, y, **o))(x, y)

    def mapped(x, y, **o):
        row = jax.vmap(lambda x, y: loss(x, y, **o))
        return row(x, y), jax.vmap(jax.grad(lambda x, y: loss(x, y, **o)))(x, y)

    def forward(x, y, **o):
        jacobian = jax.jit(jax.jacfwd(lambda x: loss(x, y, **o)))(x)
        return jax.jit(lambda x, y: loss(x, y, **o))(x, y), jax.numpy.einsum("iij->ij", jacobian)

    return {"jit": compiled, "jit of value_and_grad": whole, "vmap": mapped, "jit of jacfwd": forward}


def torch_modes():
    import torch

    def transformed(x, y, **o):
        return xentropy.value_and_grad(loss)(x.requires_grad_(), y, **o)[0].detach(), torch.func.grad(
            lambda x: total(x, y, **o)
        )(x)

    def mapped(x, y, **o):
        def row(x, y):
            return loss(x, y, **o)

        return torch.func.vmap(row)(x, y), torch.func.vmap(torch.func.grad(row))(x, y)

    def compiled(x, y, **o):
        torch._dynamo.reset()
        x = x.clone().requires_grad_()
        value = torch.compile(lambda x, y: loss(x, y, **o), fullgraph=True, backend="aot_eager")(x, y)
        return value.detach(), torch.autograd.grad(value.sum(), x)[0]

    def compiled_gradient(x, y, **o):
        torch._dynamo.reset()
        both = torch.func.grad_and_value(lambda x, y: total(x, y, **o))
        gradient, _ = torch.compile(both, backend="aot_eager")(x, y)
        return torch.compile(lambda x, y: loss(x, y, **o), backend="aot_eager")(x, y), gradient

    return {"func": transformed, "vmap": mapped, "compile": compiled, "compile of func.grad": compiled_gradient}


@pytest.mark.backends("jax")
@pytest.mark.parametrize("mode", ["jit", "jit of value_and_grad", "vmap", "jit of jacfwd"])
def test_jax(backend, mode):
    """Good labels as in plain calls; bad ones are NaN in their rows; `raise` raises when the code runs."""
    import jax

    run, x = jax_modes()[mode], put(backend, LOGITS)
    is_eager(backend, *run(x, put(backend, LABELS)))
    is_spoilt(backend, *run(x, put(backend, BAD)))
    is_eager(backend, *run(x, put(backend, LABELS), check_labels="raise"))

    def late():
        jax.block_until_ready(run(x, put(backend, BAD), check_labels="raise"))
        jax.effects_barrier()

    with pytest.raises(Exception, match=TEXT):
        late()


@pytest.mark.backends("jax")
def test_jax_raises_under_a_gradient_alone(backend):
    """jit(grad) and vmap(grad), in which the value itself is never used."""
    import jax

    x, y = put(backend, LOGITS), put(backend, BAD)
    for function in (
        jax.jit(jax.grad(lambda x, y: total(x, y, check_labels="raise"))),
        jax.vmap(jax.grad(lambda x, y: loss(x, y, check_labels="raise"))),
        jax.grad(lambda x, y: total(x, y, check_labels="raise")),
    ):

        def late(function=function):
            jax.block_until_ready(function(x, y))
            jax.effects_barrier()

        with pytest.raises(Exception, match=TEXT):
            late()


@pytest.mark.backends("jax")
def test_checkify(backend):
    """An error value that names the label; none where all are good or excused."""
    import jax
    from jax.experimental import checkify

    def checked(x, y):
        return total(x, y, check_labels="checkify")

    for function in (checked, jax.grad(checked)):
        safe = checkify.checkify(jax.jit(function))
        error, _ = safe(put(backend, LOGITS), put(backend, BAD))
        with pytest.raises(ValueError, match=r"labels: 3 at .* position 1 is outside \[0, 3\)"):
            error.throw()
        error, _ = safe(put(backend, LOGITS), put(backend, LABELS))
        assert error.get() is None


@pytest.mark.backends("jax")
def test_options_that_jit_hides(backend):
    """A temperature or softcap <= 0, or a smoothing outside [0, 1], is NaN."""
    import jax

    x, y = put(backend, LOGITS), put(backend, LABELS)
    for name, value in (("temperature", -1.0), ("temperature", 0.0), ("softcap", 0.0), ("softcap", -2.0)):
        function = jax.jit(lambda x, t, name=name: xentropy.cross_entropy(x, y, ignore_index=-100, **{name: t}))
        assert np.isnan(function(x, put(backend, np.asarray(value))))


@pytest.mark.backends("jax")
def test_traced_options_do_not_recompile(backend):
    """One trace for all values, and their gradients are not dropped."""
    import jax

    x, y, traces = put(backend, LOGITS[:2]), put(backend, LABELS[:2]), []

    @jax.jit
    def gradients(*options):
        traces.append(1)
        names = ("label_smoothing", "z_loss", "gamma", "temperature")
        return jax.grad(
            lambda *given: xentropy.focal_loss(x, y, **dict(zip(names, given, strict=True))), argnums=(0, 1, 2, 3)
        )(*options)

    for values in ((0.1, 0.5, 1.0, 2.0), (0.2, 0.25, 2.0, 0.5)):
        found = gradients(*(put(backend, np.asarray(value)) for value in values))
        assert all(float(g) != 0 for g in found)
    assert len(traces) == 1


@pytest.mark.backends("torch")
@pytest.mark.parametrize("mode", ["func", "vmap", "compile", "compile of func.grad"])
@pytest.mark.parametrize("policy", ["auto", "raise"])
def test_torch(backend, mode, policy):
    run = torch_modes()[mode]
    is_eager(backend, *run(put(backend, LOGITS), put(backend, LABELS), check_labels=policy))
    bad = put(backend, LOGITS), put(backend, BAD)
    if policy == "raise":
        with pytest.raises(ValueError, match=TEXT):
            run(*bad, check_labels=policy)
    elif mode != "func":
        is_spoilt(backend, *run(*bad, check_labels=policy))


@pytest.mark.backends("torch")
def test_torch_func_hides_values(backend):
    import torch

    x, y = put(backend, LOGITS), put(backend, BAD)
    gradient, value = torch.func.grad_and_value(lambda x: total(x, y))(x)
    assert torch.isnan(value)
    is_spoilt(backend, put(backend, np.asarray([0.0, nan, 0.0, nan])), gradient)


@pytest.mark.filterwarnings(TORCH_WARNS)
@pytest.mark.backends("torch")
def test_compiled_with_inductor(backend):
    """The default compiler, once, in one graph: a bad row is NaN in value and gradient."""
    import torch

    torch._dynamo.reset()
    x = put(backend, LOGITS).requires_grad_()
    value = torch.compile(loss, fullgraph=True)(x, put(backend, BAD))
    is_spoilt(backend, value.detach(), torch.autograd.grad(value.sum(), x)[0])


# 13. second order, of rows that rules 1 to 6 make special


@pytest.mark.filterwarnings(TORCH_WARNS)
@pytest.mark.backends(autodiff=True)
def test_hessian_of_special_rows(backend):
    """diag(p) - p p^T with zero rows and columns at a mask, and 0 in an ignored row that holds NaN."""
    x, y = put(backend, LOGITS[[0, 2]]), put(backend, LABELS[[0, 2]])

    def f(x):
        return xentropy.cross_entropy(x, y, ignore_index=-100, reduction="sum")

    if backend.option == "jax":
        import jax

        hessian = jax.hessian(f)(x)
    else:
        import torch

        hessian = torch.func.hessian(f)(x)
    p = np.exp([1.0, 2.0]) / np.exp([1.0, 2.0]).sum()
    expected = np.zeros((2, 3, 2, 3))
    expected[0, :2, 0, :2] = np.diag(p) - np.outer(p, p)
    np.testing.assert_allclose(backend.to_numpy(hessian), expected, rtol=1e-13, atol=1e-16)
