"""Colours of every map and mark, with the limits between their steps and where they come from.

The figures were chosen here: each ramp keeps one hue and falls evenly in CIE lightness, so that its steps stay apart in greyscale
print and for red–green blindness; `tests/reports/test_maps.py` measures that.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace

INK = {
    "text": "#1d2329",
    "soft": "#58616b",
    "line": "#d9dde1",
    "paper": "#ffffff",
    "wash": "#f5f6f7",
    "pass": "#0b655d",
    "fail": "#c02f13",
    "unknown": "#59616a",
}
BASE = {
    "land": "#fafaf8",
    "built": "#f3f2ef",
    "water": "#d3e4f1",
    "green": "#e0eeda",
    "street": "#c3c7cc",
    "rail": "#a9afb6",
    "motorway": "#b9bec4",
    "edge": "#ffffff",
    "border": "#6b747d",
}


@dataclass(frozen=True)
class Ramp:
    """Hold the colours of a ramp from the lowest step to the highest and the limits between them.

    A ramp of n colours has n - 1 ``limits``, in the unit of its figure. With ``upper_closed`` a figure on a limit belongs to the
    step below it (5 minutes count as "within 5"); else to the step above (90 % counts as "90 and more").
    """

    name: str
    colours: tuple[str, ...]
    limits: tuple[float, ...]
    unit: str
    upper_closed: bool
    source: str

    def step(self, figure: float) -> int:
        """Return the position of the colour for a figure."""
        return bisect_left(self.limits, figure) if self.upper_closed else bisect_right(self.limits, figure)


_OWN = "chosen for this report: one hue, even steps of lightness"
RATE = Ramp(
    "rate",
    ("#eaf4f2", "#c3e0dc", "#97c7c1", "#66aaa3", "#35877f", "#0b5a53"),
    (0.2, 0.4, 0.6, 0.8, 0.9),
    "share",
    False,
    _OWN,
)
MISSING = Ramp("missing", ("#fbf3ef", "#f8cdbb", "#ee9c7e", "#d56443", "#9c3216"), (1, 3, 6, 10), "items", False, _OWN)
# Light to dark inward. The steps are the tiers of the life circle: 5, 10 and 15 minutes (GB 50180-2018, 2.0.4 to 2.0.6).
TIME = Ramp(
    "time",
    ("#1d4a73", "#5f93c2", "#bcd6ea", "#ffffff"),
    (300.0, 600.0, 900.0),
    "s",
    True,
    "GB 50180-2018, 2.0.4–2.0.6",
)
DISTANCE = Ramp("distance", TIME.colours, (300.0, 500.0, 1000.0), "m", True, "GB 50180-2018, 2.0.4–2.0.6")
_COVERED_COLOURS = ("#f2f6fb", "#c9dcee", "#97bcdc", "#5a8dbd", "#1d4a73")
RAMPS = (RATE, MISSING, TIME, DISTANCE, Ramp("covered", _COVERED_COLOURS, (0.2, 0.4, 0.6, 0.8), "share", False, _OWN))


def covered_ramp(asked_share: float) -> Ramp:
    """Return the ramp of shares of residents [0..1]: the highest step meets the share asked, the others divide it evenly."""
    return replace(RAMPS[-1], limits=tuple(round(asked_share * part, 9) for part in (0.25, 0.5, 0.75, 1.0)))


def css_rules() -> str:
    """Return the style rules that give every ramp step, ink and base colour its name."""
    names = [f"--{name}:{colour}" for name, colour in (INK | {f"base-{k}": v for k, v in BASE.items()}).items()]
    steps = [
        f".{ramp.name}-{step}{{fill:{colour};background:{colour}}}"
        for ramp in RAMPS
        for step, colour in enumerate(ramp.colours)
    ]
    return ":root{" + ";".join(names) + "}" + "".join(steps)
