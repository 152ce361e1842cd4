"""The reference against itself (central differences), against hand-made numbers, and against SciPy."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
from mpmath import mp, mpf
from oracle_numbers import exact

pytestmark = pytest.mark.once

inf, nan = float("inf"), float("nan")
STEP = mpf(10) ** -40


def value_sum(name, args, options):
    return mp.fsum(list(oracle.FUNCTIONS[name][0](*args, **options).value.flat))


def numeric_gradient(name, argument, args, options):
    """Central differences of value.sum() at 120 digits with steps of 1e-40."""
    with mp.workdps(120):
        args, options = list(args), dict(options)
        names = oracle.FUNCTIONS[name][1]
        home, key = (args, names.index(argument)) if argument in names else (options, argument)
        point = exact(home[key])
        slope = np.empty(point.size, dtype=object)
        for place in range(point.size):
            ends = []
            for step in (STEP, -STEP):
                moved = point.reshape(-1).copy()
                moved[place] += step
                home[key] = moved.reshape(point.shape)
                ends.append(value_sum(name, args, options))
            slope[place] = (ends[0] - ends[1]) / (2 * STEP)
        return slope.reshape(point.shape)


def assert_same_gradient(name, argument, args, options):
    expected = numeric_gradient(name, argument, args, options)
    computed = oracle.gradient(name, argument, *args, **options)[argument]
    assert computed.value.shape == expected.shape == computed.scale.shape
    for number, true, scale in zip(computed.value.flat, expected.flat, computed.scale.flat, strict=True):
        assert abs(number - true) <= 1e-30 * max(abs(true), mpf(10) ** -15), (argument, number, true)
        assert mp.isinf(scale) is False
        assert abs(number) <= scale * (1 + mpf(10) ** -30), (argument, number, scale)


# ---------------------------------------------------------------------------------------------
# closed formulas == central differences


def random_case(seed, kind, reduction):
    """Logits with masks and every option, and labels of one kind."""
    rng = np.random.default_rng(seed)
    rows, classes = (2, 2), 4
    logits = rng.normal(0, 3, (*rows, classes))
    where = rng.random((*rows, classes)) < 0.75
    where[..., :2] = True
    options = {
        "where": where,
        "class_weight": rng.uniform(0.5, 2, classes),
        "sample_weight": rng.uniform(0.5, 2, (rows[0], 1)),
        "label_smoothing": 0.125,
        "reduction": reduction,
    }
    if reduction == "mean" and seed % 2:
        options["normalizer"] = 3.5
    if kind == "integer":
        labels = rng.integers(0, 2, rows)
        labels[0, 0] = -100
        options["ignore_index"] = -100
    elif kind == "soft":
        labels, options["where"] = rng.uniform(0, 1, logits.shape), True
    else:
        labels = rng.integers(0, 2, (*rows, 3))
        options["label_probs"] = rng.uniform(0, 1, (*rows, 3))
    return logits, labels, options


def soft_arguments(kind):
    return {"integer": (), "soft": ("labels",), "sparse": ("label_probs",)}[kind]


SHARED = ("class_weight", "sample_weight", "label_smoothing")


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("kind", ["integer", "soft", "sparse"])
@pytest.mark.parametrize("name", ["cross_entropy", "focal_loss", "nll_loss"])
@pytest.mark.parametrize("seed", [0, 1])
def test_categorical_gradients(name, kind, reduction, seed):
    logits, labels, options = random_case(seed, kind, reduction)
    wrt = [*SHARED, *soft_arguments(kind)]
    if "normalizer" in options:
        wrt.append("normalizer")
    if name == "nll_loss":
        logits = -abs(logits)
        wrt.append("log_probs")
    else:
        options.update(temperature=np.array([[0.5], [2.0]]), softcap=5.0, z_loss=0.25)
        wrt += ["logits", "temperature", "softcap", "z_loss"]
    if name == "focal_loss":
        options["gamma"] = 1.5
        wrt.append("gamma")
    for argument in wrt:
        assert_same_gradient(name, argument, (logits, labels), options)


def test_labels_under_a_mask():
    """A label that `where` hides has derivative 0, the others that of the row without the class."""
    where = np.array([[True, False, True]])
    options = {"where": where, "class_weight": np.array([0.5, 2.0, 1.5]), "label_smoothing": 0.125}
    logits, labels = np.array([[1.0, 5.0, -2.0]]), np.array([[0.25, 0.0, 0.5]])
    masked = oracle.gradient("cross_entropy", "labels", logits, labels, **options)["labels"]
    options = {"class_weight": np.array([0.5, 1.5]), "label_smoothing": 0.125}
    removed = numeric_gradient("cross_entropy", "labels", (logits[:, ::2], labels[:, ::2]), options)
    assert masked.value[0, 1] == 0
    assert max(abs(masked.value[0, ::2] - removed[0])) < 1e-30


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_axis(axis):
    rng = np.random.default_rng(3)
    logits, labels = rng.normal(0, 3, (2, 3, 4)), rng.uniform(0, 1, (2, 3, 4))
    options = {"axis": axis, "reduction": "none"}
    for argument in ("logits", "labels"):
        assert_same_gradient("cross_entropy", argument, (logits, labels), options)
    moved = np.moveaxis(logits, axis, -1), np.moveaxis(labels, axis, -1)
    same = oracle.cross_entropy(*moved, reduction="none")
    assert (oracle.cross_entropy(logits, labels, **options).value == same.value).all()


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_entropy_and_divergence_gradients(reduction):
    rng = np.random.default_rng(4)
    a, b = rng.normal(-2, 2, (2, 3, 4))
    weights = rng.uniform(0.5, 2, 3)
    where = np.array([[True, True, True, False]] * 3)
    shared = {"where": where, "sample_weight": weights, "reduction": reduction}
    options = {**shared, "temperature": np.array([0.5, 1.0, 2.0]), "softcap": 4.0}
    for argument in ("logits", "temperature", "softcap", "sample_weight"):
        assert_same_gradient("entropy", argument, (a,), options)
    assert_same_gradient("entropy", "temperature", (a,), {**shared, "temperature": 0.5})
    for argument in ("log_q", "p", "sample_weight"):
        assert_same_gradient("kl_divergence", argument, (a, abs(b)), shared)
        assert_same_gradient("kl_divergence", argument, (a, b), {**shared, "log_target": True})
    for argument in ("log_p", "log_q", "sample_weight"):
        assert_same_gradient("js_divergence", argument, (a, b), shared)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_binary_gradients(reduction):
    rng = np.random.default_rng(5)
    x, y = rng.normal(0, 4, (3, 4)), rng.uniform(0.1, 0.9, (3, 4))
    shared = {
        "where": rng.random((3, 4)) < 0.75,
        "sample_weight": rng.uniform(0.5, 2, (3, 1)),
        "reduction": reduction,
    }
    smooth = {**shared, "label_smoothing": 0.125}
    logits = {**smooth, "pos_weight": rng.uniform(0.5, 2, 4)}
    for argument in ("logits", "labels", "label_smoothing", "pos_weight", "sample_weight"):
        assert_same_gradient("binary_cross_entropy_with_logits", argument, (x, y), logits)
    for argument in ("probs", "labels", "label_smoothing", "sample_weight"):
        assert_same_gradient("binary_cross_entropy", argument, (y[::-1], y), smooth)
    for gamma in (0.0, 0.5, 1.0, 2.5):
        focal = {**shared, "alpha": 0.25, "gamma": gamma}
        for argument in ("logits", "labels", "alpha", "gamma", "sample_weight"):
            assert_same_gradient("sigmoid_focal_loss", argument, (x, y), focal)


def test_normalizer_gradients():
    rng = np.random.default_rng(6)
    x, where = rng.normal(0, 3, (2, 4)), np.array([[True, True, True, False]] * 2)
    b = rng.normal(0, 1, (2, 4))
    for argument in ("x", "b"):
        options = {"where": where, "b": abs(b)}
        assert_same_gradient("logsumexp", argument, (x,), options)
    expected = numeric_gradient("log_softmax", "x", (x[:, :3],), {})
    computed = oracle.gradient("log_softmax", "x", x[:, :3])["x"].value
    assert max(abs((expected - computed).reshape(-1))) < 1e-30
    for name in ("sigmoid", "log_sigmoid", "softplus"):
        assert_same_gradient(name, "x", (x,), {})
    for argument in ("x", "y"):
        assert_same_gradient("xlogy", argument, (x, abs(b)), {})


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_products(name):
    """The contraction with a cotangent, by differences of each output."""
    rng = np.random.default_rng(7)
    x, g = rng.normal(0, 3, 4), rng.normal(0, 1, 4)
    function = oracle.FUNCTIONS[name][0]
    for wrt in ("x", "temperature"):
        computed = oracle.gradient(name, wrt, x, cotangent=g, temperature=0.5)[wrt].value
        with mp.workdps(120):
            for place in range(computed.size):
                ends = []
                for step in (STEP, -STEP):
                    moved = exact(x)
                    temperature = mpf(0.5)
                    if wrt == "x":
                        moved[place] += step
                    else:
                        temperature += step
                    ends.append((function(moved, temperature=temperature).value * exact(g)).sum())
                true = (ends[0] - ends[1]) / (2 * STEP)
                assert abs(true - computed.reshape(-1)[place]) < 1e-30


@pytest.mark.parametrize("margin", [40.0, 80.0, 700.0])
def test_tails_keep_their_digits(margin):
    """A confident row: the loss is log1p(exp(-margin)), far below 1e-60 at the end."""
    logits, labels = np.array([[margin, 0.0]]), np.array([0])
    with mp.workdps(60):
        tail = mp.log1p(mp.exp(-mpf(margin)))
        share = mp.exp(-mpf(margin)) / (1 + mp.exp(-mpf(margin)))
        loss = oracle.cross_entropy(logits, labels).value[()]
        gradient = oracle.gradient("cross_entropy", "logits", logits, labels)["logits"].value[0]
        assert abs(loss / tail - 1) < 1e-40
        assert abs(gradient[0] / -share - 1) < 1e-40
        assert abs(gradient[1] / share - 1) < 1e-40
        bce = oracle.binary_cross_entropy_with_logits(np.array([margin]), np.array([1])).value[()]
        assert abs(bce / tail - 1) < 1e-40


# ---------------------------------------------------------------------------------------------
# hand-made numbers, and the rules


def floats(reference):
    return reference.value.astype(float).tolist()


def logits_gradient(logits, labels, **options):
    return floats(oracle.gradient("cross_entropy", "logits", np.array(logits), np.array(labels), **options)["logits"])


LOG2, LOG3 = np.log(2), np.log(3)


def test_hand_made_values():
    zeros, labels = np.zeros((2, 2)), np.array([0, 1])
    assert floats(oracle.cross_entropy(zeros, labels)) == LOG2
    assert floats(oracle.cross_entropy(zeros, labels, reduction="sum")) == 2 * LOG2
    assert floats(oracle.cross_entropy(np.log([[1.0, 3.0]]), np.array([0]))) == pytest.approx(np.log(4))
    assert floats(oracle.focal_loss(zeros, labels)) == LOG2 / 4
    assert floats(oracle.entropy(np.zeros((1, 3)))) == LOG3
    assert floats(oracle.cross_entropy(zeros, labels, z_loss=1.0)) == pytest.approx(LOG2 + LOG2**2)
    assert floats(oracle.kl_divergence(np.log([[0.5, 0.5]]), np.array([[1.0, 0.0]]))) == pytest.approx(LOG2)
    assert floats(oracle.js_divergence(np.array([[0.0, -inf]]), np.array([[-inf, 0.0]]))) == LOG2
    assert floats(oracle.binary_cross_entropy_with_logits(np.zeros(2), np.array([0, 1]))) == LOG2
    assert floats(oracle.binary_cross_entropy(np.array([0.5]), np.array([1]))) == LOG2
    assert floats(oracle.sigmoid_focal_loss(np.zeros(1), np.array([1]), alpha=0.25)) == LOG2 / 16
    assert floats(oracle.logsumexp(np.zeros((1, 2)))) == [LOG2]
    value, sign = oracle.logsumexp(np.zeros((1, 2)), b=np.array([1.0, -3.0]), return_sign=True)
    assert floats(value) == [LOG2]
    assert floats(sign) == [-1.0]
    assert logits_gradient([[0.0, 0.0]], [0]) == [[-0.5, 0.5]]
    assert floats(oracle.nll_loss(np.array([[-2.0, -3.0]]), np.array([1]))) == 3.0


def test_masks():
    """Rules 1 to 4."""
    # 1, 2: a masked class is not there, by -inf or by where, whatever where hides
    assert floats(oracle.cross_entropy(np.array([[0.0, -inf, 0.0]]), np.array([0]))) == LOG2
    where = np.array([[True, False, True]])
    assert floats(oracle.cross_entropy(np.array([[0.0, nan, 0.0]]), np.array([0]), where=where)) == LOG2
    assert logits_gradient([[0.0, nan, 0.0]], [0], where=where) == [[-0.5, 0.0, 0.5]]
    # 3: a target on it is infinite, its gradient is not
    assert floats(oracle.cross_entropy(np.array([[0.0, -inf, 0.0]]), np.array([1]))) == inf
    assert logits_gradient([[0.0, -inf, 0.0]], [1]) == [[0.5, -1.0, 0.5]]
    assert logits_gradient([[0.0, 0.0, 0.0]], [1], where=where) == [[0.0, 0.0, 0.0]]
    soft = [[-1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 2.0, 0.0]]
    masked = oracle.cross_entropy(np.array([[-inf, -inf, 0.0]] * 3), np.array(soft), reduction="none")
    assert np.array_equal(floats(masked), [-inf, inf, nan], equal_nan=True)
    # 4: nothing is left
    void = np.zeros((1, 3), dtype=bool)
    assert floats(oracle.cross_entropy(np.zeros((1, 3)), np.zeros((1, 3)), where=void)) == 0
    assert floats(oracle.cross_entropy(np.zeros((1, 3)), np.array([0]), where=void)) == inf
    assert logits_gradient([[0.0, 0.0, 0.0]], [0], where=void) == [[0.0, 0.0, 0.0]]
    empty = logits_gradient([[-inf, -inf, 0.0]], [0], where=np.array([[True, True, False]]))
    assert np.array_equal(empty, [[nan, nan, 0.0]], equal_nan=True)
    assert floats(oracle.logsumexp(np.full((1, 2), -inf))) == [-inf]
    assert floats(oracle.log_softmax(np.zeros(2), where=False)) == [-inf, -inf]
    assert np.isnan(floats(oracle.softmax(np.full(2, -inf)))).all()


def test_rows_that_do_not_count():
    """Rules 5, 6, 7 and 9."""
    logits = np.array([[0.0, 0.0], [nan, 0.0]])
    assert np.isnan(logits_gradient(logits, [0, 0], reduction="sum")).tolist() == [[False] * 2, [True] * 2]
    ignored = {"ignore_index": -1}
    assert floats(oracle.cross_entropy(logits, np.array([0, -1]), **ignored)) == LOG2
    assert logits_gradient(logits, [0, -1], **ignored) == [[-0.5, 0.5], [0.0, 0.0]]
    weighted = {"sample_weight": np.array([1.0, 0.0])}
    assert floats(oracle.cross_entropy(logits, np.array([0, 7]), **weighted)) == LOG2
    by_weight = oracle.gradient("cross_entropy", "sample_weight", logits, np.array([0, 7]), **weighted)
    assert floats(by_weight["sample_weight"]) == [0.0, 0.0]
    fine = oracle.gradient(
        "cross_entropy", "sample_weight", np.zeros((2, 2)), np.array([0, 0]), reduction="sum", **weighted
    )
    assert floats(fine["sample_weight"]) == [LOG2, LOG2]
    assert floats(oracle.cross_entropy(np.zeros((0, 3)), np.zeros(0, int))) == 0
    assert floats(oracle.cross_entropy(np.zeros((1, 3)), np.array([-1]), ignore_index=-1)) == 0
    assert floats(oracle.cross_entropy(np.zeros((2, 2)), np.array([0, 0]), normalizer=4.0)) == LOG2 / 2
    assert floats(oracle.cross_entropy(np.zeros((2, 2)), np.array([0, 0]), normalizer=0.0)) == 0
    for label in (-1, 2, 156):
        assert np.isnan(floats(oracle.cross_entropy(np.zeros((1, 2)), np.array([label]))))
    sparse = {"label_probs": np.array([[1.0, 0.0]])}
    assert floats(oracle.cross_entropy(np.zeros((1, 2)), np.array([[0, 9]]), **sparse)) == LOG2


def test_labels_of_all_kinds_agree():
    """Rule 7: integer, one-hot and sparse labels under every option."""
    rng = np.random.default_rng(8)
    logits, labels = rng.normal(0, 5, (4, 3)), np.array([0, 2, 1, 1])
    options = {
        "class_weight": rng.uniform(0, 2, 3),
        "sample_weight": rng.uniform(0, 2, 4),
        "label_smoothing": 0.25,
        "z_loss": 0.5,
    }
    for reduction in ("none", "sum", "mean"):
        options["reduction"] = reduction
        index = oracle.cross_entropy(logits, labels, **options)
        one_hot = oracle.cross_entropy(logits, np.eye(3)[labels], **options)
        sparse = oracle.cross_entropy(logits, labels[:, None], label_probs=np.ones((4, 1)), **options)
        assert (index.value == one_hot.value).all()
        assert (index.value == sparse.value).all()
        assert (index.scale == one_hot.scale).all()


def test_smoothing_counts_allowed_classes():
    """Rule 8: the share of a masked class goes to the others."""
    masked = oracle.cross_entropy(np.array([[1.0, 0.0, -inf]]), np.array([0]), label_smoothing=0.5)
    removed = oracle.cross_entropy(np.array([[1.0, 0.0]]), np.array([0]), label_smoothing=0.5)
    assert floats(masked) == floats(removed) == pytest.approx(np.log1p(np.exp(-1)) + 0.25)


def test_binary_limits():
    """Rule 10."""
    x, y = np.array([inf, -inf, inf, -inf]), np.array([1, 0, 0, 1])
    loss = oracle.binary_cross_entropy_with_logits
    assert floats(loss(x, y, reduction="none")) == [0, 0, inf, inf]
    name = "binary_cross_entropy_with_logits"
    assert floats(oracle.gradient(name, "logits", x, y, reduction="sum")["logits"]) == [0, 0, 1, -1]
    p = np.array([1.0, 0.0, 0.0, 1.0, nan, 1.5])
    expected = [0, 0, inf, inf, nan, nan]
    computed = floats(oracle.binary_cross_entropy(p, np.array([1, 0, 1, 0, 0, 0]), reduction="none"))
    assert np.array_equal(computed, expected, equal_nan=True)
    assert floats(oracle.sigmoid_focal_loss(x, y, reduction="none")) == [0, 0, inf, inf]
    kl = oracle.gradient("kl_divergence", "p", np.array([[0.0, -inf]]), np.array([[0.0, 0.0]]))["p"]
    assert floats(kl) == [[-inf, 0.0]]


def test_softcap_far_out():
    """Rule 11: the derivative is 1 / cosh^2, about 4 exp(-20) at x = 10 c."""
    logits = np.array([[100.0, 0.0]])
    plain = logits_gradient([[10.0, 0.0]], [1])[0][0]
    assert logits_gradient(logits, [1], softcap=10.0)[0][0] == pytest.approx(plain * 4 * np.exp(-20), rel=1e-8)
    assert logits_gradient([[0.0, -inf, 0.0]], [0], softcap=10.0) == [[-0.5, 0.0, 0.5]]


# ---------------------------------------------------------------------------------------------
# error and digits


def test_error_counts_in_units_of_the_bar():
    loss = oracle.cross_entropy(np.zeros((1, 2), np.float32), np.array([0]))
    eps = float(np.finfo(np.float32).eps)
    good = np.float32(np.log(2))
    assert oracle.error(good, loss, eps) < 1
    assert 3 < oracle.error(good * np.float32(1 + 4 * eps), loss, eps) < 5
    assert oracle.digits(np.float32(good * 1.001), loss) == pytest.approx(3, abs=0.01)
    assert oracle.error(np.float32(nan), loss, eps) == inf
    assert oracle.digits(np.float32(nan), loss) == 0
    infinite = oracle.cross_entropy(np.array([[0.0, -inf]]), np.array([1]))
    assert oracle.error(np.float32(inf), infinite, eps) == 0
    assert oracle.error(np.float32(-inf), infinite, eps) == inf
    zero = oracle.gradient("cross_entropy", "logits", np.array([[0.0, -inf]]), np.array([0]))["logits"]
    assert oracle.error(np.array([[0.0, 1e-40]], np.float32), zero, eps) == inf
    tail = oracle.cross_entropy(np.array([[95.0, 0.0]]), np.array([0]))
    assert oracle.error(np.float32(0.0), tail, eps) == 0
    assert oracle.digits(np.float32(0.0), tail) == inf
    assert oracle.error(np.float64(0.0), tail, eps) > 4


def test_sixteen_bits():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    logits = np.array([[1.0, 2.0]]).astype(ml_dtypes.bfloat16)
    reference = oracle.softmax(logits)
    computed = reference.value.astype(float).astype(ml_dtypes.bfloat16)
    assert oracle.error(computed, reference, float(ml_dtypes.finfo(ml_dtypes.bfloat16).eps)) <= 1


def test_many_classes():
    """A row of a vocabulary's size: shares sum to 1, at 40 digits."""
    logits = np.random.default_rng(9).normal(0, 4, (1, 20000)).astype(np.float32)
    gradient = oracle.gradient("cross_entropy", "logits", logits, np.array([7]))["logits"].value
    with mp.workdps(60):
        assert abs(mp.fsum(list(gradient.flat))) < mpf(10) ** -40


