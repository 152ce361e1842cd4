"""How the tests of the rules compare a call with the reference; and that the comparison can fail.

    agrees(backend, "cross_entropy", logits, labels, wrt="logits class_weight", class_weight=w)

runs the function once by itself and once under `value_and_grad`, on arrays of the backend, and holds value and
gradients against the reference. Arrays are given as NumPy arrays: float64 ones are rounded to `dtype`, the
rest stay as they are. Whatever is compared, no input may change, and dtypes, devices and shapes must be right.
"""

from __future__ import annotations

import numpy as np
import oracle
import pytest
from backends import BACKENDS, numpy_dtype

import xentropy

inf, nan = float("inf"), float("nan")
SIXTEEN_BITS = ("float16", "bfloat16")
NORMALIZERS = ("logsumexp", "softmax", "log_softmax", "sigmoid", "log_sigmoid", "softplus", "xlogy")


def eps(dtype):
    if dtype.name == "bfloat16":
        return 2.0**-7
    return float(np.finfo(dtype).eps)


def rounded(x, dtype):
    """A float64 array in the dtype under test; everything else as it is."""
    if isinstance(x, np.ndarray) and x.dtype == np.float64:
        return x.astype(numpy_dtype(dtype))
    return x


def put(backend, x):
    return backend.asarray(x) if isinstance(x, np.ndarray) else x


def calculate(backend, name, *args, wrt="", dtype="float64", **options):
    """(value, {argument: gradient}) as NumPy arrays. `wrt` names arguments, with spaces in between."""
    wrt = wrt.split()
    positional = oracle.FUNCTIONS[name][1]
    args = [rounded(x, dtype) for x in args]
    options = {key: rounded(x, dtype) for key, x in options.items()}
    there, chosen = [put(backend, x) for x in args], {key: put(backend, x) for key, x in options.items()}
    function = getattr(xentropy, name)
    # each is compiled of its own on JAX, which takes a second: plain calls are those without `wrt` there
    values = [] if wrt and backend.option == "jax" else [function(*there, **chosen)]
    gradients = {}
    if wrt:
        argnums = tuple(positional.index(n) for n in wrt if n in positional)
        argnames = tuple(n for n in wrt if n not in positional)
        value, found = xentropy.value_and_grad(function, argnums or None, argnames or None)(*there, **chosen)
        values.append(value)
        if not argnames:
            gradients = dict(zip([n for n in wrt if n in positional], found, strict=True))
        elif not argnums:
            gradients = found
        else:
            gradients = dict(zip([n for n in wrt if n in positional], found[0], strict=True)) | found[1]
        assert list(gradients) == sorted(wrt, key=lambda n: n not in positional)
    source = dict(zip(positional, there, strict=True)) | chosen
    for n, g in gradients.items():
        is_like(g, source[n], str(source[n].dtype))
        assert tuple(g.shape) == tuple(source[n].shape)
    loss_dtype = "float32" if dtype in SIXTEEN_BITS and name not in NORMALIZERS else dtype
    for value in values:
        is_like(value, there[0], loss_dtype)
    for x, y in zip([*args, *options.values()], [*there, *chosen.values()], strict=True):
        if isinstance(x, np.ndarray):
            assert backend.to_numpy(y).tobytes() == x.tobytes(), "an input was changed"
    values = [np.asarray(backend.to_numpy(value)) for value in values]
    if len(values) == 2:
        np.testing.assert_allclose(values[0], values[1], rtol=1e-2 if dtype in SIXTEEN_BITS else 1e-5)
    return values[0], {n: np.asarray(backend.to_numpy(g)) for n, g in gradients.items()}


def is_like(result, argument, dtype):
    """A result is an array of the argument's library, on its device."""
    assert type(result) is type(argument)
    assert str(result.dtype).rpartition(".")[-1] == dtype.rpartition(".")[-1]
    assert result.device == argument.device


