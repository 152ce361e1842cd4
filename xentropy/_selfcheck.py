"""The core against the reference vectors, on one device of one library at a time.

The vectors are data of this package. Their numbers come from the textbook formulas at 60 digits, with a
scale for each: the size of the terms that the number is a sum of. The bar is |error| <= 4 eps scale.
"""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import xentropy

__all__: list[str] = []

LIMIT = 4.0
INF = float("inf")
FORMATS = {  # eps, the smallest normal number, the largest number
    "float32": (2.0**-23, 2.0**-126, (2.0 - 2.0**-23) * 2.0**127),
    "float64": (2.0**-52, 2.0**-1022, (2.0 - 2.0**-52) * 2.0**1023),
}

Case = dict[str, Any]


class NotOfferedError(Exception):
    """What a case needs and a library does not have."""


@dataclass(frozen=True)
class Device:
    """Where arrays are made: a namespace, and what its `asarray` takes to make them there."""

    library: str
    version: str
    name: str
    xp: Any
    placed: dict[str, Any] = field(default_factory=dict)
    wide: Callable[[], AbstractContextManager[Any]] = nullcontext  # entered where 64-bit numbers are made


@dataclass(frozen=True)
class Part:
    """One output of a case: the given numbers next to the expected ones."""

    name: str  # value, sign, gradient
    expected: dict[str, Any]
    given: list[float]
    errors: list[float]  # in units of eps * scale
    complaint: str = ""  # of its shape, dtype or device

    @property
    def worst(self) -> float:
        return INF if self.complaint else max(self.errors, default=0.0)


@dataclass(frozen=True)
class Outcome:
    """What came of one case."""

    case: Case
    parts: tuple[Part, ...] = ()
    raised: str = ""
    not_offered: str = ""

    def worst(self, *names: str) -> float:
        return max((part.worst for part in self.parts if part.name in names), default=0.0)

    @property
    def agrees(self) -> bool:
        return not self.raised and all(part.worst <= LIMIT for part in self.parts)


@dataclass
class Report:
    """One row of the table: what came of every case on one device."""

    library: str
    version: str
    device: str
    outcomes: list[Outcome] = field(default_factory=list)
    not_checked: str = ""  # why, where nothing could be run at all
    seconds: float = 0.0

    @property
    def checked(self) -> list[Outcome]:
        return [o for o in self.outcomes if not o.not_offered]

    @property
    def disagreements(self) -> list[Outcome]:
        return [o for o in self.checked if not o.agrees]

    @property
    def result(self) -> str:
        wrong = len(self.disagreements)
        return f"{wrong} disagree" if wrong else "agrees" if self.checked else "not checked"

    @property
    def not_offered(self) -> dict[str, int]:
        """The reasons, and how many cases each of them took."""
        return dict(Counter(o.not_offered for o in self.outcomes if o.not_offered))


def load() -> list[Case]:
    """The reference cases."""
    data = json.loads(files("xentropy").joinpath("_vectors.json").read_text("utf-8"))
    found, wanted = (data["version"], data["semantics"]), (1, xentropy.SEMANTICS)
    if found != wanted:
        raise ValueError(f"the reference vectors are of version and semantics {found}; expected {wanted}")
    return list(data["cases"])


def check(device: Device, cases: list[Case]) -> Iterator[Outcome]:
    """The outcome of each case."""
    for case in cases:
        try:
            with warnings.catch_warnings(), device.wide() if case["dtype"] == "float64" else nullcontext():
                warnings.simplefilter("ignore", RuntimeWarning)  # array_api_strict lets NumPy's through
                parts = run(device, case)
        except (NotOfferedError, NotImplementedError) as error:
            yield Outcome(case, not_offered=first_line(error))
        except Exception as error:
            yield Outcome(case, raised=f"{type(error).__name__}: {first_line(error)}")
        else:
            yield Outcome(case, parts)


def first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def run(device: Device, case: Case) -> tuple[Part, ...]:
    function = getattr(xentropy, case["function"])
    args = [array(device, data) for data in case["args"]]
    options = dict(case.get("options", {}))
    options |= {name: array(device, data) for name, data in options.items() if isinstance(data, dict)}
    # The user's default for bad labels does not count here.
    with xentropy.label_policy("auto"):
        value, gradient = xentropy.value_and_grad(function)(*args, **options)
    outputs = {"expected": ("value", value), "gradient": ("gradient", gradient)}
    if isinstance(value, tuple):
        outputs |= {"expected": ("value", value[0]), "sign": ("sign", value[1])}
    return tuple(part(device, name, x, case[key], args[0]) for key, (name, x) in outputs.items())


def array(device: Device, data: dict[str, Any]) -> Any:
    """An array of the library from one of the file."""
    xp, dtype = device.xp, data["dtype"]
    if not hasattr(xp, dtype):
        raise NotOfferedError(f"no {dtype}")
    read = float.fromhex if dtype in FORMATS else bool if dtype == "bool" else int
    values = [read(v) for v in data["values"]]
    # Class indices in the library's own default: JAX has no int64 unless it is asked for 64 bits.
    made_as = xp.asarray(0).dtype if dtype == "int64" else getattr(xp, dtype)
    x = xp.reshape(xp.asarray(values, dtype=made_as, **device.placed), tuple(data["shape"]))
    if dtype in FORMATS and dtype_of(x) != dtype:
        raise NotOfferedError(f"{dtype} arrays are made as {dtype_of(x)}")
    return x


def numbers(texts: list[str]) -> list[float]:
    return [float.fromhex(text) for text in texts]


def dtype_of(x: Any) -> str:
    return str(x.dtype).rpartition(".")[2]


def part(device: Device, name: str, x: Any, expected: dict[str, Any], like: Any) -> Part:
    """An output judged: its place and type first, then every number of it."""
    found = dict(shape=tuple(x.shape), dtype=dtype_of(x), device=str(x.device))
    wanted = dict(shape=tuple(expected["shape"]), dtype=dtype_of(like), device=str(like.device))
    if wrong := [f"{key} {found[key]}, expected {wanted[key]}" for key in found if found[key] != wanted[key]]:
        return Part(name, expected, [], [], "; ".join(wrong))
    flat = device.xp.reshape(x, (-1,))
    given = flat.tolist() if hasattr(flat, "tolist") else [float(flat[i]) for i in range(flat.size)]
    high = numbers(expected["hi"])
    low = numbers(expected["lo"]) if "lo" in expected else [0.0] * len(high)
    truth = zip(given, high, low, map(float, expected["scale"]), strict=True)
    return Part(name, expected, given, [error(*each, *FORMATS[dtype_of(like)]) for each in truth])


def error(given: float, high: float, low: float, scale: float, eps: float, tiny: float, largest: float) -> float:
    """The error in units of eps * scale; inf where no bar can excuse it."""
    if scale == INF or given != given or high != high:
        return 0.0 if scale == INF or (given != given and high != high) else INF
    if abs(given) == INF or abs(high) == INF:
        overflow = abs(given) == INF and abs(high) >= largest and (given > 0) == (high > 0)
        return 0.0 if given == high or overflow else INF
    # Exact for numbers within a factor of 2 of each other, and the others are far off anyway.
    difference = abs((given - high) - low)
    if difference == 0 or (scale > 0 and difference <= tiny):  # below the normal numbers no digits are asked for
        return 0.0
    return difference / (eps * scale) if eps * scale > 0 else INF