def test_against_scipy():
    special = pytest.importorskip("scipy.special")
    rng = np.random.default_rng(10)
    x = rng.normal(0, 5, (6, 7))
    labels = rng.integers(0, 7, 6)
    np.testing.assert_allclose(floats(oracle.logsumexp(x)), special.logsumexp(x, axis=-1), rtol=1e-14)
    np.testing.assert_allclose(floats(oracle.softmax(x)), special.softmax(x, axis=-1), rtol=1e-13)
    rows = special.log_softmax(x, axis=-1)
    np.testing.assert_allclose(floats(oracle.log_softmax(x)), rows, rtol=1e-12)
    loss = -rows[np.arange(6), labels].mean()
    np.testing.assert_allclose(floats(oracle.cross_entropy(x, labels)), loss, rtol=1e-13)
    np.testing.assert_allclose(floats(oracle.sigmoid(x)), special.expit(x), rtol=1e-14)
    np.testing.assert_allclose(floats(oracle.entropy(x)), special.entr(np.exp(rows)).sum(-1).mean(), rtol=1e-12)
    b = rng.normal(0, 1, (6, 7))
    value, sign = special.logsumexp(x, axis=-1, b=b, return_sign=True)
    mine = oracle.logsumexp(x, b=b, return_sign=True)
    np.testing.assert_allclose(floats(mine[0]), value, rtol=1e-12)
    assert floats(mine[1]) == sign.tolist()
