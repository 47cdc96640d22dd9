"""The maps of the report: inline SVG over one quiet base map; words stand in the page, never in the drawing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
import shapely
from markupsafe import Markup

from yike.model.city import City
from yike.reports.map_frame import Bounds, Frame
from yike.reports.places import Neighbourhood, Places, Subdistrict
from yike.reports.ramps import DISTANCE, MISSING, RATE, TIME, Ramp, covered_ramp
from yike.reports.shortfalls import Shortfall
from yike.reports.street_strokes import street_strokes
from yike.reports.wording import Wording

CITY_WIDTH_PX = 640.0
PAGE_WIDTH_PX = 520.0
LABELLED_ZONES = 5
_CITY_VERTICES = 9000
_PAGE_VERTICES = 3000
_SHORTEST_STROKE_PX = 22.0
_MAIN_STROKE_SHARE = 0.22
_CONTEXT_ORDER = ("built", "green", "water", "rail", "motorway")
_LINES = ("rail", "motorway")
_MOST_DOTS = 400
_MOST_BADGES = 60
_ROUTE_GROWTH = 0.45
_CORNER_PX = 4.0
_WALLS_AROUND_M = 100.0
_CORNER_CHANGE = 0.15


@dataclass(frozen=True)
class Label:
    """Place words over a map, in per cent from its left and top; ``kind`` picks the look."""

    left: float
    top: float
    words: str
    kind: str


@dataclass(frozen=True)
class LegendEntry:
    """Name one mark of a legend by the style class of its swatch."""

    swatch: str
    words: str


@dataclass(frozen=True)
class DrawnMap:
    """Hold one map ready for the page."""

    key: str
    frame: Frame
    title: str
    description: str
    layers: Markup
    labels: tuple[Label, ...]
    legend: tuple[LegendEntry, ...]
    bar_percent: float
    bar_words: str
    note: str = ""


@dataclass(frozen=True)
class SharedLayers:
    """Hold the city's frame and the drawing that every city map refers to: base, neighbourhoods, borders."""

    frame: Frame
    definitions: Markup
    labels: tuple[Label, ...]
    areal: bool


def shared_layers(city: City, places: Places) -> SharedLayers:
    """Draw what all city maps share, once."""
    frame = Frame.around(_bounds(places.shapes()), width_px=CITY_WIDTH_PX)
    radius = _radius(frame, places)
    shapes = "".join(_unit_shape(unit, frame, radius) for unit in places.units)
    borders = ""
    if places.have_outlines and places.divided:
        whole = [_dissolved(area) for area in places.subdistricts]
        borders = f'<path class="border" d="{frame.path([shape.boundary for shape in whole])}"/>'
    base = _base(city, frame, most_vertices=_CITY_VERTICES)
    drawing = f'<g id="base">{base}</g>{shapes}<g id="borders">{borders}</g>'
    labels = tuple(_area_label(area, frame) for area in places.subdistricts) if places.divided else ()
    return SharedLayers(frame, Markup(drawing), labels, places.have_outlines)


def rate_map(shared: SharedLayers, rates: Mapping[str, float], places: Places, *, words: Wording) -> DrawnMap:
    """Draw the compliance rate [0..1] of each neighbourhood; one without a rate is hatched."""
    styles = {unit.index: _step_class(RATE, rates.get(unit.unit_id)) for unit in places.units}
    legend = [LegendEntry(f"rate-{step}", label) for step, label in enumerate(_share_labels(RATE))]
    return _city_map(
        "rate",
        shared,
        styles,
        legend=(*legend, LegendEntry("hatch-unknown", words.say("map.unknown"))),
        labels=shared.labels,
        words=words,
    )


