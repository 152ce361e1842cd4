"""One target in one setting, in a process of its own: python -m xentropy_conformance.worker, told by stdin.

A library may crash, hang on to settings of the environment, or refuse to live next to another one. What comes out
is one JSON object a line: {"begin": ids}, {"outcome": ...}, and at last {"done": ...} or {"not_run": why}.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from itertools import count
from typing import Any, TextIO

from .libraries import LIBRARIES
from .plan import plan
from .run import first_line, run
from .targets import find, installed, missing
from .targets.base import Setting, Target
from .vectors import Case, load
from .versions import versions

GARBAGE = 100  # groups of cases between two collections: compilers make millions of objects, and few are garbage


def private_stdout() -> TextIO:
    """The pipe to the parent; whatever else is printed goes to stderr."""
    pipe = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)
    return pipe


def reason_not_to_run(target: Target, setting: Setting) -> str:
    """Why this cannot be run here; empty if it can."""
    library = LIBRARIES[setting.library]
    absent = [*missing(target), *([] if installed(library.module) else [library.module])]
    if absent:
        return f"not installed: {', '.join(dict.fromkeys(absent))}"
    try:
        return library.missing() or ""
    except Exception as error:  # an installation may be broken in any way
        return f"{type(error).__name__}: {first_line(error)}"


def main() -> int:
    out = private_stdout()

    def tell(**message: Any) -> None:
        out.write(json.dumps(message) + "\n")

    job = json.loads(sys.stdin.read())
    sys.path[:0] = [path for path in job["path"] if path not in sys.path]
    target = find(job["target"], job["own_library"])
    [setting] = [s for s in target.settings if s.name == job["setting"]]
    if reason := reason_not_to_run(target, setting):
        tell(not_run=reason)
        return 0
    wanted = None if job["cases"] is None else set(job["cases"])
    cases = [case for case in load(job["vectors"]).cases if wanted is None or case.id in wanted]
    made = plan(target, setting, cases, everything=job["everything"])
    tell(planned=made.count + len(made.not_offered), left_out=made.left_out, unasked=made.unasked)
    skip = set(job["skip"])
    for group in made.groups:
        group.cases[:] = [case for case in group.cases if case.id not in skip]
    made.not_offered[:] = [pair for pair in made.not_offered if pair[0].id not in skip]
    groups = count(1)

    def begin(group: list[Case]) -> None:
        if next(groups) % GARBAGE == 0:
            gc.collect()
        tell(begin=[case.id for case in group])

    gc.disable()
    gc.freeze()  # the cases
    for outcome in run(target, made, begin):
        tell(outcome=outcome.as_json())
    tell(done=versions(target, setting))
    return 0


if __name__ == "__main__":
    sys.exit(main())
