"""From metres to the plane of a drawing: frames, short SVG paths, scale bars."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

TENTHS_PER_PX = 10
_FLATTEST = 0.55
_TALLEST = 1.15
_LEAST_SPAN_M = 400.0
_LEAST_RING_PX2 = 1.5
_BAR_SHARE = 0.28
_POINT, _LINE, _RING, _POLYGON = 0, 1, 2, 3

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True)
class Frame:
    """Place a window of the city on a drawing whose unit is a tenth of a pixel, so that paths are whole numbers.

    ``left``, ``top`` [m]: the corner of the window; ``per_m``: drawing units a metre; ``width``, ``height``: drawing units.
    """

    left: float
    top: float
    per_m: float
    width: int
    height: int

    @classmethod
    def around(cls, bounds: Bounds, *, width_px: float, margin: float = 0.04) -> Frame:
        """Frame the bounds [m] with a margin (share of the longer side), neither too flat nor too tall."""
        left, bottom, right, top = bounds
        pad = margin * max(right - left, top - bottom, _LEAST_SPAN_M)
        wide, high = max(right - left + 2 * pad, _LEAST_SPAN_M), max(top - bottom + 2 * pad, _LEAST_SPAN_M)
        high = max(high, wide * _FLATTEST)
        wide = max(wide, high / _TALLEST)
        middle_x, middle_y = (left + right) / 2, (bottom + top) / 2
        per_m = width_px * TENTHS_PER_PX / wide
        return cls(middle_x - wide / 2, middle_y + high / 2, per_m, round(wide * per_m), round(high * per_m))

    @property
    def window(self) -> Bounds:
        """Return left, bottom, right, top [m]."""
        return (
            self.left,
            self.top - self.height / self.per_m,
            self.left + self.width / self.per_m,
            self.top,
        )

    @property
    def px_m(self) -> float:
        """Return the metres that one pixel shows."""
        return TENTHS_PER_PX / self.per_m

    def place(self, xy: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return (n, 2) drawing units for (n, 2) coordinates [m]."""
        flat = np.column_stack([xy[:, 0] - self.left, self.top - xy[:, 1]])
        return np.rint(flat * self.per_m).astype(np.int64)

    def percent(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point [m] lies, in per cent from the left and from the top."""
        place = self.place(np.array([[x, y]]))[0]
        return round(100 * int(place[0]) / self.width, 2), round(100 * int(place[1]) / self.height, 2)

    def path(self, geometries: Iterable[shapely.Geometry], *, tolerance_px: float = 0.8) -> str:
        """Return one SVG path of lines and polygons, clipped to the window and simplified to ``tolerance_px``."""
        wanted = [shape for shape in geometries if shape is not None and not shape.is_empty]
        if not wanted:
            return ""
        pad = 3 * self.px_m
        left, bottom, right, top = self.window
        array = np.array(wanted, dtype=object)
        if not shapely.contains(shapely.box(left, bottom, right, top), shapely.box(*shapely.total_bounds(array))):
            array = shapely.clip_by_rect(array, left - pad, bottom - pad, right + pad, top + pad)
        array = shapely.simplify(array, tolerance_px * self.px_m)
        return "".join(self._trace(xy, closed=closed) for xy, closed in _pieces(array))

    def _trace(self, xy: NDArray[np.float64], *, closed: bool) -> str:
        points = self.place(xy)
        steps = np.diff(points, axis=0)
        moved = steps.any(axis=1)
        steps = steps[moved]
        if closed:
            x, y = points[:, 0].astype(float), points[:, 1].astype(float)
            area = abs(float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))) / 2
            if area < _LEAST_RING_PX2 * TENTHS_PER_PX**2:
                return ""
            steps = steps[:-1]
        if not len(steps):
            return ""
        run = " ".join(f"{dx} {dy}" for dx, dy in steps.tolist()).replace(" -", "-")
        return f"M{points[0, 0]} {points[0, 1]}l{run}{'z' if closed else ''}"

    def scale_bar(self) -> tuple[float, float]:
        """Return the length of a round scale bar [m] and its share of the width in per cent."""
        most = _BAR_SHARE * self.width / self.per_m
        power = 10.0 ** np.floor(np.log10(most))
        length = max(step * power for step in (1.0, 2.0, 5.0) if step * power <= most)
        return float(length), round(100 * length * self.per_m / self.width, 2)


def _pieces(geometries: NDArray[np.object_]) -> Iterator[tuple[NDArray[np.float64], bool]]:
    """Yield the coordinates of every line, and of every ring as closed."""
    parts = shapely.get_parts(shapely.get_parts(geometries))
    kinds = shapely.get_type_id(parts)
    for line in parts[(kinds == _LINE) | (kinds == _RING)]:
        yield shapely.get_coordinates(line), False
    for ring in shapely.get_rings(parts[kinds == _POLYGON]):
        yield shapely.get_coordinates(ring), True
