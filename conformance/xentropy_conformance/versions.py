"""The versions of what is tested."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from .libraries import LIBRARIES
from .targets.base import Setting, Target

DISTRIBUTIONS = {  # of modules that come from one with another name
    "array_api_strict": ("array-api-strict",),
    "dask.array": ("dask",),
    "tensorflow": ("tensorflow", "tensorflow-cpu"),
}


def versions(target: Target, setting: Setting) -> dict[str, str]:
    """Of the target's distributions and of the array library's, those that are installed."""
    found, module = {}, LIBRARIES[setting.library].module
    for name in (*target.packages, *DISTRIBUTIONS.get(module, (module,))):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
