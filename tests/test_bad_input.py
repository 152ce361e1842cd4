"""What is wrong with the arguments is said with the shapes, the dtypes, the value and its position."""

from __future__ import annotations

import re

import numpy as np
import pytest
from backends import BACKENDS
from test_semantics_compare import agrees, put, same

import xentropy

nan = float("nan")
LOGITS = np.asarray([[1.0, 2.0, 0.5, 0.0], [0.0, -1.0, 3.0, 1.0]])
LABELS = np.asarray([2, 0])
GRID, GRID_LABELS = np.zeros((2, 2, 3)), np.zeros((2, 2), np.int64)
X, Y = r"logits of shape \(2, 4\) and dtype float64", r"labels of shape \(2,\) and dtype int64"

# name: (exception, the parts that the text holds, in any order, arguments, options)
CASES = {
    "labels are a list": (TypeError, ["labels", "list", "expected an array"], (LOGITS, [2, 0]), {}),
    "logits are a list": (TypeError, ["logits", "list", "expected an array"], ([[1.0]], LABELS), {}),
    "label_probs are a list": (TypeError, ["label_probs", "list"], (LOGITS, LABELS), {"label_probs": [[1.0]]}),
    "labels are None": (TypeError, ["labels", "NoneType"], (LOGITS, None), {}),
    "labels are a number": (TypeError, ["labels", "int"], (LOGITS, 3), {}),
    "soft labels of the wrong shape": (
        ValueError,
        [r"labels of shape \(2, 3\) and dtype float64", X],
        (LOGITS, np.zeros((2, 3))),
        {},
    ),
    "floating class indices": (
        ValueError,
        [r"labels of shape \(2,\) and dtype float64", X],
        (LOGITS, LABELS.astype("float64")),
        {},
    ),
    "class indices of the wrong shape": (
        ValueError,
        [r"labels of shape \(3,\) and dtype int64", X, r"\(2,\)"],
        (LOGITS, np.zeros(3, np.int64)),
        {},
    ),
    "one-hot integers": (
        ValueError,
        [r"labels of shape \(2, 4\) and dtype int64", X],
        (LOGITS, np.zeros((2, 4), np.int64)),
        {},
    ),
    "sparse labels of the wrong shape": (
        ValueError,
        [r"labels of shape \(3, 2\)", r"label_probs of shape \(3, 2\)", X],
        (LOGITS, np.zeros((3, 2), np.int64)),
        {"label_probs": np.zeros((3, 2))},
    ),
    "label_probs of another shape": (
        ValueError,
        [r"labels of shape \(2, 2\)", r"label_probs of shape \(2, 1\)"],
        (LOGITS, np.zeros((2, 2), np.int64)),
        {"label_probs": np.zeros((2, 1))},
    ),
    "integer label_probs": (
        TypeError,
        [r"label_probs of shape \(2, 1\) and dtype int64"],
        (LOGITS, LABELS[:, None]),
        {"label_probs": np.ones((2, 1), np.int64)},
    ),
    "label_probs with soft labels": (
        TypeError,
        ["label_probs", r"labels of shape \(2, 4\) and dtype float64"],
        (LOGITS, LOGITS),
        {"label_probs": LOGITS},
    ),
    "a label equal to C": (ValueError, [r"labels\[1\] is 4", r"\[0, 4\)"], (LOGITS, np.asarray([2, 4])), {}),
    "label -1": (ValueError, [r"labels\[0\] is -1", r"\[0, 4\)"], (LOGITS, np.asarray([-1, 2])), {}),
    "-100 and no ignore_index": (ValueError, [r"labels\[1\] is -100"], (LOGITS, np.asarray([2, -100])), {}),
    "a bad label in a grid": (
        ValueError,
        [r"labels\[1, 0\] is 7", "int64", r"\[0, 3\)"],
        (GRID, np.asarray([[0, 1], [7, 2]])),
        {},
    ),
    "NaN labels": (
        ValueError,
        [r"labels\[1, 2\] is nan"],
        (LOGITS, np.asarray([[0.5, 0.5, 0, 0], [0, 0, nan, 1]])),
        {},
    ),
    "boolean class indices": (
        TypeError,
        [r"labels of shape \(2,\) and dtype bool", "binary"],
        (LOGITS, np.asarray([True, False])),
        {},
    ),
    "integer logits": (
        TypeError,
        [r"logits of shape \(2, 4\) and dtype int64", "floating"],
        (LOGITS.astype("int64"), LABELS),
        {},
    ),
    "boolean logits": (TypeError, ["logits", "bool", "floating"], (LOGITS > 0, LABELS), {}),
    "0-d logits": (ValueError, ["axis", r"logits of shape \(\)"], (np.asarray(1.0), np.asarray(0)), {}),
    "unknown reduction": (
        ValueError,
        ["reduction", "'average'", "'mean'"],
        (LOGITS, LABELS),
        {"reduction": "average"},
    ),
    "unknown check_labels": (
        ValueError,
        ["check_labels", "'always'", "'auto'"],
        (LOGITS, LABELS),
        {"check_labels": "always"},
    ),
    "smoothing above 1": (
        ValueError,
        ["label_smoothing", r"1\.5", r"\[0, 1\]"],
        (LOGITS, LABELS),
        {"label_smoothing": 1.5},
    ),
    "smoothing below 0": (
        ValueError,
        ["label_smoothing", r"-0\.25", r"\[0, 1\]"],
        (LOGITS, LABELS),
        {"label_smoothing": np.asarray(-0.25)},
    ),
    "smoothing NaN": (ValueError, ["label_smoothing", "nan"], (LOGITS, LABELS), {"label_smoothing": nan}),
    "smoothing of a row": (
        ValueError,
        [r"label_smoothing of shape \(2,\)", "0-d"],
        (LOGITS, LABELS),
        {"label_smoothing": np.asarray([0.1, 0.2])},
    ),
    "temperature 0": (ValueError, ["temperature", r"0\.0", r"\(0, inf"], (LOGITS, LABELS), {"temperature": 0.0}),
    "one temperature 0": (
        ValueError,
        ["temperature", r"0\.0", r"\(2,\)"],
        (LOGITS, LABELS),
        {"temperature": np.asarray([1.0, 0.0])},
    ),
    "temperatures of classes": (
        ValueError,
        [r"temperature of shape \(4,\)", r"\(2,\)"],
        (LOGITS, LABELS),
        {"temperature": np.ones(4)},
    ),
    "softcap below 0": (ValueError, ["softcap", r"-1\.0"], (LOGITS, LABELS), {"softcap": -1.0}),
    "class weights of the wrong length": (
        ValueError,
        [r"class_weight of shape \(3,\)", r"\(4,\)"],
        (LOGITS, LABELS),
        {"class_weight": np.ones(3)},
    ),
    "class weights with two dimensions": (
        ValueError,
        [r"class_weight of shape \(1, 4\)", r"\(4,\)"],
        (LOGITS, LABELS),
        {"class_weight": np.ones((1, 4))},
    ),
    "sample weights of the wrong length": (
        ValueError,
        [r"sample_weight of shape \(3,\)", r"\(2,\)"],
        (LOGITS, LABELS),
        {"sample_weight": np.ones(3)},
    ),
    "sample weights of a batch": (
        ValueError,
        [r"sample_weight of shape \(2,\)", r"sample_weight\[:, None\]"],
        (GRID, GRID_LABELS),
        {"sample_weight": np.ones(2)},
    ),
    "sample weights with a dimension more": (
        ValueError,
        [r"sample_weight of shape \(2, 1\)", r"\(2,\)"],
        (LOGITS, LABELS),
        {"sample_weight": np.ones((2, 1))},
    ),
    "a mask that does not broadcast": (
        ValueError,
        [r"where of shape \(3,\)", r"\(2, 4\)"],
        (LOGITS, LABELS),
        {"where": np.ones(3, bool)},
    ),
    "a mask of integers": (
        TypeError,
        [r"where of shape \(2, 4\) and dtype int64", "bool"],
        (LOGITS, LABELS),
        {"where": np.ones((2, 4), np.int64)},
    ),
    "normalizer without a mean": (
        ValueError,
        ["normalizer", "'mean'", "'sum'"],
        (LOGITS, LABELS),
        {"normalizer": 2.0, "reduction": "sum"},
    ),
    "normalizer of a row": (
        ValueError,
        [r"normalizer of shape \(2,\)", "0-d"],
        (LOGITS, LABELS),
        {"normalizer": np.ones(2)},
    ),
    "axis out of range": (ValueError, ["axis = 2", X], (LOGITS, LABELS), {"axis": 2}),
    "negative axis out of range": (ValueError, ["axis = -3", X], (LOGITS, LABELS), {"axis": -3}),
    "axis no integer": (TypeError, [r"axis = 1\.0"], (LOGITS, LABELS), {"axis": 1.0}),
    "ignore_index with soft labels": (
        ValueError,
        ["ignore_index", "sample_weight=0"],
        (LOGITS, LOGITS),
        {"ignore_index": -100},
    ),
    "ignore_index no integer": (TypeError, ["ignore_index", r"-1\.0"], (LOGITS, LABELS), {"ignore_index": -1.0}),
}


