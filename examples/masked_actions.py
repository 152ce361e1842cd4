#!/usr/bin/env python3
"""Find the way out of a maze with moves masked by -inf, on NumPy, PyTorch and JAX.

The policy is the softmax of one logit for each cell and move; a move into a wall has the logit -inf. It is
learned twice with the same function on every library:

* from integer labels, by policy gradient: cross-entropy with the moves that were made, weighted by how much
  better than usual they turned out; -1 marks the steps after the end of a walk; a bonus for entropy is paid;
* from soft labels, by imitation of a planner that shares its probability among the best moves, and gives 0 to
  a move into a wall. The formula of the textbook, -sum(p * log q), is NaN there: 0 times infinity.

The exit status is 1 if a NaN turns up, if a move into a wall has a probability or a gradient other than 0, or
if the policy does not find the way.
"""

from __future__ import annotations

import importlib
import sys
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from array_api_compat import array_namespace

import xentropy

MAZE = """
...#....
.#.#.##.
.#...#..
.###.#.#
...#.#..
.#...##.
.####...
......#G
""".split()
MOVES, ARROWS = ((-1, 0), (0, 1), (1, 0), (0, -1)), "↑→↓←"
LABELS = {"numpy": "NumPy", "torch": "PyTorch", "jax": "JAX"}
OVER = -1
ENOUGH = 0.9  # the part of the cells from which the way must be a shortest one; it must lead out from all


