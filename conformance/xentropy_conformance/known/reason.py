"""A kind of deviation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .look import Look

TORCH, OPTAX, JAX = "torch.nn.functional", "optax", "jax.nn"
KERAS, TENSORFLOW, SCIPY, SKLEARN = "keras", "tensorflow", "scipy.special", "sklearn"


@dataclass(frozen=True)
class Reason:
    """What happens, when it is that, to whom, and where it was reported."""

    name: str
    about: str
    fits: Callable[[Look], bool]
    issues: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by target
    targets: tuple[str, ...] = ()  # all where it is empty

    def __call__(self, look: Look) -> bool:
        return (not self.targets or look.target in self.targets) and self.fits(look)


def torch(*numbers: int) -> tuple[str, ...]:
    return tuple(f"pytorch/pytorch#{number}" for number in numbers)


def optax(*numbers: int) -> tuple[str, ...]:
    return tuple(f"google-deepmind/optax#{number}" for number in numbers)


def keras(*numbers: int) -> tuple[str, ...]:
    return tuple(f"keras-team/keras#{number}" for number in numbers)


def tensorflow(*numbers: int) -> tuple[str, ...]:
    return tuple(f"tensorflow/tensorflow#{number}" for number in numbers)


def jax(*numbers: int) -> tuple[str, ...]:
    return tuple(f"jax-ml/jax#{number}" for number in numbers)


def scipy(*numbers: int) -> tuple[str, ...]:
    return tuple(f"scipy/scipy#{number}" for number in numbers)


def sklearn(*numbers: int) -> tuple[str, ...]:
    return tuple(f"scikit-learn/scikit-learn#{number}" for number in numbers)
