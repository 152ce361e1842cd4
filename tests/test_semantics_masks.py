"""Rules 1 to 5: disallowed classes, 0 log 0, mass on what is not there, empty rows, NaN and +inf logits."""

from __future__ import annotations

import numpy as np
import pytest
from test_semantics_compare import agrees, calculate, same

inf, nan = float("inf"), float("nan")
SCALARS = {
    "temperature": np.asarray(0.5),
    "label_smoothing": np.asarray(0.25),
    "z_loss": np.asarray(0.125),
    "softcap": np.asarray(5.0),
}
CLASS_WEIGHT = np.asarray([0.5, 2.0, 1.0, 4.0])
LOGITS = np.asarray([[1.0, -inf, 3.0, 0.5], [-inf, 2.0, -1.0, -inf], [0.0, 7.0, -inf, 1.0], [-inf, -inf, -inf, 2.0]])
WHERE = np.asarray(
    [[True, True, True, False], [True, True, True, False], [True, False, True, True], [True, True, False, True]]
)
KINDS = {
    "integer": (np.asarray([2, 1, 3, 3]), {}),
    "soft": (np.asarray([[0.5, 0.0, 0.25, 0.0], [0, 1.0, 0, 0], [0.5, 0, 0, 0.5], [0, 0, 0, 0.75]]), {}),
    "sparse": (
        np.asarray([[2, 0], [1, 2], [3, 1], [3, 3]]),
        {"label_probs": np.asarray([[0.5, 0.25], [1.0, 0.0], [0.5, 0.0], [0.25, 0.25]])},
    ),
}
SOFT_ARGUMENT = {"integer": "", "soft": " labels", "sparse": " label_probs"}


# 1. a mask is the removal of the class


@pytest.mark.parametrize("kind", KINDS)
def test_a_mask_under_every_option(backend, kind):
    labels, options = KINDS[kind]
    wrt = "logits class_weight temperature label_smoothing z_loss softcap" + SOFT_ARGUMENT[kind]
    options = {**options, **SCALARS, "class_weight": CLASS_WEIGHT, "where": WHERE}
    agrees(backend, "cross_entropy", LOGITS, labels, wrt=wrt, reduction="sum", **options)


@pytest.mark.parametrize("mask", ["where", "-inf"])
def test_a_mask_removes_the_class(backend, mask):
    """Of five classes two are gone: the rest of the row is that of three, and the two have derivative 0."""
    logits, kept = np.asarray([[1.0, 9.0, 3.0, 0.5, 9.0]]), [0, 2, 3]
    weight, soft = np.asarray([0.5, 8.0, 1.0, 4.0, 8.0]), np.asarray([[0.25, 0.0, 0.5, 0.25, 0.0]])
    options = {"label_smoothing": 0.25, "z_loss": 0.5, "reduction": "none"}
    wrt = "logits labels class_weight"
    part = {"class_weight": weight[kept], **options}
    small, by_small = calculate(backend, "cross_entropy", logits[:, kept], soft[:, kept], wrt=wrt, **part)
    if mask == "where":
        options["where"] = np.asarray([[True, False, True, True, False]])
    else:
        logits = np.asarray([[1.0, -inf, 3.0, 0.5, -inf]])
    value, by = calculate(backend, "cross_entropy", logits, soft, wrt=wrt, class_weight=weight, **options)
    np.testing.assert_allclose(value, small, rtol=1e-14)
    for n in ("logits", "labels"):
        np.testing.assert_allclose(by[n][:, kept], by_small[n], rtol=1e-13)
        same(by[n][:, [1, 4]], [[0.0, 0.0]])
    np.testing.assert_allclose(by["class_weight"][kept], by_small["class_weight"], rtol=1e-13)
    same(by["class_weight"][[1, 4]], [0.0, 0.0])


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_mask_hides_has_no_effect(backend, kind):
    """Rules 1 and 5: NaN or an infinity at a `where=False` place changes no bit."""
    labels, more = KINDS[kind]
    options = {**more, **SCALARS, "where": WHERE, "class_weight": CLASS_WEIGHT, "reduction": "sum"}
    wrt = "logits temperature softcap class_weight" + SOFT_ARGUMENT[kind]
    expected, by = calculate(backend, "cross_entropy", LOGITS, labels, wrt=wrt, **options)
    for hidden in (nan, inf, -inf, 1e300):
        logits = np.where(WHERE, LOGITS, hidden)
        value, found = calculate(backend, "cross_entropy", logits, labels, wrt=wrt, **options)
        same(value, expected)
        for n in wrt.split():
            same(found[n], by[n])


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_normalizers_under_a_mask(backend, name):
    agrees(backend, name, LOGITS, wrt="x temperature", where=WHERE, temperature=np.asarray([0.5, 1.0, 2.0, 4.0]))
    value, _ = calculate(backend, name, np.where(WHERE, LOGITS, nan), where=WHERE)
    assert (value[~WHERE | (LOGITS == -inf)] == (0 if name == "softmax" else -inf)).all()
    agrees(backend, "logsumexp", np.where(WHERE, LOGITS, nan), wrt="x", where=WHERE)