@dataclass
class Maze:
    """Cells are numbered; `to[cell, move]` is the next cell, OVER where a wall is."""

    places: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        rows, columns = range(len(MAZE)), range(len(MAZE[0]))
        self.places = [(i, j) for i in rows for j in columns if MAZE[i][j] != "#"]
        number = {place: cell for cell, place in enumerate(self.places)}
        self.goal = next(cell for (i, j), cell in number.items() if MAZE[i][j] == "G")
        self.to = np.asarray([[number.get((i + a, j + b), OVER) for a, b in MOVES] for i, j in self.places])
        self.distance = self._distances()

    def _distances(self) -> np.ndarray:
        """Steps from each cell to the goal."""
        found, queue = {self.goal: 0}, deque([self.goal])
        while queue:
            cell = queue.popleft()
            for other in set(self.to[cell]) - {OVER} - set(found):
                found[other] = found[cell] + 1
                queue.append(other)
        return np.asarray([found[cell] for cell in range(len(self.places))])

    def planner(self) -> np.ndarray:
        """The soft labels: equal shares for the moves that come nearer, 0 for all others."""
        after = np.where(self.to == OVER, np.inf, self.distance[self.to])
        best = (after == after.min(axis=1, keepdims=True)).astype(np.float32)
        return best / best.sum(axis=1, keepdims=True)

    def walks(self, policy: np.ndarray, steps: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """One walk from every cell: the cells and moves of each step, and how good each move was."""
        cell = np.arange(len(self.places))
        cells, moves = np.zeros((2, steps, len(cell)), int)
        for t in range(steps):
            draw = rng.random((len(cell), 1)) * policy[cell].sum(axis=1, keepdims=True)
            move = (policy[cell].cumsum(axis=1) > draw).argmax(axis=1)
            over = cell == self.goal
            cells[t], moves[t] = cell, np.where(over, OVER, move)
            cell = np.where(over, cell, self.to[cell, move])
        left = (moves != OVER)[::-1].cumsum(axis=0)[::-1]  # steps that the rest of the walk took
        usual = np.zeros(len(cell))
        np.add.at(usual, cells, left)
        usual /= np.maximum(np.bincount(cells.ravel(), minlength=len(cell)), 1)
        return cells.ravel(), moves.ravel(), ((usual[cells] - left) / steps).ravel().astype(np.float32)

    def steps_of(self, policy: np.ndarray) -> np.ndarray:
        """Steps to the goal from each cell by the likeliest moves; infinite where they run in a circle."""
        cell = np.arange(len(self.places))
        steps = np.zeros(len(cell))
        for _ in range(len(cell)):
            steps += cell != self.goal
            cell = np.where(cell == self.goal, cell, self.to[cell, policy[cell].argmax(axis=1)])
        return np.where(cell == self.goal, steps, np.inf)

    def drawing(self, policy: np.ndarray) -> list[str]:
        """The maze with the likeliest move in each cell."""
        lines = [["█"] * len(MAZE[0]) for _ in MAZE]
        for cell, (i, j) in enumerate(self.places):
            lines[i][j] = "G" if cell == self.goal else ARROWS[policy[cell].argmax()]
        return [" ".join(line) for line in lines]


class Learner:
    """A table of logits with illegal moves masked, in one library; it counts what must not happen."""

    def __init__(self, maze: Maze, module: Any) -> None:
        self.maze, self.asarray = maze, module.asarray
        self.wall = maze.to == OVER
        self.mask = module.asarray(np.where(self.wall, -np.inf, 0).astype(np.float32))
        self.logits = self.mask
        self.nans, self.leaks = 0, 0

    def policy(self) -> np.ndarray:
        return self.looked_at(xentropy.softmax(self.logits), self.wall)

    def looked_at(self, x: Any, wall: np.ndarray | None = None) -> np.ndarray:
        """As a NumPy array, NaN counted, and whatever is not 0 at a wall."""
        a = np.asarray(x)
        self.nans += int(np.isnan(a).sum())
        self.leaks += 0 if wall is None else int(np.count_nonzero(a[wall]))
        return a

    def step(self, gradient: Any, rate: float) -> None:
        self.looked_at(gradient, self.wall)
        self.logits = self.logits - rate * gradient

    def learn_from_walks(self, updates: int = 150, steps: int = 60, rate: float = 3.0) -> float:
        """Policy gradient with integer labels; returns the last mean length of a walk."""
        rng = np.random.default_rng(0)
        loss_and_gradient = xentropy.value_and_grad(xentropy.cross_entropy)
        entropy_and_gradient = xentropy.value_and_grad(xentropy.entropy)
        length = 0.0
        for k in range(updates):
            cells, moves, gain = self.maze.walks(self.policy(), steps, rng)
            visited = self.asarray(np.eye(len(self.wall), dtype=np.float32)[cells])
            xp = array_namespace(visited)
            loss, g = loss_and_gradient(
                xp.take(self.logits, self.asarray(cells), axis=0),
                self.asarray(moves),
                ignore_index=OVER,
                sample_weight=self.asarray(gain),
                reduction="sum",
            )
            spread, h = entropy_and_gradient(self.logits)
            self.looked_at(loss), self.looked_at(spread)
            bonus = 0.1 * (1 - k / updates)
            self.step(xp.matrix_transpose(visited) @ g / len(self.wall) - bonus * h, rate)
            length = float((moves != OVER).sum() / len(self.wall))
        return length

    def learn_from_planner(self, updates: int = 150, rate: float = 30.0) -> float:
        """Imitation with soft labels; returns the last loss."""
        labels = self.asarray(self.maze.planner())
        loss_and_gradient = xentropy.value_and_grad(xentropy.cross_entropy)
        for _ in range(updates):
            loss, g = loss_and_gradient(self.logits, labels)
            self.looked_at(loss)
            self.step(g, rate)
        return float(loss)

    def textbook(self) -> float:
        """-sum(p * log q), as it stands in books."""
        labels = self.asarray(self.maze.planner())
        xp = array_namespace(labels)
        with np.errstate(invalid="ignore"):
            return -float(xp.sum(labels * xentropy.log_softmax(self.logits)))


def main() -> int:
    maze, bad = Maze(), False
    for library, name in LABELS.items():
        try:
            module = importlib.import_module("jax.numpy" if library == "jax" else library)
        except ModuleNotFoundError:
            print(f"{name} is not installed: left out\n")
            continue
        walker, pupil = Learner(maze, module), Learner(maze, module)
        print(f"{name}: the textbook's formula gives {pupil.textbook()} for the planner's labels")
        length, loss = walker.learn_from_walks(), pupil.learn_from_planner()
        results = (
            ("integer labels", walker, f"mean walk {length:.1f} steps (shortest {maze.distance.mean():.1f})"),
            ("soft labels", pupil, f"loss {loss:.4f} nats (least {least_loss(maze):.4f})"),
        )
        for kind, learner, text in results:
            policy = learner.policy()
            steps = maze.steps_of(policy)
            shortest = steps == maze.distance
            lost = bool(np.isinf(steps).any()) or shortest.mean() < ENOUGH
            bad |= bool(learner.nans or learner.leaks or lost)
            print(
                f"  {kind:14}  {text:40}  NaN: {learner.nans}  not 0 at a wall: {learner.leaks}  "
                f"shortest way from {shortest.sum()} of {len(shortest)} cells"
            )
        print()
    print("\n".join(maze.drawing(policy)))
    print("FAILED" if bad else "OK")
    return int(bad)


def least_loss(maze: Maze) -> float:
    """The entropy of the planner's labels, below which no policy gets."""
    labels = maze.planner()
    return float(-(labels * np.log(np.where(labels > 0, labels, 1))).sum(axis=1).mean())


if __name__ == "__main__":
    sys.exit(main())