def states(error, parts):
    for part in parts:
        assert re.search(part, str(error.value)), f"no {part!r} in: {error.value}"


@pytest.mark.parametrize("case", CASES)
def test_cross_entropy(backend, case):
    """By itself and under `value_and_grad`; the arguments are as they were, and the next call is right."""
    exception, parts, args, options = CASES[case]
    there = [put(backend, x) for x in args]
    chosen = {n: put(backend, x) for n, x in options.items()}
    functions = [xentropy.cross_entropy]
    if isinstance(args[0], np.ndarray) and args[0].dtype == np.float64:
        functions.append(xentropy.value_and_grad(xentropy.cross_entropy))
    for function in functions:
        with pytest.raises(exception) as error:
            function(*there, **chosen)
        states(error, parts)
    for x, y in zip([*args, *options.values()], [*there, *chosen.values()], strict=True):
        if isinstance(x, np.ndarray):
            assert backend.to_numpy(y).tobytes() == x.tobytes()
    agrees(backend, "cross_entropy", LOGITS, LABELS, wrt="logits")


@pytest.mark.parametrize("name", ["focal_loss", "nll_loss"])
def test_their_relatives(backend, name):
    """The same checks, with the argument's own name."""
    first = "log_probs" if name == "nll_loss" else "logits"
    function = getattr(xentropy, name)
    x, y = put(backend, -abs(LOGITS)), put(backend, LABELS)
    with pytest.raises(TypeError, match=f"{first}.*int64.*floating"):
        function(put(backend, LOGITS.astype("int64")), y)
    with pytest.raises(ValueError, match=rf"labels of shape \(3,\).*{first} of shape \(2, 4\)"):
        function(x, put(backend, np.zeros(3, np.int64)))
    with pytest.raises(ValueError, match=r"class_weight of shape \(3,\)"):
        function(x, y, class_weight=put(backend, np.ones(3)))
    with pytest.raises(ValueError, match=rf"axis = 5 .*{first}"):
        function(x, y, axis=5)