def test_where_broadcasts(backend):
    """A mask of fewer dimensions, of size 1 along an axis, and of no dimension at all."""
    for where in (WHERE[0], WHERE[:1], WHERE[:, :1], np.asarray(True)):
        agrees(backend, "cross_entropy", LOGITS, KINDS["soft"][0], wrt="logits", reduction="none", where=where)


# 2. 0 log 0 = 0


def test_zero_times_log_zero(backend):
    logits, labels = np.asarray([[1.0, -inf, 2.0]]), np.asarray([[1.0, 0.0, 0.0]])
    value, by = agrees(backend, "cross_entropy", logits, labels, wrt="logits labels", reduction="none")
    np.testing.assert_allclose(value, [np.log1p(np.e)], rtol=1e-15)
    np.testing.assert_allclose(by["labels"], [[np.log1p(np.e), 0.0, np.log1p(np.exp(-1))]], rtol=1e-15)
    same(by["logits"][:, 1], [0.0])


@pytest.mark.parametrize("allowed", ["allowed", "not allowed"])
def test_a_weight_of_zero_removes_the_term(backend, allowed):
    """The corner of rule 2: a class weight of 0 or a smoothing of 1 does what a label of 0 does."""
    logits = np.asarray([[1.0, 3.0 if allowed == "allowed" else -inf, 2.0]])
    weight = np.asarray([1.0, 0.0, 2.0])
    for labels in (np.asarray([1]), np.asarray([[0.5, 0.5, 0.0]])):
        agrees(backend, "cross_entropy", logits, labels, wrt="logits", class_weight=weight, reduction="sum")
        agrees(backend, "cross_entropy", logits, labels, wrt="logits", label_smoothing=1.0)


# 3. a positive target on a disallowed class


@pytest.mark.parametrize("kind", ["integer", "soft", "sparse"])
def test_mass_on_minus_infinity(backend, kind):
    """+inf, with the finite gradient (W p - t) / T: -t_j / T at the class itself."""
    logits = np.asarray([[0.0, -inf, 0.0]])
    labels = {"integer": np.asarray([1]), "soft": np.asarray([[0.0, 1.0, 0.0]]), "sparse": np.asarray([[1, 0]])}
    options = {"label_probs": np.asarray([[1.0, 0.0]])} if kind == "sparse" else {}
    options.update(temperature=0.5, class_weight=np.asarray([1.0, 3.0, 1.0]), reduction="sum")
    value, by = agrees(backend, "cross_entropy", logits, labels[kind], wrt="logits", **options)
    same(value, inf)
    same(by["logits"], [[3.0, -6.0, 3.0]])


