"""The plan that the demo's designers draw on: ways, walls and parcels in plan coordinates, before anything is bent."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Place = tuple[float, float]

WALL_INSET_M = 9.0
GATE_HALF_WIDTH_M = 4.0


@dataclass(frozen=True)
class Way:
    """Hold one straight way of the plan.

    ``soft`` ways may be bent by chance (old lanes); ``open_`` is False on bridges and in underpasses, where nothing attaches;
    ``oneway`` binds bicycles only; ``cycle`` is False where nobody may ride.
    """

    a: Place
    b: Place
    kind: str = "street"
    cycle: bool = True
    oneway: bool = False
    open_: bool = True
    soft: bool = False
    arterial: bool = False


@dataclass(eq=False)
class Parcel:
    """Hold one piece of land between ways: its rectangle, fabric, homes (k, 2) and how densely they are lived in."""

    u0: float
    u1: float
    v0: float
    v1: float
    fabric: str
    homes: FloatArray = field(default_factory=lambda: np.empty((0, 2)))
    weight: float = 0.0
    streets: str = "WESN"  # sides along which a street runs

    @property
    def centre(self) -> Place:
        """Return the middle of the rectangle."""
        return (self.u0 + self.u1) / 2, (self.v0 + self.v1) / 2

    @property
    def width_m(self) -> float:
        """Return the extent along u."""
        return self.u1 - self.u0

    @property
    def height_m(self) -> float:
        """Return the extent along v."""
        return self.v1 - self.v0

    def holds(self, u: float, v: float) -> bool:
        """Tell whether a place lies in the rectangle."""
        return self.u0 <= u <= self.u1 and self.v0 <= v <= self.v1


@dataclass(eq=False)
class Plan:
    """Gather what is drawn: ways, walls and creeks (polylines), hamlets (rings), parcels, and junctions where one waits."""

    ways: list[Way] = field(default_factory=list)
    walls: list[FloatArray] = field(default_factory=list)
    parcels: list[Parcel] = field(default_factory=list)
    creeks: list[FloatArray] = field(default_factory=list)
    hamlets: list[FloatArray] = field(default_factory=list)
    signals: list[Place] = field(default_factory=list)
    crossings: list[Place] = field(default_factory=list)
    parks: list[Park] = field(default_factory=list)
    campuses: list[Campus] = field(default_factory=list)

    def way(self, a: Place, b: Place, kind: str = "street", **marks: bool) -> None:
        """Draw a way unless it has no length."""
        start, end = _grain(a), _grain(b)
        if start != end:
            self.ways.append(Way(start, end, kind, **marks))

    def path(self, places: FloatArray, kind: str = "path", **marks: bool) -> None:
        """Draw ways along a polyline (k, 2)."""
        for a, b in itertools.pairwise(places):
            self.way((float(a[0]), float(a[1])), (float(b[0]), float(b[1])), kind, **marks)

    def campus(self, rect: tuple[float, float, float, float], side: str) -> None:
        """Set land aside for a school, walled in with one gate in the middle of a side."""
        parcel = Parcel(*rect, "campus", streets=side)
        u, v = (round(coordinate, 1) for coordinate in parcel.centre)
        self.walled(parcel, [(side, u if side in "SN" else v)])
        near = WALL_INSET_M - 1
        gates = {"S": (u, rect[2] + near), "N": (u, rect[3] - near), "W": (rect[0] + near, v), "E": (rect[1] - near, v)}
        inset = WALL_INSET_M + 1
        inner = (rect[0] + inset, rect[1] - inset, rect[2] + inset, rect[3] - inset)
        self.campuses.append(Campus(len(self.parcels), *inner, gates[side]))
        self.parcels.append(parcel)

    def walled(self, parcel: Parcel, gates: list[tuple[str, float]]) -> None:
        """Draw the wall of a parcel, open at each gate (side, place along the side)."""
        u0, u1 = parcel.u0 + WALL_INSET_M, parcel.u1 - WALL_INSET_M
        v0, v1 = parcel.v0 + WALL_INSET_M, parcel.v1 - WALL_INSET_M
        sides = {"S": ("u", u0, u1, v0), "N": ("u", u0, u1, v1), "W": ("v", v0, v1, u0), "E": ("v", v0, v1, u1)}
        for side, (along, low, high, fixed) in sides.items():
            cuts = sorted(place for where, place in gates if where == side)
            edges = [low, *(edge for cut in cuts for edge in (cut - GATE_HALF_WIDTH_M, cut + GATE_HALF_WIDTH_M)), high]
            for start, end in zip(edges[::2], edges[1::2], strict=True):
                line = [(start, fixed), (end, fixed)] if along == "u" else [(fixed, start), (fixed, end)]
                self.walls.append(np.array(line))


@dataclass(frozen=True)
class Park:
    """Hold one park: its rectangle on the plan, class and the places of its entrances."""

    u0: float
    u1: float
    v0: float
    v1: float
    class_id: str
    entrances: tuple[Place, ...]
    key: str = ""


@dataclass(frozen=True)
class Campus:
    """Hold land for a school: its parcel (position in the plan's list), rectangle and the place of its gate."""

    parcel: int
    u0: float
    u1: float
    v0: float
    v1: float
    gate: Place


def _grain(place: Place) -> Place:
    return round(place[0], 1), round(place[1], 1)