def missing_map(shared: SharedLayers, missing: Mapping[str, int], places: Places, *, words: Wording) -> DrawnMap:
    """Draw the number of missing items of each neighbourhood."""
    styles = {unit.index: _step_class(MISSING, missing.get(unit.unit_id)) for unit in places.units}
    low = [0, *map(int, MISSING.limits)]
    spans = [f"{a}–{b - 1}" if b - 1 > a else f"{a}" for a, b in pairwise(low)]
    legend = [LegendEntry(f"missing-{step}", label) for step, label in enumerate([*spans, f"≥ {low[-1]}"])]
    return _city_map("missing", shared, styles, legend=legend, words=words)


def blind_zone_map(shared: SharedLayers, zones: pd.DataFrame, *, class_name: str, words: Wording) -> DrawnMap:
    """Draw the blind zones of one class, the largest labelled with their residents."""
    frame = shared.frame
    path = frame.path([_rounded(shape, frame) for shape in zones["outline"]])
    layers = f'<path class="blind" d="{path}"/>'
    labels = [
        Label(*frame.percent(x, y), words.count(residents), "figure")
        for x, y, residents in zones[["x", "y", "residents"]].head(LABELLED_ZONES).to_numpy().tolist()
    ]
    legend = [
        LegendEntry("hatch-fail edged", words.say("map.blind.zone")),
        LegendEntry("figure-swatch", words.say("map.blind.figure")),
    ]
    return _city_map(
        "blind", shared, {}, legend=legend, labels=labels, over=layers, words=words, class_name=class_name
    )


def time_map(
    shared: SharedLayers,
    city: City,
    rows: pd.DataFrame,
    places: Places,
    *,
    class_ids: Sequence[str],
    class_name: str,
    words: Wording,
) -> DrawnMap:
    """Draw the time (or metres) from each neighbourhood's centre to the nearest facility of one class.

    ``rows``: the verdicts of the class; those that fall short are hatched over their step.
    """
    timed = bool(rows["time_s"].notna().any()) or not rows["distance_m"].notna().any()
    ramp, figures = (TIME, rows["time_s"]) if timed else (DISTANCE, rows["distance_m"])
    by_unit = dict(zip(rows["unit_id"], zip(figures, rows["verdict"], strict=True), strict=True))
    styles, failing = {}, []
    for unit in places.units:
        figure, verdict = by_unit.get(unit.unit_id, (np.nan, "not_determinable"))
        known = verdict != "not_determinable"
        beyond = len(ramp.limits)
        step = ramp.step(figure) if np.isfinite(figure) else beyond
        styles[unit.index] = f"{ramp.name}-{step}" if known else "unknown-fill"
        if verdict == "fail":
            failing.append(f'<use href="#u{unit.index}" class="fail-hatch"/>')
    over = "".join(failing) + _dots(shared.frame, _class_points(city, class_ids), "facility", radius_px=2.6)
    limits = [f"{limit / 60:g}" if timed else f"{limit:g}" for limit in ramp.limits]
    steps = [words.say(f"map.{ramp.name}.within", figure=limit) for limit in limits]
    steps.append(words.say(f"map.{ramp.name}.beyond", figure=limits[-1]))
    legend = [LegendEntry(f"{ramp.name}-{step} edged", label) for step, label in enumerate(steps)]
    legend += [
        LegendEntry("hatch-fail", words.say("map.misses")),
        LegendEntry("hatch-unknown", words.say("map.unknown")),
        LegendEntry("dot-swatch", words.say("map.facility", name=class_name)),
    ]
    return _city_map(ramp.name, shared, styles, legend=legend, over=over, words=words, class_name=class_name)