def is_close(computed, reference, what):
    assert computed.shape == reference.value.shape, what
    error = oracle.error(computed, reference, eps(computed.dtype))
    assert error <= 4, (
        f"{what}: {error:.3g} times the bar; got\n{computed}\nexpected\n{reference.value.astype(float)}"
    )


def no_negative_zeros(computed, what):
    """0.0 is +0.0 where nothing else is said."""
    assert not ((computed == 0) & np.signbit(computed)).any(), f"{what}: -0.0 in\n{computed}"


def agrees(backend, name, *args, wrt="", dtype="float64", **options):
    """Value and gradients are those of the reference. Returns them as `calculate` does."""
    value, gradients = calculate(backend, name, *args, wrt=wrt, dtype=dtype, **options)
    args = [rounded(x, dtype) for x in args]
    options = {k: rounded(x, dtype) for k, x in options.items() if k not in ("check_labels", "return_lse")}
    is_close(value, oracle.FUNCTIONS[name][0](*args, **options), name)
    if name not in NORMALIZERS:
        no_negative_zeros(value, name)
    if wrt:
        expected = oracle.gradient(name, wrt.split(), *args, **options)
        for n, g in gradients.items():
            is_close(g, expected[n], f"gradient of {name} with respect to {n}")
    return value, gradients


def same(computed, expected):
    """The same shape and the same numbers, NaN among them."""
    expected = np.asarray(expected, computed.dtype)
    assert computed.shape == expected.shape
    np.testing.assert_array_equal(computed, expected)


# ---------------------------------------------------------------------------------------------
# the comparison can fail


def wrong(monkeypatch, name, change):
    """Put a function that is wrong in one way in the place of the right one."""
    right = getattr(xentropy, name)
    monkeypatch.setattr(xentropy, name, lambda *args, **options: change(right, *args, **options))


NUMPY = BACKENDS[0]
X, Y = np.asarray([[1.0, 2.0, 3.0], [0.0, -1.0, 4.0]]), np.asarray([2, 0])


@pytest.mark.once
def test_what_is_right_passes():
    agrees(NUMPY, "cross_entropy", X, Y, wrt="logits")


@pytest.mark.once
@pytest.mark.parametrize("factor", [-1, nan, inf, 1 + 1e-14])
def test_a_wrong_value_fails(monkeypatch, factor):
    wrong(monkeypatch, "cross_entropy", lambda f, x, y: np.asarray(f(x, y) * factor))
    with pytest.raises(AssertionError, match="times the bar"):
        agrees(NUMPY, "cross_entropy", X, Y)


@pytest.mark.once
def test_a_wrong_gradient_fails(monkeypatch):
    right = xentropy.value_and_grad

    def doubled(*choice):
        def call(*args, **options):
            value, (gradient,) = right(*choice)(*args, **options)
            return value, (gradient * (1 + 1e-14),)

        return call

    monkeypatch.setattr(xentropy, "value_and_grad", doubled)
    with pytest.raises(AssertionError, match="gradient of cross_entropy with respect to logits"):
        agrees(NUMPY, "cross_entropy", X, Y, wrt="logits")


@pytest.mark.once
def test_other_slips_fail(monkeypatch):
    def mutating(f, x, y):
        value = f(x, y)
        x[0, 0] += 1
        return value

    slips = {
        "an input was changed": mutating,
        "float32": lambda f, x, y: f(x, y).astype(np.float32),
        r"-0\.0": lambda f, x, y: np.asarray(-0.0),
    }
    for text, change in slips.items():
        with monkeypatch.context() as patch:
            wrong(patch, "cross_entropy", change)
            x, y = (X[:0], Y[:0]) if text.startswith("-") else (X, Y)
            with pytest.raises(AssertionError, match=text):
                agrees(NUMPY, "cross_entropy", x, y)
    with pytest.raises(AssertionError):
        same(np.asarray([0.0, nan]), [nan, 0.0])
