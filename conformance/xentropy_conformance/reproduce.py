"""A failure as a script: the call that was run, on the numbers that it was run on, ready to be pasted."""

from __future__ import annotations

from .libraries import LIBRARIES
from .libraries.base import Library, NotOfferedError
from .plan import chosen, mode_of
from .run import Outcome, Part
from .targets.base import Call, Setting, Target
from .vectors import Array, Case, Numbers

SHOWN = 12  # numbers in a comment


def reproduce(target: Target, setting: Setting, case: Case, outcome: Outcome | None = None) -> str:
    """Python that repeats a case; with an outcome, what it should have given where it went wrong."""
    library, mode = LIBRARIES[setting.library], mode_of(target, setting)
    try:
        call = target.call(case, setting)
    except NotOfferedError as error:
        return f"# not offered: {error}"
    wrt = chosen(library, mode, case, call)
    places = tuple(list(case.inputs).index(name) for name in wrt)
    inputs = [f"{name} = {library.code(x)}" for name, x in case.inputs.items()]
    if mode.order == 2 and case.expected.hvp is not None:
        along = [library.code(case.expected.hvp.direction[name]) for name in wrt]
        inputs.append(f"direction = ({''.join(f'{x}, ' for x in along).rstrip()})")
    leaves = "\n".join(f"{name}.requires_grad_()" for name in wrt)
    lines = mode.lines.replace("{leaves}", leaves).replace("{args}", ", ".join(case.inputs))
    lines = lines.replace("{wrt}", ", ".join(wrt)).replace("{places}", str(places)).strip()
    if not wrt:
        lines = f"value = f({', '.join(case.inputs)})"
    blocks = [
        "\n".join(head(library, setting, case, call)),
        "\n".join(inputs),
        function(case, call),
        lines,
        *own_gradients(call, wrt),
        result(lines, case),
        *([comment(case, outcome)] if outcome is not None and outcome.failed else []),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def head(library: Library, setting: Setting, case: Case, call: Call) -> list[str]:
    """Imports and settings, in the order in which they work."""
    lines = [f"# {case.id}: rule {case.rule}, {case.about}"]
    environment = {**library.environment, **setting.environment}
    if environment:
        lines += ["import os", *(f'os.environ["{name}"] = "{x}"' for name, x in environment.items())]
    if any(special(x) for x in case.inputs.values()):
        lines.append("from math import inf, nan")
    if any(x.dtype == "bfloat16" for x in case.inputs.values()) and "numpy" in library.name:
        lines.append("import ml_dtypes")
    return [*lines, *dict.fromkeys((*library.imports, *call.imports))]


def special(x: Array) -> bool:
    """Whether nan or inf stands among the numbers."""
    return x.floating and not all(abs(v) < float("inf") for v in x.values.astype("float64").reshape(-1).tolist())


def function(case: Case, call: Call) -> str:
    pair = case.options.get("return_lse") or case.options.get("return_sign")
    take = "[0]  # the other part is [1]" if pair else ""
    return f"def f({', '.join(case.inputs)}):\n    return {call.expression}{take}"


def own_gradients(call: Call, wrt: tuple[str, ...]) -> list[str]:
    lines = [f"gradient_of_{name} = {text}" for name, text in call.gradients.items() if name in wrt]
    return ["\n".join(lines)] if lines else []


def result(lines: str, case: Case) -> str:
    names = [n for n in ("value", "gradients", "jacobians", "products") if f"{n} =" in lines or f"{n}, " in lines]
    return "\n".join(f"print({name})" for name in names if name not in ("gradients",) or "products" not in names)


def comment(case: Case, outcome: Outcome) -> str:
    """What was expected, next to what was given when this was written down."""
    if outcome.text:
        return f"# raised {outcome.text}"
    expected, lines = dict(parts(case)), []
    for part in outcome.parts:
        if part.agrees:
            continue
        if part.complaint:
            lines.append(f"# {part.name}: {part.complaint}")
            continue
        lines += difference(part, truth(expected[part.name]))
    return "\n".join(lines)


def difference(part: Part, expected: list[str]) -> list[str]:
    """A short array whole, of a long one the numbers that are wrong."""
    if len(expected) <= SHOWN:
        gap = " " * len(part.name)
        return [f"# {part.name}: expected [{', '.join(expected)}]", f"# {gap}  given    [{', '.join(part.given)}]"]
    wrong = [i for i, bars in enumerate(part.bars) if bars > 1.0]
    name = f"# {part.name}, number"
    lines = [f"{name} {i} (flat): expected {expected[i]}, given {part.given[i]}" for i in wrong[:SHOWN]]
    return [*lines, f"# and {len(wrong) - SHOWN} numbers more"] if len(wrong) > SHOWN else lines


def truth(numbers: Numbers) -> list[str]:
    """What is expected; "any" where nothing is asked for."""
    pairs = zip(numbers.data.reshape(-1).tolist(), numbers.scale.reshape(-1).tolist(), strict=True)
    return ["any" if scale == float("inf") else number(x, numbers.dtype) for x, scale in pairs]


def parts(case: Case) -> list[tuple[str, Numbers]]:
    """Everything that is expected of a case, under the names of the report."""
    expected = case.expected
    out = [("value", expected.value)]
    if expected.sign is not None:
        out.append(("sign", expected.sign))
    if expected.lse is not None:
        out.append(("lse", expected.lse))
    for name, numbers in expected.gradients.items():
        out += [(f"gradient of {name}", numbers), (f"forward mode in {name}", numbers)]
    if expected.hvp is not None:
        out += [(f"second order in {name}", numbers) for name, numbers in expected.hvp.products.items()]
    return out


def number(x: float, dtype: str) -> str:
    """With as many digits as the dtype has."""
    return f"{x:.17g}" if dtype == "float64" else f"{x:.9g}"