def covered_map(
    shared: SharedLayers,
    city: City,
    rows: pd.DataFrame,
    places: Places,
    *,
    class_ids: Sequence[str],
    class_name: str,
    asked_share: float,
    words: Wording,
) -> DrawnMap:
    """Draw the share of each neighbourhood's residents that reach one class, where residents decide.

    ``rows``: the verdicts of the class; ``asked_share`` [0..1]: the share that the highest step meets.
    """
    ramp = covered_ramp(asked_share)
    by_unit = dict(zip(rows["unit_id"], zip(rows["covered_share"], rows["verdict"], strict=True), strict=True))
    top, styles = len(ramp.limits), {}
    for unit in places.units:
        share, verdict = by_unit.get(unit.unit_id, (np.nan, "not_determinable"))
        known = verdict != "not_determinable" and np.isfinite(share)
        step = top if verdict == "pass" else min(ramp.step(share), top - 1)
        styles[unit.index] = f"{ramp.name}-{step}" if known else "unknown-fill"
    *below, met = _share_labels(ramp)
    steps = [*below, words.say("map.covered.met", share=met)]
    legend = [LegendEntry(f"{ramp.name}-{step}", label) for step, label in enumerate(steps)]
    legend += [
        LegendEntry("hatch-unknown", words.say("map.unknown")),
        LegendEntry("dot-swatch", words.say("map.facility", name=class_name)),
    ]
    over = _dots(shared.frame, _class_points(city, class_ids), "facility", radius_px=2.6)
    return _city_map(ramp.name, shared, styles, legend=legend, over=over, words=words, class_name=class_name)


def subdistrict_map(
    city: City,
    area: Subdistrict,
    places: Places,
    *,
    rates: Mapping[str, float],
    worst: Sequence[Shortfall],
    class_ids: Iterable[str],
    words: Wording,
) -> DrawnMap:
    """Draw one subdistrict: numbered neighbourhoods, facilities of the failing classes, routes of the worst gaps."""
    home = _bounds(np.array([unit.outline or shapely.Point(unit.x, unit.y) for unit in area.units], dtype=object))
    frame = Frame.around(_grown(home, worst), width_px=PAGE_WIDTH_PX)
    others = [unit.outline for unit in places.units if unit.outline is not None and places.home[unit.unit_id] is not area]
    radius = _radius(frame, places)
    own = "".join(
        _unit_shape(unit, frame, radius, style=f"own {_step_class(RATE, rates.get(unit.unit_id))}") for unit in area.units
    )
    routes = [gap.route for gap in worst if gap.route is not None]
    straight = [gap.straight for gap in worst if gap.straight is not None]
    ends = np.array([gap.straight.coords[1] for gap in worst if gap.straight is not None]).reshape(-1, 2)
    pieces = [
        own,
        _base(city, frame, most_vertices=_PAGE_VERTICES, over_units=True),
        f'<path class="border thin" d="{frame.path([shape.boundary for shape in others])}"/>',
        f'<path class="border" d="{_border(area, frame)}"/>',
        f'<path class="wall" d="{frame.path(_near_walls(city, home))}"/>',
        _dots(frame, _class_points(city, class_ids), "facility", radius_px=2.2),
        f'<path class="straight" d="{frame.path(straight)}"/>',
        f'<path class="route-case" d="{frame.path(routes)}"/><path class="route" d="{frame.path(routes)}"/>',
        _dots(frame, ends, "target", radius_px=4),
    ]
    look = "number" if len(area.units) <= _MOST_BADGES else "number-small"
    labels = tuple(Label(*frame.percent(unit.x, unit.y), str(unit.number), look) for unit in area.units)
    legend = [LegendEntry(f"rate-{step}", label) for step, label in enumerate(_share_labels(RATE))]
    legend += [
        LegendEntry(swatch, words.say(f"map.{key}"))
        for swatch, key in (
            ("hatch-unknown", "unknown"),
            ("route-swatch", "route"),
            ("straight-swatch", "straight"),
            ("target-swatch", "target"),
            ("dot-swatch", "failing_facility"),
        )
    ]
    length, percent = frame.scale_bar()
    return DrawnMap(
        key=f"map-{area.anchor}",
        frame=frame,
        title=words.say("map.subdistrict.title", name=area.name),
        description=words.say("map.subdistrict.description", name=area.name, count=len(area.units)),
        layers=Markup("".join(pieces)),
        labels=labels,
        legend=tuple(legend),
        bar_percent=percent,
        bar_words=_bar_words(length, words),
    )


