"""Ratios measured in one run: A, B, A, B …, so that whatever else the machine does falls on both."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

ROUNDS = 5


@dataclass(frozen=True)
class Ratio:
    """Hold how many times quicker ours is, round by round, with the goal if one is set."""

    name: str
    ours_s: tuple[float, ...]
    theirs_s: tuple[float, ...]
    goal: float | None = None

    @property
    def each(self) -> np.ndarray:
        return np.array(self.theirs_s) / np.array(self.ours_s)

    @property
    def median(self) -> float:
        return float(np.median(self.each))

    @property
    def reached(self) -> bool:
        return self.goal is None or self.median >= self.goal

    def row(self) -> str:
        """Return one row of a Markdown table: name, ratio, least and most, ours, theirs, goal."""
        low, high = self.each.min(), self.each.max()
        ours, theirs = (f"{np.median(values):.3g} s" for values in (self.ours_s, self.theirs_s))
        outcome = verdict(self.goal, self.reached)
        return f"| {self.name} | **{self.median:.3g}** | {low:.3g}–{high:.3g} | {ours} | {theirs} | {outcome} |"


@dataclass(frozen=True)
class Figure:
    """Hold one measured figure with its unit and the goal if one is set; ``least`` says whether the goal is a lower bound."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    least: bool = False

    @property
    def reached(self) -> bool:
        return self.goal is None or (self.value >= self.goal if self.least else self.value <= self.goal)

    def row(self) -> str:
        """Return one row of a Markdown table: name, figure, goal."""
        goal = None if self.goal is None else f"{'≥' if self.least else '≤'} {self.goal:g}"
        return f"| {self.name} | **{self.value:.3g}** {self.unit} | {verdict(goal, self.reached)} |"


def verdict(goal: float | str | None, reached: bool) -> str:
    """Say what was wanted and whether it was reached."""
    if goal is None:
        return "–"
    wanted = goal if isinstance(goal, str) else f"≥ {goal:g}"
    return f"{wanted}: {'reached' if reached else '**missed**'}"


def alternate(
    name: str, ours: Callable[[], object], theirs: Callable[[], object], *, rounds: int = ROUNDS, goal: float | None = None
) -> Ratio:
    """Run both in turn, once to warm up and then for so many rounds."""
    ours()
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for question, seconds in zip((ours, theirs), taken, strict=True):
            seconds.append(seconds_of(question))
    return Ratio(name, tuple(taken[0]), tuple(taken[1]), goal)


def seconds_of(question: Callable[[], object]) -> float:
    """Return how long a call takes."""
    begin = time.perf_counter()
    question()
    return time.perf_counter() - begin


def median_seconds(question: Callable[[], object], *, rounds: int = ROUNDS) -> float:
    """Return the median of several calls, after one to warm up."""
    question()
    return float(np.median([seconds_of(question) for _ in range(rounds)]))
