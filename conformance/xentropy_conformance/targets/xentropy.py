"""xentropy, in every library and mode that it has: the one file that knows its name."""

from __future__ import annotations

from ..libraries.base import Answer, Job, Mode, answer
from ..vectors import POSITIONAL, Case
from .base import Ask, Call, Name, Setting, Target, settings, written

# NumPy and the like have no derivatives: they are taken by xentropy itself.
LINES = "value, gradients = xentropy.value_and_grad(f, {places})({args})"
MODES = {
    "torch": ("eager", "compile", "compile of grad", "vmap", "forward mode", "second order"),
    "jax": ("eager", "jit", "vmap", "forward mode", "second order"),
    "jax no x64": ("eager",),
}
MODES |= {f"{library} cuda": MODES[library] for library in ("torch", "jax")}
# not "array_api_strict no x64", whose own argmax raises there
RECORDED = (
    "numpy", "numpy read-only", "array_api_strict", "array_api_strict strictest", "array_api_strict device1", "dask",
    "cupy",
)  # fmt: skip
SLOW = {"dask": 120}  # every chunk is a task


def recorded(job: Job) -> list[Answer]:
    import xentropy

    f = xentropy.value_and_grad(job.function, job.wrt)
    return [answer(out, job.named(gradients)) for out, gradients in (f(*xs) for xs in job.examples)]


def call(ask: Ask) -> Call:
    """The names of the cases are xentropy's own."""
    case: Case = ask.case
    positional = POSITIONAL[case.function]
    named = {name: Name(name) for name in case.inputs if name not in positional}
    options = {name: x for name, x in case.options.items() if name not in named and x is not None}
    ask.used |= {*case.inputs, *case.options}
    return Call(written(f"xentropy.{case.function}", *positional, **options, **named), ("import xentropy",))


TARGET = Target(
    name="xentropy",
    adapters=dict.fromkeys(POSITIONAL, call),
    settings=(
        *(Setting(library) for library in RECORDED),
        *(each for library, modes in MODES.items() for each in settings(library, modes)),
    ),
    packages=("xentropy-array",),
    modules=("xentropy",),
    may_raise=False,
    strict=True,
    modes={f"{library}, eager": Mode(recorded, LINES, signatures=SLOW.get(library)) for library in RECORDED},
)