def _city_map(
    key: str,
    shared: SharedLayers,
    styles: Mapping[int, str],
    *,
    legend: Sequence[LegendEntry],
    words: Wording,
    labels: Sequence[Label] = (),
    over: str = "",
    class_name: str = "",
) -> DrawnMap:
    under = "".join(f'<use href="#u{index}" class="unit {style}"/>' for index, style in styles.items())
    stack = f'<use href="#base"/>{under}'
    if under and shared.areal:
        stack = f'{under}<use href="#base" class="over"/>'
    length, percent = shared.frame.scale_bar()
    values = {"name": class_name} if class_name else {}
    return DrawnMap(
        key=f"map-{key}",
        frame=shared.frame,
        title=words.say(f"map.{key}.title", **values),
        description=words.say(f"map.{key}.description", **values),
        layers=Markup(f'{stack}{over}<use href="#borders"/>'),
        labels=tuple(labels),
        legend=tuple(legend),
        bar_percent=percent,
        bar_words=_bar_words(length, words),
    )


def _base(city: City, frame: Frame, *, most_vertices: int, over_units: bool = False) -> str:
    """Draw context, then the longest streets until the vertices are used up, main streets wider."""
    left, bottom, right, top = frame.window
    window = shapely.box(left, bottom, right, top)
    pieces = []
    for kind in _CONTEXT_ORDER:
        if over_units and kind == "built":
            continue
        shapes = city.context.loc[city.context["kind"] == kind, "geometry"].to_numpy(object)
        if not len(shapes) and kind in ("water", *_LINES):
            shapes = _barriers(city, (kind,))
        near = shapes[shapely.intersects(shapes, window)] if len(shapes) else shapes
        style = f"{kind} line" if len(near) and shapely.get_dimensions(near).max() == 1 else kind
        path = frame.path(near)
        pieces.append(f'<path class="{style}" d="{path}"/>' if path else "")
    network = city.networks.get("walk") or next(iter(city.networks.values()), None)
    if network is None:
        return "".join(pieces)
    strokes = street_strokes(network, window=frame.window, shortest_m=_SHORTEST_STROKE_PX * frame.px_m)
    simple = shapely.simplify(strokes, frame.px_m)
    kept = strokes[np.cumsum(shapely.get_num_coordinates(simple)) <= most_vertices]
    main = int(len(kept) * _MAIN_STROKE_SHARE)
    for style, lines in (("street", kept[main:]), ("street main", kept[:main])):
        path = frame.path(lines)
        pieces.append(f'<path class="{style}" d="{path}"/>' if path else "")
    return "".join(pieces)


def _barriers(city: City, kinds: Sequence[str]) -> np.ndarray:
    return np.asarray(city.barriers.loc[city.barriers["kind"].isin(kinds), "geometry"].to_numpy(object))


def _near_walls(city: City, home: Bounds) -> np.ndarray:
    """Return the walls in and around a subdistrict; farther ones would only clutter its map."""
    left, bottom, right, top = home
    walls = _barriers(city, ("wall",))
    near = shapely.box(left - _WALLS_AROUND_M, bottom - _WALLS_AROUND_M, right + _WALLS_AROUND_M, top + _WALLS_AROUND_M)
    return walls[shapely.intersects(walls, near)] if len(walls) else walls


def _unit_shape(unit: Neighbourhood, frame: Frame, radius: int, *, style: str = "") -> str:
    mark = f'class="{style}"' if style else f'id="u{unit.index}"'
    if unit.outline is not None:
        return f'<path {mark} d="{frame.path([unit.outline], tolerance_px=0.5)}"/>'
    x, y = frame.place(np.array([[unit.x, unit.y]]))[0]
    return f'<circle {mark} cx="{x}" cy="{y}" r="{radius}"/>'


def _radius(frame: Frame, places: Places) -> int:
    return int(np.clip(0.42 * places.spacing_m() * frame.per_m, 30, 120))