def test_gamma_and_alpha(backend):
    x, y = put(backend, LOGITS), put(backend, LABELS)
    for bad in (-1.0, put(backend, np.asarray(-1.0))):
        with pytest.raises(ValueError, match=r"gamma.*-1\.0"):
            xentropy.focal_loss(x, y, gamma=bad)
    with pytest.raises(ValueError, match=r"alpha.*1\.5.*\[0, 1\]"):
        xentropy.sigmoid_focal_loss(x, x, alpha=1.5)


@pytest.mark.parametrize("name", ["binary_cross_entropy_with_logits", "binary_cross_entropy", "sigmoid_focal_loss"])
def test_binary_losses(backend, name):
    first = "probs" if name == "binary_cross_entropy" else "logits"
    function = getattr(xentropy, name)
    x, y = put(backend, LOGITS), put(backend, np.ones((2, 4)))
    with pytest.raises(ValueError, match=rf"labels of shape \(2,\) and dtype int64.*{first} of shape \(2, 4\)"):
        function(x, put(backend, LABELS))
    with pytest.raises(TypeError, match=rf"{first}.*int64.*floating"):
        function(put(backend, LOGITS.astype("int64")), y)
    with pytest.raises(TypeError, match=r"labels.*list"):
        function(x, [1.0])
    with pytest.raises(ValueError, match=r"sample_weight of shape \(2,\).*\[:, None\]"):
        function(x, y, sample_weight=put(backend, np.ones(2)))
    with pytest.raises(ValueError, match="'average'"):
        function(x, y, reduction="average")
    with pytest.raises(ValueError, match="normalizer"):
        function(x, y, reduction="none", normalizer=1.0)