@pytest.mark.parametrize("kind", ["integer", "soft", "sparse"])
def test_mass_under_a_mask(backend, kind):
    """Its mass does not count in W: with all of it hidden the gradient is 0, with a part that of the rest."""
    logits, where = np.asarray([[0.0, 5.0, 0.0]]), np.asarray([[True, False, True]])
    labels = {"integer": np.asarray([1]), "soft": np.asarray([[0.5, 0.5, 0.0]]), "sparse": np.asarray([[1, 0]])}
    options = {"label_probs": np.asarray([[0.5, 0.5]])} if kind == "sparse" else {}
    value, by = agrees(
        backend, "cross_entropy", logits, labels[kind], wrt="logits", where=where, reduction="sum", **options
    )
    same(value, inf)
    same(by["logits"], [[0.0, 0.0, 0.0]] if kind == "integer" else [[-0.25, 0.0, 0.25]])


def test_signs_of_mass_on_a_disallowed_class(backend):
    """Negative mass gives -inf, both signs NaN; so does a negative class weight."""
    logits = np.asarray([[-inf, -inf, 0.0]] * 4)
    labels = np.asarray([[-1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 2.0, 0.0], [-1.0, -2.0, 0.0]])
    value, _ = agrees(backend, "cross_entropy", logits, labels, reduction="none")
    same(value, [-inf, inf, nan, -inf])
    value, _ = agrees(
        backend, "cross_entropy", logits, labels, class_weight=np.asarray([-1.0, 1.0, 1.0]), reduction="none"
    )
    same(value, [inf, inf, inf, nan])


@pytest.mark.parametrize("mask", ["where", "-inf"])
def test_other_derivatives_of_an_infinite_loss(backend, mask):
    """With respect to the label and the class weight +inf, and z_loss and other rows as ever."""
    hidden = {"where": np.asarray([[True, False, True], [True, True, True]])} if mask == "where" else {}
    logits = np.asarray([[0.0, 1.0 if hidden else -inf, 0.0], [1.0, 2.0, 3.0]])
    labels = np.asarray([[0.0, 1.0, 0.0], [0.5, 0.25, 0.25]])
    options = {"class_weight": np.asarray([1.0, 2.0, 3.0]), "z_loss": np.asarray(0.5), "reduction": "sum"}
    wrt = "logits labels class_weight z_loss"
    agrees(backend, "cross_entropy", logits, labels, wrt=wrt, **hidden, **options)


# 5. NaN and +inf logits


@pytest.mark.parametrize("spoilt", [nan, inf])
def test_a_spoilt_row_stays_alone(backend, spoilt):
    logits = np.asarray([[1.0, 2.0, 0.0], [spoilt, 2.0, 0.0], [0.0, spoilt, -inf], [3.0, 2.0, 0.0]])
    where = np.asarray([[True] * 3, [True, True, False], [True] * 3, [True] * 3])
    options = {"where": where, "reduction": "none", "label_smoothing": 0.25, "z_loss": 0.5}
    for labels in (np.asarray([0, 1, 2, 1]), np.asarray([[0.5, 0.5, 0.0]] * 4)):
        value, by = agrees(backend, "cross_entropy", logits, labels, wrt="logits", **options)
        assert np.isnan(value).tolist() == [False, True, True, False]
        assert np.isnan(by["logits"]).tolist() == [[False] * 3, [True, True, False], [True] * 3, [False] * 3]
    value, by = calculate(backend, "cross_entropy", logits, np.asarray([0, 1, 2, 1]), wrt="logits", where=where)
    assert np.isnan(value)
    assert np.isnan(by["logits"]).any(axis=1).tolist() == [False, True, True, False]


@pytest.mark.parametrize("spoilt", [nan, inf])
def test_normalizers_of_a_spoilt_row(backend, spoilt):
    logits = np.asarray([[1.0, 2.0, 0.0], [spoilt, 2.0, -inf], [3.0, 2.0, 0.0]])
    agrees(backend, "softmax", logits, wrt="x")
    agrees(backend, "log_softmax", logits, wrt="x")
    value, _ = calculate(backend, "logsumexp", logits)
    assert value[1] == inf if spoilt == inf else np.isnan(value[1])
    assert np.isfinite(value[[0, 2]]).all()
