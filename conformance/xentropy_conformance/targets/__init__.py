"""The targets by name: xentropy, its peers, and `package.module:name` for anybody's own."""

from __future__ import annotations

from importlib.util import find_spec

from . import anybody, jax, keras, optax, scipy, sklearn, tensorflow, torch, xentropy
from .base import Target

PEERS = (torch.TARGET, optax.TARGET, jax.TARGET, keras.TARGET, tensorflow.TARGET, scipy.TARGET, sklearn.TARGET)
TARGETS: dict[str, Target] = {target.name: target for target in (xentropy.TARGET, *PEERS)}
ALIASES = {"torch": "torch.nn.functional", "scipy": "scipy.special", "scikit-learn": "sklearn", "jax": "jax.nn"}


def find(name: str, library: str | None = None) -> Target:
    """A target by its name; ValueError says which there are."""
    if ":" in name:
        return anybody.find(name, library)
    name = ALIASES.get(name, name)
    if name not in TARGETS:
        raise ValueError(f"no target {name!r}; there are {', '.join(TARGETS)}, and package.module:name for your own")
    return TARGETS[name]


def missing(target: Target) -> list[str]:
    """The modules of a target that are not installed."""
    return [name for name in target.modules if not installed(name)]


def installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of the package that it would be in
        return False
