"""The calls of NumPy that a formula comes to, as a function of its arrays without the formula.

They are written down while the formula runs on stand-ins of its arrays. A stand-in takes part in what can be
written down and in nothing else: where a formula would do something unnoticed, it raises, and there is no script.
Where a formula asks whether something is so, the script asks too, and gives up if the answer is another one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin


def write(v: Any, formula: Callable[..., Any], arrays: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """The script of `formula(v, *arrays, **options)` for arrays of these shapes and dtypes, or None. It returns what
    the formula does, or None where it gives up."""
    script = Script()
    inputs = [StandIn(script, x) if type(x) is np.ndarray else x for x in arrays]
    try:
        with np.errstate(all="ignore"):
            return script.function(inputs, formula(v, *inputs, **options))
    except Exception:  # if it is the formula's own, it is for the formula to raise
        return None


class Script:
    """Lines of Python, and what their names stand for."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = {}
        self.mentioned: dict[int, str] = {}
        self.count = 0

    def function(self, inputs: list[Any], outputs: tuple[StandIn, ...]) -> Any:
        parameters = [x.name if type(x) is StandIn else f"unused{i}" for i, x in enumerate(inputs)]
        # an output that is no stand-in is a constant, which callers may not share: it has no name, and raises
        body = "\n    ".join([*self.lines, f"return ({''.join(f'{y.name}, ' for y in outputs)})"])
        exec(f"def script({', '.join(parameters)}):\n    {body}\n", self.names)
        return self.names["script"]

    def fresh(self) -> str:
        self.count += 1
        return f"t{self.count}"

    def call(self, spelled: str, function: Callable[..., Any], arguments: Any, named: dict[str, Any]) -> Any:
        """Write down a call and make it."""
        words = [*map(self.spell, arguments), *(f"{k}={self.spell(x)}" for k, x in named.items())]
        value = function(*map(_bare, arguments), **{k: _bare(x) for k, x in named.items()})
        return self.assign(value, f"{spelled}({', '.join(words)})", named.get("out"))

    def assign(self, value: Any, expression: str, out: StandIn | None = None) -> Any:
        if out is not None or value is None:
            self.lines.append(expression)
            return out
        result = StandIn(self, value)
        self.lines.append(f"{result.name} = {expression}")
        return result

    def spell(self, x: Any) -> str:
        kind = type(x)
        if kind is StandIn:
            return str(x.name)
        if x is None or x is Ellipsis or kind in (bool, int, str):
            return repr(x)
        if kind is tuple:
            return f"({''.join(f'{self.spell(y)}, ' for y in x)})"
        if kind is list:
            return f"[{', '.join(map(self.spell, x))}]"
        if kind is slice:
            return f"slice({self.spell(x.start)}, {self.spell(x.stop)}, {self.spell(x.step)})"
        if kind is np.ndarray:
            x.setflags(write=False)  # what writes to it from now on cannot be written down
        if id(x) not in self.mentioned:
            name = self.mentioned[id(x)] = f"c{len(self.mentioned)}"
            self.names[name] = x
        return self.mentioned[id(x)]


def _refuse(*_: Any, **__: Any) -> Any:
    raise TypeError("this cannot be written down")


class StandIn(NDArrayOperatorsMixin):
    """An array, everything that happens to which is written down."""

    def __init__(self, script: Script, value: Any) -> None:
        self.script, self.name, self.value = script, script.fresh(), value
        self.shape, self.dtype, self.ndim, self.size = value.shape, value.dtype, value.ndim, value.size
        self.itemsize, self.strides, self.flags = value.itemsize, value.strides, value.flags

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **named: Any) -> Any:
        if "out" in named:
            [named["out"]] = named["out"]
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        return self.script.call(self.script.spell(function), function, inputs, named)

    def __array_function__(self, function: Any, types: Any, arguments: Any, named: Any) -> Any:
        return self.script.call(self.script.spell(function), function, arguments, named)

    def _method(self, name: str, *arguments: Any, **named: Any) -> Any:
        return self.script.call(f"{self.name}.{name}", getattr(self.value, name), arguments, named)

    def __bool__(self) -> bool:
        found = bool(self.value)
        self.script.lines.append(f"if {'not ' if found else ''}{self.name}: return None")
        return found

    def all(self) -> Any:
        return self._method("all")

    def any(self) -> Any:
        return self._method("any")

    def reshape(self, *shape: Any) -> Any:
        return self._method("reshape", *shape)

    def astype(self, *arguments: Any, **named: Any) -> Any:
        return self._method("astype", *arguments, **named)

    def argmax(self, *arguments: Any, **named: Any) -> Any:
        return self._method("argmax", *arguments, **named)

    def __getitem__(self, index: Any) -> Any:
        if any(type(i) is StandIn and i.dtype.kind == "b" for i in (index if type(index) is tuple else (index,))):
            _refuse()  # the shape would depend on the values
        return self.script.assign(self.value[_bare(index)], f"{self.name}[{self.script.spell(index)}]")

    def __setitem__(self, index: Any, value: Any) -> None:
        self.value[_bare(index)] = _bare(value)
        self.script.lines.append(f"{self.name}[{self.script.spell(index)}] = {self.script.spell(value)}")

    __array__ = __float__ = __int__ = __index__ = __iter__ = __len__ = __contains__ = _refuse


def _bare(x: Any) -> Any:
    if type(x) is StandIn:
        return x.value
    return type(x)(map(_bare, x)) if type(x) in (tuple, list) else x
