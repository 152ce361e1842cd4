"""Binary and categorical losses: infinite logits, masks, weights and smoothing."""

from __future__ import annotations

from .look import INF, Look
from .reason import KERAS, OPTAX, SKLEARN, TENSORFLOW, TORCH, Reason, keras, optax, sklearn, tensorflow, torch


def clipped(look: Look) -> bool:
    """Probabilities near 0 or 1, or logits that become such probabilities."""
    return look.function == "binary_cross_entropy" and not look.raised


def zero_log_zero(look: Look) -> bool:
    one_hot = look.soft or look.target == KERAS  # which makes one-hot labels of indices
    rules = ("1", "2", "3", "6", "13", "accuracy")
    return look.function == "cross_entropy" and one_hot and look.masked and look.rule in rules


BINARY = (
    Reason(
        "logits clipped", "the probability of a logit is clipped by an epsilon before its logarithm is taken",
        lambda look: look.function == "binary_cross_entropy_with_logits" and "numpy" in look.setting,
        {KERAS: keras(9664, 9247, 4744, 377)}, (KERAS,),
    ),
    Reason(
        "infinite logits", "a binary loss at an infinite logit is NaN where its limit is a number",
        lambda look: look.binary and look.holds(INF, -INF), {TORCH: torch(49844, 102894, 135359)},
    ),
    Reason(
        "probabilities clipped", "probabilities are clipped by an epsilon: a certain mistake costs a finite number",
        clipped,
        {KERAS: keras(9664, 9247, 4744, 377), SKLEARN: sklearn(24315, 28851)}, (KERAS, SKLEARN),
    ),
    Reason(
        "logarithm clamped", "logarithms of probabilities are clamped at -100, and their derivatives at 1e12",
        lambda look: clipped(look) and (look.rule in ("10", "accuracy") or look.holds(0.0, 1.0)), {}, (TORCH,),
    ),
    Reason(
        "focal infinite", "the focal loss or its derivative is NaN where the probability rounds to 0 or 1",
        lambda look: look.function == "sigmoid_focal_loss" and not look.finite, {OPTAX: optax(1346)},
    ),
)  # fmt: skip

CATEGORICAL = (
    Reason(
        "smoothing over masked", "label smoothing gives mass to masked classes",
        lambda look: look.smoothed and look.masked, {OPTAX: optax(1760)},
    ),
    Reason(
        "smoothing of labels that sum to 1", "label smoothing takes for granted that the labels of a row sum to 1",
        lambda look: look.smoothed and look.soft and not look.weighted and not look.half
        and (look.only(" labels", "direction") or look.says("mass of a row stays")),
    ),
    Reason(
        "smoothed class weights", "class weights enter the smoothed labels and the mean in another way",
        lambda look: look.smoothed and look.weighted, {TORCH: torch(104776)},
    ),
    Reason(
        "weighted mean of soft labels",
        "with class weights, the mean of soft labels has another denominator than that of indices",
        lambda look: look.loss and look.soft and look.weighted and look.mean, {TORCH: torch(107680)}, (TORCH,),
    ),
    Reason(
        "zero class weights", "a class weight of 0 does not remove its term, and a mean over such weights is NaN",
        lambda look: look.loss and look.weighted
        and (look.rule == "2" or look.says("weight is 0", "weights of the labels are 0")),
        {TORCH: torch(70348)},
    ),
    Reason(
        "0 log 0", "a label of 0 at a logit of -inf gives NaN, in the value or a derivative", zero_log_zero,
        {OPTAX: optax(896, 916, 1762), TENSORFLOW: tensorflow(11756)},
    ),
    Reason(
        "labels sum to 1", "the gradient takes for granted that the labels of a row sum to 1",
        lambda look: look.soft and look.loss and look.only("logits"),
        {TENSORFLOW: tensorflow(1234, 2327)}, (TENSORFLOW, KERAS),
    ),
    Reason(
        "where", "a label whose class is masked by where costs a finite number, and a row without classes is not 0",
        lambda look: look.loss and "where" in look.case.inputs and not look.finite,
    ),
    Reason(
        "row of -inf", "a row in which every logit is -inf", lambda look: look.rule == "4" and look.loss,
    ),
    Reason(
        "NaN row", "NaN or +inf in a row gives a number, or a gradient that is not NaN",
        lambda look: look.rule == "5" and look.loss,
    ),
)  # fmt: skip
