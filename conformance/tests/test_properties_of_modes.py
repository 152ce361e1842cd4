"""What must change no result: a compiler, the registered rules, threads, tiles; and what a call must not change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from array_api_compat import device
from backends import Backend, numpy_dtype
from drawing import arrays, close, like, one_hot, rows, solve
from hypothesis import Phase, given, settings, strategies as st

import xentropy
from xentropy._backends.switch import without_rules

DATA = st.data()
autodiff = pytest.mark.backends(lambda backend: backend.has_autodiff)
on_numpy = pytest.mark.backends(lambda backend: backend.name == "numpy")
BINARY = ("binary_cross_entropy_with_logits", "sigmoid_focal_loss")
KINDS = ("integer", "soft", "sparse")
few = settings(max_examples=max(2, settings().max_examples // 6))  # where an example is many calls


def calls(backend: Backend, x: Any, labels: Any) -> dict[str, tuple[Any, tuple[Any, ...], dict[str, Any]]]:
    """Every function of the library with arrays for it and options that are arrays too."""
    soft, ones = one_hot(backend, x, labels), like(backend, x, np.ones((x.shape[0], 1)))
    n, m = x.shape
    where = backend.asarray(np.arange(n * m).reshape(n, m) % 4 != 3)
    weights = {
        "class_weight": like(backend, x, np.linspace(0.5, 2, m)),
        "sample_weight": like(backend, x, [0, 2, 1]),
        "where": where,
    }
    p = like(backend, x, 1 / (1 + np.exp(-backend.to_numpy(x))))
    logs = like(backend, x, -abs(backend.to_numpy(x)) - 0.125)
    out: dict[str, Any] = {
        "sparse cross_entropy": (xentropy.cross_entropy, (x, labels[:, None]), {"label_probs": ones}),
        "binary_cross_entropy": (xentropy.binary_cross_entropy, (p, soft), {"where": where}),
        "kl_divergence": (xentropy.kl_divergence, (logs, soft), {"where": where}),
        "js_divergence": (xentropy.js_divergence, (logs, logs), {}),
        "entropy": (xentropy.entropy, (x,), {"where": where}),
        "xlogy": (xentropy.xlogy, (soft, p), {}),
    }
    for name in ("cross_entropy", "focal_loss", "nll_loss"):
        first = logs if name == "nll_loss" else x
        out[name] = getattr(xentropy, name), (first, labels), {}
        out[f"weighted {name}"] = getattr(xentropy, name), (first, labels), weights
        out[f"soft {name}"] = getattr(xentropy, name), (first, soft), weights
    out |= {name: (getattr(xentropy, name), (x, soft), {}) for name in BINARY}
    out |= {f"{name}, labels of int64": (getattr(xentropy, name), (x[:, 0], labels % 2), {}) for name in BINARY}
    for name in ("softmax", "log_softmax", "logsumexp"):
        out[name] = getattr(xentropy, name), (x,), {"where": where}
    return out | {name: (getattr(xentropy, name), (x,), {}) for name in ("sigmoid", "log_sigmoid", "softplus")}


@given(DATA)
@few
def test_inputs_stay(backend: Backend, data: Any) -> None:
    """No call writes to its arrays."""
    for name, (f, args, options) in calls(backend, *data.draw(rows(backend))).items():
        given_arrays = [*args, *options.values()]
        before = [backend.to_numpy(x).tobytes() for x in given_arrays]
        xentropy.value_and_grad(f)(*args, **options)
        assert [backend.to_numpy(x).tobytes() for x in given_arrays] == before, name


@given(DATA)
@few
def test_kind_dtype_device(backend: Backend, data: Any) -> None:
    """Value and gradient are arrays of the library, in the dtype and on the device of the input."""
    for name, (f, args, options) in calls(backend, *data.draw(rows(backend))).items():
        value, gradient = xentropy.value_and_grad(f)(*args, **options)
        for out in (value, gradient):
            assert isinstance(out, type(args[0])), name
            assert (out.dtype, device(out)) == (args[0].dtype, device(args[0])), name
        assert gradient.shape == args[0].shape, name


@given(DATA)
def test_half_dtypes(backend: Backend, data: Any) -> None:
    """Losses of 16-bit floats are float32, their gradients and the normalizers have 16 bits."""
    for dtype in {"float16", "bfloat16"} & set(backend.dtypes):
        logits, labels = data.draw(rows(backend))
        x = backend.asarray(backend.to_numpy(logits).astype(numpy_dtype(dtype)))
        value, gradient = xentropy.value_and_grad(xentropy.cross_entropy)(x, labels)
        kinds = [backend.to_numpy(out).dtype.name for out in (value, gradient, xentropy.softmax(x))]
        assert kinds == ["float32", dtype, dtype]


@autodiff
@given(DATA, st.sampled_from(KINDS), st.sampled_from([{}, {"label_smoothing": 0.125}, {"temperature": 0.5}]))
def test_rule_is_formula(backend: Backend, data: Any, kind: str, options: dict[str, Any]) -> None:
    """Without the registered rules: the same loss, and gradients within a few ulp of their row's largest."""
    logits, labels = data.draw(rows(backend))
    target, more = labels, dict(options)
    if kind == "soft":
        target = one_hot(backend, logits, labels)
    elif kind == "sparse":
        target, more["label_probs"] = labels[:, None], like(backend, logits, np.ones((3, 1)))
    by_rule = solve(backend, logits, target, **more)
    with without_rules():
        by_formula = solve(backend, logits, target, **more)
    assert close(by_rule, by_formula, backend.to_numpy(logits))