def _dots(frame: Frame, xy: np.ndarray, style: str, *, radius_px: float) -> str:
    left, bottom, right, top = frame.window
    inside = xy[(xy[:, 0] > left) & (xy[:, 0] < right) & (xy[:, 1] > bottom) & (xy[:, 1] < top)]
    radius = round(radius_px * 10)
    circles = (f'<circle cx="{x}" cy="{y}" r="{radius}"/>' for x, y in frame.place(inside[:_MOST_DOTS]).tolist())
    return f'<g class="{style}">{"".join(circles)}</g>'


def _class_points(city: City, class_ids: Iterable[str]) -> np.ndarray:
    chosen = city.facilities["class_id"].isin(list(class_ids))
    return city.facilities.loc[chosen, ["x", "y"]].to_numpy(np.float64)


def _step_class(ramp: Ramp, figure: float | None) -> str:
    if figure is None or not np.isfinite(figure):
        return "unknown-fill"
    return f"{ramp.name}-{ramp.step(float(figure))}"


def _share_labels(ramp: Ramp) -> list[str]:
    limits = [f"{100 * limit:.3g}%" for limit in ramp.limits]
    between = [f"{low[:-1]}–{high}" for low, high in pairwise(limits)]
    return [f"< {limits[0]}", *between, f"≥ {limits[-1]}" if ramp.limits[-1] < 1 else limits[-1]]


def _dissolved(area: Subdistrict) -> shapely.Geometry:
    shapes = np.array([unit.outline for unit in area.units if unit.outline is not None], dtype=object)
    return shapely.union_all(shapely.buffer(shapes, 0.2)) if len(shapes) else shapely.Polygon()


def _border(area: Subdistrict, frame: Frame) -> str:
    return frame.path([_dissolved(area).boundary])


def _area_label(area: Subdistrict, frame: Frame) -> Label:
    shape = _dissolved(area)
    middle = shape.representative_point() if not shape.is_empty else None
    x = middle.x if middle is not None else float(np.mean([unit.x for unit in area.units]))
    y = middle.y if middle is not None else float(np.mean([unit.y for unit in area.units]))
    return Label(*frame.percent(x, y), area.name, "area")


def _rounded(shape: shapely.Geometry, frame: Frame) -> shapely.Geometry:
    """Round the corners of a zone drawn from grid cells; the zone itself where that would change it much."""
    reach = _CORNER_PX * frame.px_m
    round_shape = shape.buffer(reach).buffer(-2 * reach).buffer(reach)
    return round_shape if abs(round_shape.area - shape.area) < _CORNER_CHANGE * shape.area else shape


def _bounds(shapes: np.ndarray) -> Bounds:
    if not len(shapes):
        return 0.0, 0.0, 1.0, 1.0
    left, bottom, right, top = shapely.total_bounds(shapes).tolist()
    return left, bottom, right, top


def _grown(home: Bounds, worst: Sequence[Shortfall]) -> Bounds:
    """Widen the bounds towards the routes, at most by 45 % of their side each way."""
    left, bottom, right, top = home
    shapes = [shape for gap in worst for shape in (gap.route, gap.straight) if shape is not None]
    if not shapes:
        return home
    wide, high = _ROUTE_GROWTH * (right - left), _ROUTE_GROWTH * (top - bottom)
    want = shapely.total_bounds(np.array(shapes, dtype=object)).tolist()
    return max(want[0], left - wide) if want[0] < left else left, (
        max(want[1], bottom - high) if want[1] < bottom else bottom
    ), (min(want[2], right + wide) if want[2] > right else right), (
        min(want[3], top + high) if want[3] > top else top
    )


def _bar_words(length: float, words: Wording) -> str:
    if length >= 1000:
        return words.say("unit.kilometres", figure=f"{length / 1000:g}")
    return words.say("unit.metres", figure=f"{length:g}")
