"""scikit-learn: `log_loss` of probabilities, and the private losses that its linear models and trees train with."""

from __future__ import annotations

from .base import Ask, Call, NotOfferedError, Target, name, settings, written

PRIVATE = ("import sklearn._loss",)
DTYPES = ("float32", "float64")


def rows(ask: Ask) -> str:
    """The reduction of losses that come unreduced; only what needs no denominator of its own."""
    if ask.ndim != 2 or ask.axis != 1 or ask.case.dtype not in DTYPES:
        raise NotOfferedError("other than (rows, classes) in float32 or float64")
    return str(ask.option("reduction", "mean"))


def cross_entropy(ask: Ask) -> Call:
    if ask.labels != "index":
        raise NotOfferedError(f"{ask.labels} labels")
    if rows(ask) != "none":
        raise NotOfferedError("a reduction")
    classes, labels = ask.case.inputs["logits"].values.shape[1], ask.case.inputs["labels"].values
    if classes < 2 or not all(0 <= label < classes for label in labels.tolist()):
        raise NotOfferedError("labels that are not encoded, or one class: its callers see to that")
    loss = f"sklearn._loss.HalfMultinomialLoss(n_classes={classes})"
    weight = {"sample_weight": name(ask.array("sample_weight"))}
    args = (f"labels.astype(np.{ask.case.dtype})", "logits")
    slope = written(f"{loss}.gradient", *args, **weight)
    return Call(written(f"{loss}.loss", *args, **weight), PRIVATE, FROZEN, {"logits": slope})


def binary(ask: Ask) -> Call:
    if ask.ndim != 1 or ask.case.dtype not in DTYPES or ask.case.inputs["labels"].dtype != ask.case.dtype:
        raise NotOfferedError("other than one axis, and labels of the same dtype")
    if ask.option("reduction", "mean") != "none":
        raise NotOfferedError("a reduction")
    if not all(0 <= label <= 1 for label in ask.case.inputs["labels"].values.tolist()):
        raise NotOfferedError("labels outside [0, 1]: its callers see to that")
    weight = {"sample_weight": name(ask.array("sample_weight"))}
    loss, args = "sklearn._loss.HalfBinomialLoss()", ("labels", "logits")
    slope = written(f"{loss}.gradient", *args, **weight)
    return Call(written(f"{loss}.loss", *args, **weight), PRIVATE, FROZEN, {"logits": slope})


def binary_of_probs(ask: Ask) -> Call:
    reduction, labels = ask.option("reduction", "mean"), ask.case.inputs["labels"].values
    if ask.ndim != 1 or reduction == "none" or not set(labels.astype(float).tolist()) <= {0.0, 1.0}:
        raise NotOfferedError("labels other than 0 and 1, or a loss for each of them")
    weight = name(ask.array("sample_weight"))
    call = written("sklearn.metrics.log_loss", "labels", "probs", labels=[0, 1], sample_weight=weight)
    normalize = call if reduction == "mean" else call.replace("labels=[0", "normalize=False, labels=[0")
    return Call(normalize, ("import sklearn.metrics",), FROZEN)


FROZEN = frozenset({"sample_weight", "labels"})
TARGET = Target(
    name="sklearn",
    adapters={
        "cross_entropy": cross_entropy,
        "binary_cross_entropy_with_logits": binary,
        "binary_cross_entropy": binary_of_probs,
    },
    settings=settings("numpy", ("eager",)),
    packages=("scikit-learn",),
    modules=("sklearn",),
)