@pytest.mark.backends(lambda backend: backend.module == "jax")
@given(DATA, st.sampled_from(KINDS))
def test_jit_is_eager(backend: Backend, data: Any, kind: str) -> None:
    import jax

    logits, labels = data.draw(rows(backend))
    target: Any = one_hot(backend, logits, labels) if kind == "soft" else labels
    more = {"label_probs": like(backend, logits, np.ones((3, 1)))} if kind == "sparse" else {}
    target = labels[:, None] if kind == "sparse" else target

    def loss(x: Any, t: Any, weights: Any) -> Any:
        return xentropy.cross_entropy(x, t, sample_weight=weights, label_smoothing=0.125, **more)

    weights = like(backend, logits, [0.5, 0.0, 2.0])
    f = jax.value_and_grad(loss)
    pairs = f(logits, target, weights), jax.jit(f)(logits, target, weights)
    eager, compiled = (tuple(backend.to_numpy(part) for part in pair) for pair in pairs)
    assert close(eager, compiled, backend.to_numpy(logits))


_compiled: dict[str, Any] = {}


@pytest.mark.backends(lambda backend: backend.name == "torch")
@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # of torch's own compiler
@given(DATA)
@settings(phases=[Phase.explicit, Phase.reuse, Phase.generate])  # a failure is small as it is, and slow to shrink
def test_compile_is_eager(backend: Backend, data: Any) -> None:
    """One shape and dtype: compiling it takes seconds."""
    import torch

    def loss(x: Any, t: Any, weights: Any) -> Any:
        return xentropy.cross_entropy(x, t, sample_weight=weights, label_smoothing=0.125, check_labels="nan")

    compiled = _compiled.setdefault("loss", torch.compile(loss, fullgraph=True))
    logits = data.draw(arrays(backend, "float32", (3, 5), st.integers(-64, 64).map(lambda k: k / 8)))
    labels = data.draw(arrays(backend, "int64", (3,), st.integers(-1, 5)))  # bad ones among them
    answers: list[tuple[np.ndarray, np.ndarray]] = []
    for f in (loss, compiled):
        x = logits.clone().requires_grad_()
        value = f(x, labels, torch.tensor([0.5, 1.0, 2.0]))
        value.backward()
        answers.append((value.detach().numpy(), x.grad.numpy()))
    nans = [np.isnan(part) for answer in answers for part in answer]
    assert (nans[0] == nans[2]).all()
    assert (nans[1] == nans[3]).all()
    eager, other = (tuple(map(np.nan_to_num, answer)) for answer in answers)
    assert close(eager, other, logits.numpy())


@on_numpy
@given(st.integers(0, 2**32 - 1), st.sampled_from([(700, 300), (9000, 7), (3, 200000)]), st.integers(2, 4))
@few
def test_tiles_and_threads(backend: Backend, seed: int, shape: tuple[int, int], count: int) -> None:
    """Single losses and gradients have the same bits for every number of threads, and row by row; so have sums."""
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=shape) * 8).astype(np.float32)
    labels = rng.integers(0, shape[1], shape[0])
    for more in ({}, {"label_smoothing": 0.125}):
        for reduction in ("none", "sum", "mean"):
            with xentropy.threads(1):
                alone = solve(backend, x, labels, reduction=reduction, **more)
            with xentropy.threads(count):
                together = solve(backend, x, labels, reduction=reduction, **more)
            assert all(a.tobytes() == b.tobytes() for a, b in zip(alone, together, strict=True))
        whole = solve(backend, x, labels, **more)
        cut = int(rng.integers(1, shape[0]))
        parts = [solve(backend, x[part], labels[part], **more) for part in (slice(cut), slice(cut, None))]
        assert all(
            np.concatenate(p).tobytes() == w.tobytes() for p, w in zip(zip(*parts, strict=True), whole, strict=True)
        )


@pytest.mark.backends(lambda backend: backend.module in ("numpy", "torch"))
@given(DATA)
def test_strides(backend: Backend, data: Any) -> None:
    """The layout in memory is no part of the meaning: a transposed array along axis 0, and every second row."""
    logits, labels = data.draw(rows(backend))
    numbers = backend.to_numpy(logits)
    loss, slope = solve(backend, logits, labels)
    across, across_slope = solve(backend, logits.T, labels, axis=0)
    assert close((loss, slope), (across, across_slope.T), numbers)
    doubled = like(backend, logits, np.repeat(numbers, 2, axis=0))[::2]
    assert close((loss, slope), solve(backend, doubled, labels), numbers)
