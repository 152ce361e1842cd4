"""torch.nn.functional, and the functions of torch that belong to it."""

from __future__ import annotations

from .base import Ask, Call, NotOfferedError, Target, name, settings, written

IMPORTS = ("import torch.nn.functional as F",)
LABEL_DTYPES = ("int64", "uint8")


def classes_second(x: str, ask: Ask) -> str:
    """F takes the classes along axis 1, or along the only axis."""
    axis = ask.axis
    return x if axis == 1 or ask.ndim == 1 else f"{x}.movedim({axis}, 1)"


def index_labels(ask: Ask) -> None:
    dtype = ask.case.inputs["labels"].dtype
    if ask.labels == "sparse":
        raise NotOfferedError("label_probs")
    if ask.labels == "index" and dtype not in LABEL_DTYPES:
        raise NotOfferedError(f"labels of dtype {dtype}")


def cross_entropy(ask: Ask) -> Call:
    index_labels(ask)
    labels = "labels" if ask.labels == "index" else classes_second("labels", ask)
    call = written(
        "F.cross_entropy", classes_second("logits", ask), labels,
        weight=name(ask.array("class_weight")), ignore_index=ask.option("ignore_index", None),
        reduction=ask.option("reduction", "mean"), label_smoothing=ask.number("label_smoothing", None),
    )  # fmt: skip
    return Call(call, IMPORTS, frozenset({"class_weight", "label_smoothing"}))


def nll_loss(ask: Ask) -> Call:
    index_labels(ask)
    if ask.labels == "soft":
        raise NotOfferedError("soft labels")
    call = written(
        "F.nll_loss", classes_second("log_probs", ask), "labels", weight=name(ask.array("class_weight")),
        ignore_index=ask.option("ignore_index", None), reduction=ask.option("reduction", "mean"),
    )  # fmt: skip
    return Call(call, IMPORTS, frozenset({"class_weight"}))


def kl_divergence(ask: Ask) -> Call:
    reduction, log = ask.option("reduction", "mean"), ask.option("log_target", False)
    call = written("F.kl_div", "log_q", "p", reduction=reduction, log_target=log)
    if reduction == "none":  # torch gives the terms
        return Call(f"{call}.sum({ask.axis})", IMPORTS)
    if reduction == "mean" and not (ask.ndim == 2 and ask.axis == 1):
        raise NotOfferedError("mean over rows of more than one axis")
    return Call(call.replace('"mean"', '"batchmean"'), IMPORTS)


def binary(function: str, x: str, ask: Ask) -> Call:
    dtype = ask.case.inputs["labels"].dtype
    if dtype != ask.case.dtype:
        raise NotOfferedError(f"labels of dtype {dtype}")
    weight, reduction = name(ask.array("sample_weight")), ask.option("reduction", "mean")
    if weight and reduction == "mean":  # its mean is over the elements, whatever they weigh
        raise NotOfferedError("a weighted mean")
    more = {"pos_weight": name(ask.array("pos_weight"))} if x == "logits" else {}
    call = written(function, x, "labels", weight=weight, reduction=reduction, **more)
    return Call(call, IMPORTS, frozenset({"sample_weight", "pos_weight"}))


def along(function: str, ask: Ask, x: str = "x", **options: object) -> Call:
    return Call(written(function, x, ask.axis, **options), IMPORTS)


ADAPTERS = {
    "cross_entropy": cross_entropy,
    "nll_loss": nll_loss,
    "kl_divergence": kl_divergence,
    "binary_cross_entropy_with_logits": lambda ask: binary("F.binary_cross_entropy_with_logits", "logits", ask),
    "binary_cross_entropy": lambda ask: binary("F.binary_cross_entropy", "probs", ask),
    "logsumexp": lambda ask: along("torch.logsumexp", ask, keepdim=ask.option("keepdims", None)),
    "softmax": lambda ask: along("F.softmax", ask),
    "log_softmax": lambda ask: along("F.log_softmax", ask),
    "sigmoid": lambda ask: Call("torch.sigmoid(x)"),
    "log_sigmoid": lambda ask: Call("F.logsigmoid(x)", IMPORTS),
    "softplus": lambda ask: Call("F.softplus(x)", IMPORTS),
    "xlogy": lambda ask: Call("torch.xlogy(x, y)"),
}
TARGET = Target(
    name="torch.nn.functional",
    adapters=ADAPTERS,
    settings=settings("torch", ("eager", "forward mode", "second order", "compile")),
    packages=("torch",),
    modules=("torch",),
)
