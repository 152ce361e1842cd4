"""Write xentropy_conformance/data/vectors.json.

    python conformance/tools/make_vectors.py

The numbers come from the repository's reference, tests/oracle.py: the textbook formula of each function at 60
digits. Nothing here calls the library, no clock is read, and every random number has a seed: the file is the same,
byte for byte, on every run.
"""

from __future__ import annotations

import json
import sys
import warnings
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "tests")]

import topic_accuracy  # noqa: E402
import topic_binary  # noqa: E402
import topic_divergences  # noqa: E402
import topic_gradients  # noqa: E402
import topic_labels  # noqa: E402
import topic_masks  # noqa: E402
import topic_order  # noqa: E402
import topic_reduce  # noqa: E402
import topic_reports  # noqa: E402
import topic_rows  # noqa: E402
from book import Book, Spec  # noqa: E402
from text import array_block  # noqa: E402
from truth import case  # noqa: E402

FORMAT, SEMANTICS = 1, "1"
SOURCE = (
    "Textbook formulas at 60 digits with mpmath (tests/oracle*.py of the xentropy repository), for the rounded "
    "inputs as they stand here; second-order products by central differences of those gradients. Made by "
    "conformance/tools/make_vectors.py, never by the library."
)
TOPICS = (  # the thousands of the numbers in the ids: never change the order
    topic_masks,
    topic_rows,
    topic_reduce,
    topic_order,
    topic_labels,
    topic_binary,
    topic_divergences,
    topic_gradients,
    topic_accuracy,
    topic_reports,
)
TARGET = HERE.parent / "xentropy_conformance" / "data" / "vectors.json"


def specs() -> list[Spec]:
    """Every case without its numbers, in the order of the ids."""
    found: list[Spec] = []
    for number, topic in enumerate(TOPICS):
        book = Book(number)
        topic.cases(book.add)
        found += book.specs
    return sorted(once(found), key=lambda spec: spec.id)


def once(found: list[Spec]) -> list[Spec]:
    """Every call one time: the later one if it has reports, with the reports of both."""
    kept: dict[str, Spec] = {}
    for spec in found:
        inputs = {name: array_block(x) for name, x in spec.inputs.items()}
        call = json.dumps([spec.function, inputs, spec.options], sort_keys=True)
        first = kept.get(call, spec)
        reports = tuple(dict.fromkeys(first.reports + spec.reports))
        moved = max(first.moved, spec.moved, key=("", "first", "all").index)
        kept[call] = replace(spec if spec.reports else first, reports=reports, moved=moved)
    return list(kept.values())


def line(spec: Spec) -> str:
    """One case as one line of the file."""
    return json.dumps(case(spec), separators=(",", ":"), allow_nan=False)


def main() -> None:
    warnings.simplefilter("error")
    lines = [line(spec) for spec in specs()]
    head = json.dumps({"format": FORMAT, "semantics": SEMANTICS, "source": SOURCE})[:-1]
    text = head + ', "cases": [\n' + ",\n".join(lines) + "\n]}\n"
    TARGET.write_text(text, encoding="utf-8")
    print(f"{TARGET.name}: {len(lines)} cases, {len(text) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