def test_divergences_and_normalizers(backend):
    x, y = put(backend, LOGITS), put(backend, LABELS)
    with pytest.raises(ValueError, match=r"log_q of shape \(2, 4\).*p of shape \(2, 2\)"):
        xentropy.kl_divergence(x, put(backend, np.ones((2, 2))))
    with pytest.raises(TypeError, match=r"p of shape \(2,\) and dtype int64"):
        xentropy.kl_divergence(x, y)
    with pytest.raises(ValueError, match=r"log_p of shape \(2, 4\).*log_q of shape \(2, 2\)"):
        xentropy.js_divergence(x, put(backend, np.ones((2, 2))))
    for name in ("logsumexp", "softmax", "log_softmax"):
        with pytest.raises(ValueError, match=r"axis = 2 .*x of shape \(2, 4\)"):
            getattr(xentropy, name)(x, axis=2)
        with pytest.raises(TypeError, match=r"x of shape .*int64"):
            getattr(xentropy, name)(y)
        with pytest.raises(TypeError, match=r"x is of type builtins\.list"):
            getattr(xentropy, name)([1.0])
    with pytest.raises(ValueError, match=r"b of shape \(3,\).*\(2, 4\)"):
        xentropy.logsumexp(x, b=put(backend, np.ones(3)))
    with pytest.raises(ValueError, match=r"x of shape \(2, 4\).*y of shape \(2, 3\).*broadcast"):
        xentropy.xlogy(x, put(backend, np.ones((2, 3))))


# arrays of two kinds


def test_labels_of_another_library(backend):
    """Nothing is converted silently; both libraries are named."""
    others = {"numpy": "array_api_strict", "numpy:readonly": "array_api_strict"}
    other = next(b for b in BACKENDS if b.name == others.get(backend.name, "numpy"))
    if other.missing():
        other = next(b for b in BACKENDS if not b.missing() and b.option != backend.option)
    x, y = put(backend, LOGITS), put(other, LABELS)
    with pytest.raises(TypeError) as error:
        xentropy.cross_entropy(x, y)
    states(error, [X, Y, other.module, backend.module])
    for name in ("where", "class_weight", "sample_weight", "temperature", "normalizer"):
        option = put(other, np.ones((2, 4), bool) if name == "where" else np.asarray(1.0))
        with pytest.raises(TypeError, match=f"{name} of shape"):
            xentropy.cross_entropy(x, put(backend, LABELS), **{name: option})


@pytest.mark.backends("array_api_strict")
def test_labels_on_another_device(backend):
    import array_api_strict as xp

    x, y = put(backend, LOGITS), xp.asarray(LABELS, device=xp.Device("device1"))
    with pytest.raises(ValueError) as error:
        xentropy.cross_entropy(x, y)
    states(error, [X, Y, "device1", "CPU_DEVICE"])


@pytest.mark.backends("torch")
def test_labels_on_another_device_of_torch(backend):
    import torch

    x, y = put(backend, LOGITS), torch.zeros(2, dtype=torch.int64, device="meta")
    with pytest.raises(ValueError) as error:
        xentropy.cross_entropy(x, y)
    states(error, [X, Y, "meta", "cpu"])


@pytest.mark.backends("numpy")
def test_masked_arrays(backend):
    """What their mask hides would be read."""
    masked = np.ma.masked_array(LOGITS, LOGITS > 1)
    with pytest.raises(TypeError, match=r"logits is of type numpy\.ma\.(core\.)?MaskedArray"):
        xentropy.cross_entropy(masked, LABELS)
    with pytest.raises(TypeError, match=r"labels is of type .*MaskedArray"):
        xentropy.cross_entropy(LOGITS, np.ma.masked_array(LABELS, LABELS == 0))


# value_and_grad


def test_arguments_to_differentiate(backend):
    """Which ones, and that they are floating arrays."""
    x, y = put(backend, LOGITS), put(backend, LABELS)
    loss = xentropy.cross_entropy
    with pytest.raises(ValueError, match=r"argument 2; .* 2 positional"):
        xentropy.value_and_grad(loss, 2)(x, y)
    with pytest.raises(ValueError, match="argument -3"):
        xentropy.value_and_grad(loss, (0, -3))(x, y)
    with pytest.raises(ValueError, match=r"'temperature'.*'class_weight'"):
        xentropy.value_and_grad(loss, argnames="temperature")(x, y, class_weight=None)
    with pytest.raises(TypeError, match=r"argument 1 of shape .*int64"):
        xentropy.value_and_grad(loss, 1)(x, y)
    with pytest.raises(TypeError, match=r"temperature = 2\.0: expected an array|temperature is of type"):
        xentropy.value_and_grad(loss, 0, "temperature")(x, y, temperature=2.0)
    with pytest.raises(TypeError, match=r"argument 0 .*list"):
        xentropy.value_and_grad(loss)([[1.0]], y)


