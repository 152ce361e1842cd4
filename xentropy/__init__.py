"""Cross-entropy that means the same, and computes the same, in every array library."""

from ._policy import label_policy as label_policy
from .binary import binary_cross_entropy as binary_cross_entropy
from .binary import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
from .binary import sigmoid_focal_loss as sigmoid_focal_loss
from .capabilities import SEMANTICS as SEMANTICS
from .capabilities import capabilities as capabilities
from .categorical import cross_entropy as cross_entropy
from .categorical import focal_loss as focal_loss
from .categorical import nll_loss as nll_loss
from .divergences import entropy as entropy
from .divergences import js_divergence as js_divergence
from .divergences import kl_divergence as kl_divergence
from .elementwise import log_sigmoid as log_sigmoid
from .elementwise import sigmoid as sigmoid
from .elementwise import softplus as softplus
from .elementwise import xlogy as xlogy
from .gradients import value_and_grad as value_and_grad
from .normalizers import log_softmax as log_softmax
from .normalizers import logsumexp as logsumexp
from .normalizers import softmax as softmax

__version__ = "0.1.0"
