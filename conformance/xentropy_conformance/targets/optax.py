"""optax, which returns losses unreduced and has a second softmax cross-entropy that is safe at -inf."""

from __future__ import annotations

from .base import Ask, Call, NotOfferedError, Setting, Target, name, written

IMPORTS = ("import optax",)
JAX = {"JAX_PLATFORMS": "cpu"}


def soft_labels(ask: Ask) -> str:
    """As given, or smoothed by optax's own function."""
    eps = ask.number("label_smoothing", 0.0)
    if not eps:
        return "labels"
    where = name(ask.array("where"))
    return written("optax.smooth_labels", "labels", eps, axis=ask.axis, where=where)


def cross_entropy(ask: Ask) -> Call:
    if ask.labels == "sparse":
        raise NotOfferedError("label_probs")
    safe = ask.setting.variant == "safe_softmax_cross_entropy"
    where, frozen = name(ask.array("where")), frozenset({"label_smoothing"})
    if ask.labels == "index":
        if safe:
            raise NotOfferedError("class indices")
        function = "optax.softmax_cross_entropy_with_integer_labels"
        return Call(written(function, "logits", "labels", axis=ask.axis, where=where), IMPORTS)
    if safe:
        if where or ask.axis != ask.ndim - 1:
            raise NotOfferedError("where and axis")
        return Call(written("optax.safe_softmax_cross_entropy", "logits", soft_labels(ask)), IMPORTS, frozen)
    call = written("optax.softmax_cross_entropy", "logits", soft_labels(ask), axis=ask.axis, where=where)
    return Call(call, IMPORTS, frozen)


def plain(ask: Ask) -> None:
    """One setting is about the second softmax cross-entropy alone."""
    if ask.setting.variant:
        raise NotOfferedError("anything else: see the other settings")


def kl_divergence(ask: Ask) -> Call:
    plain(ask)
    log = ask.option("log_target", False)
    function = "optax.losses.kl_divergence_with_log_targets" if log else "optax.losses.kl_divergence"
    return Call(written(function, "log_q", "p", axis=ask.axis, where=name(ask.array("where"))), IMPORTS)


def binary(ask: Ask) -> Call:
    plain(ask)
    return Call("optax.sigmoid_binary_cross_entropy(logits, labels)", IMPORTS)


def sigmoid_focal_loss(ask: Ask) -> Call:
    plain(ask)
    alpha, gamma = ask.number("alpha", None), ask.number("gamma", 2.0)
    call = written("optax.sigmoid_focal_loss", "logits", "labels", alpha=alpha, gamma=gamma)
    return Call(call, IMPORTS, frozenset({"alpha", "gamma"}))


ADAPTERS = {
    "cross_entropy": cross_entropy,
    "kl_divergence": kl_divergence,
    "sigmoid_focal_loss": sigmoid_focal_loss,
    "binary_cross_entropy_with_logits": binary,
}
TARGET = Target(
    name="optax",
    adapters=ADAPTERS,
    settings=(
        *(Setting("jax", mode, JAX) for mode in ("eager", "jit", "forward mode", "second order")),
        *(Setting("jax", mode, JAX, "safe_softmax_cross_entropy") for mode in ("eager", "forward mode")),
    ),
    packages=("optax", "jax"),
    modules=("optax", "jax"),
)