def test_forms_of_the_gradient(backend):
    """argnums alone: what JAX gives; argnames alone: a dict; both: (that, dict)."""
    x, y, t = put(backend, LOGITS), put(backend, np.ones((2, 4))), put(backend, np.asarray(2.0))
    loss = xentropy.cross_entropy
    grad = {c: xentropy.value_and_grad(loss, *c)(x, y, temperature=t)[1] for c in [
        (), (0,), ((0,),), ((1, 0),), (-1,), (None, "temperature"), (0, "temperature"), ((0, 1), ("temperature",)),
    ]}  # fmt: skip
    by_x, by_y = grad[()], grad[(-1,)]
    by_t = grad[(None, "temperature")]
    assert list(by_t) == ["temperature"]
    flat = {
        (0,): [grad[(0,)]],
        ((0,),): [*grad[((0,),)]],
        ((1, 0),): [grad[((1, 0),)][1]],
        (0, "temperature"): [grad[(0, "temperature")][0]],
        ((0, 1), ("temperature",)): [grad[((0, 1), ("temperature",))][0][0]],
    }
    for found in flat.values():
        assert len(found) == 1
        same(backend.to_numpy(found[0]), backend.to_numpy(by_x))
    same(backend.to_numpy(grad[((1, 0),)][0]), backend.to_numpy(by_y))
    for c in ((0, "temperature"), ((0, 1), ("temperature",))):
        same(backend.to_numpy(grad[c][1]["temperature"]), backend.to_numpy(by_t["temperature"]))


FOREIGN = {
    "2 * x": lambda loss, x, y: loss(2 * x, y),
    "x * 2": lambda loss, x, y: loss(x * 2.0, y),
    "x + x": lambda loss, x, y: loss(x + x, y),
    "-x": lambda loss, x, y: loss(-x, y),
    "x[0]": lambda loss, x, y: loss(x[0], y[0]),
    "x.T": lambda loss, x, y: loss(x.T, y, axis=0),
    "x.reshape": lambda loss, x, y: loss(x.reshape((2, 4)), y),
    "x > 0": lambda loss, x, y: loss(x, y, where=x > 0),
    "loss + loss": lambda loss, x, y: loss(x, y) + loss(x, y),
    "loss / 2": lambda loss, x, y: loss(x, y) / 2,
    "float(loss)": lambda loss, x, y: float(loss(x, y)),
    "bool(loss)": lambda loss, x, y: loss(x, y) if loss(x, y) else 0,
    "abs(loss)": lambda loss, x, y: abs(loss(x, y)),
    "loss.item()": lambda loss, x, y: loss(x, y).item(),
}


@pytest.mark.backends(autodiff=False)
@pytest.mark.parametrize("case", FOREIGN)
def test_foreign_arithmetic(backend, case):
    """A gradient that would be lost is an error, and never 0; it names shape, dtype and library."""
    x, y = put(backend, LOGITS), put(backend, LABELS)
    with pytest.raises(TypeError) as error:
        xentropy.value_and_grad(lambda x: FOREIGN[case](xentropy.cross_entropy, x, y))(x)
    states(error, ["value_and_grad", backend.module, "float64"])
    same(backend.to_numpy(x), LOGITS)


@pytest.mark.backends(autodiff=False)
def test_foreign_functions(backend):
    """The library's own functions on an argument or a result."""
    x, y, xp = put(backend, LOGITS), put(backend, LABELS), backend.xp
    for function in (xp.exp, lambda x: xp.add(x, x), xp.sum, xp.asarray):
        with pytest.raises(TypeError):
            xentropy.value_and_grad(lambda x, f=function: xentropy.cross_entropy(f(x), y))(x)
        with pytest.raises(TypeError):
            xentropy.value_and_grad(lambda x, f=function: f(xentropy.cross_entropy(x, y)))(x)


def test_compositions_of_our_functions(backend):
    """Lambdas, our functions of our functions, and one argument in two places work everywhere."""
    x, y = put(backend, LOGITS), put(backend, LABELS)
    value, gradient = xentropy.value_and_grad(lambda x: xentropy.nll_loss(xentropy.log_softmax(x), y))(x)
    expected, by = agrees(backend, "cross_entropy", LOGITS, LABELS, wrt="logits")
    np.testing.assert_allclose(backend.to_numpy(value), expected, rtol=1e-14)
    np.testing.assert_allclose(backend.to_numpy(gradient), by["logits"], rtol=1e-13)
    _, gradient = xentropy.value_and_grad(lambda x: xentropy.cross_entropy(x, xentropy.softmax(x)))(x)
    _, entropy = xentropy.value_and_grad(xentropy.entropy)(x)
    np.testing.assert_allclose(backend.to_numpy(gradient), backend.to_numpy(entropy), rtol=1e-12, atol=1e-15)
