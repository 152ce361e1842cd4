"""Cross-entropy that means the same, and computes the same, in every array library."""

from ._backends.threads import threads as threads
from ._policy import label_policy as label_policy
from .binary import (
    binary_cross_entropy as binary_cross_entropy,
    binary_cross_entropy_with_logits as binary_cross_entropy_with_logits,
    sigmoid_focal_loss as sigmoid_focal_loss,
)
from .capabilities import SEMANTICS as SEMANTICS, capabilities as capabilities
from .categorical import cross_entropy as cross_entropy, focal_loss as focal_loss, nll_loss as nll_loss
from .divergences import entropy as entropy, js_divergence as js_divergence, kl_divergence as kl_divergence
from .elementwise import log_sigmoid as log_sigmoid, sigmoid as sigmoid, softplus as softplus, xlogy as xlogy
from .gradients import value_and_grad as value_and_grad
from .normalizers import log_softmax as log_softmax, logsumexp as logsumexp, softmax as softmax

__version__ = "0.1.0"
