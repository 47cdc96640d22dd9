"""The canonical form: what means the same has one hash, what differs another."""

import hashlib
import math

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from yike.model.canonical import combined_hash, geometry_bytes, round_significant, table_hash

TABLE = pd.DataFrame(
    {
        "id": ["b", "a", "c"],
        "count": [3, -1, 0],
        "share": [0.5, np.nan, 1 / 3],
        "open": [True, False, True],
        "name": ["西", None, ""],
    }
)


def of(table: pd.DataFrame) -> str:
    return table_hash(table, key=("id",))


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (1234567891.4, 1234567890.0),
        (0.1 + 0.2, 0.3),
        (1 / 3, 0.333333333),
        (-2 / 3, -0.666666667),
        (1e-300, 1e-300),
        (123456789.5, 123456790.0),
        (-0.0, 0.0),
    ],
)
def test_nine_digits_are_kept(value: float, rounded: float) -> None:
    assert round_significant(np.array([value]))[0] == pytest.approx(rounded, rel=1e-15, abs=0)
    assert math.copysign(1, round_significant(np.array([-0.0]))[0]) == 1


def test_what_is_no_number_stays_none() -> None:
    assert np.isnan(round_significant(np.array([np.nan, np.inf, -np.inf]))).all()


@given(st.floats(1e-12, 1e12), st.integers(-1, 1))
def test_rounding_is_stable_and_near(value: float, sign: int) -> None:
    once = round_significant(np.array([sign * value]))
    assert round_significant(once)[0] == once[0]
    assert once[0] == pytest.approx(sign * value, rel=5.1e-9)


@given(st.permutations(range(3)), st.permutations(list(TABLE.columns)))
def test_the_order_of_rows_and_columns_makes_no_difference(rows: list[int], columns: list[str]) -> None:
    assert of(TABLE.iloc[rows][columns]) == of(TABLE)


def test_small_differences_of_last_digits_and_of_types_make_none() -> None:
    assert of(TABLE.assign(share=TABLE["share"] * (1 + 1e-13))) == of(TABLE)
    assert of(TABLE.assign(count=TABLE["count"].astype(np.int16))) == of(TABLE)
    assert of(TABLE.assign(name=TABLE["name"].astype("category"))) == of(TABLE)
    assert of(TABLE.set_index(pd.Index([7, 7, 7]))) == of(TABLE)


@pytest.mark.parametrize(
    "changed",
    [
        TABLE.assign(count=[3, -1, 1]),
        TABLE.assign(share=[0.5, np.nan, 0.33333]),
        TABLE.assign(share=[0.5, 0.0, 1 / 3]),
        TABLE.assign(name=["西", "", ""]),
        TABLE.assign(name=["西 ", None, ""]),
        TABLE.assign(open=[True, False, False]),
        TABLE.rename(columns={"count": "counts"}),
        TABLE.iloc[:2],
        TABLE.assign(id=["b", "a", "d"]),
    ],
)
def test_every_change_of_content_changes_the_hash(changed: pd.DataFrame) -> None:
    assert of(changed) != of(TABLE)


def test_without_a_key_the_order_of_rows_is_content() -> None:
    assert table_hash(TABLE, key=()) != table_hash(TABLE.iloc[::-1], key=())


def test_an_empty_table_has_a_hash_that_depends_on_its_columns() -> None:
    empty = TABLE.iloc[:0]
    assert of(empty) == of(empty.copy())
    assert of(empty) != of(empty.drop(columns="name"))


SQUARE = shapely.box(0, 0, 10, 10)
HOLE = shapely.Polygon(SQUARE.exterior, [[(2, 2), (4, 2), (4, 4), (2, 4)]])
SHAPES = [
    shapely.Point(1, 2),
    shapely.LineString([(0, 0), (1, 1)]),
    SQUARE,
    HOLE,
    shapely.MultiPolygon([SQUARE, shapely.Polygon([(2, 2), (4, 2), (4, 4), (2, 4)])]),
    shapely.MultiLineString([[(0, 0), (1, 1)]]),
    None,
]


def bytes_of(*shapes: object) -> bytes:
    column = np.empty(len(shapes), object)
    column[:] = shapes
    return geometry_bytes(column)


def test_shapes_are_written_to_the_millimetre() -> None:
    assert bytes_of(shapely.Point(1.0004, 2)) == bytes_of(shapely.Point(1, 2.0001))
    assert bytes_of(shapely.Point(1.0006, 2)) != bytes_of(shapely.Point(1, 2))


def test_shapes_of_other_kind_or_structure_differ() -> None:
    assert len({bytes_of(shape) for shape in SHAPES}) == len(SHAPES)
    assert bytes_of(SHAPES[0], None) != bytes_of(None, SHAPES[0])


def test_two_short_lines_are_not_one_long_line() -> None:
    joined = shapely.LineString([(0, 0), (1, 1), (2, 2), (3, 3)])
    parts = shapely.MultiLineString([[(0, 0), (1, 1)], [(2, 2), (3, 3)]])
    other = shapely.MultiLineString([[(0, 0), (1, 1), (2, 2)], [(2, 2), (3, 3)]])
    longer = shapely.MultiLineString([[(0, 0), (1, 1)], [(2, 2), (2, 2), (3, 3)]])
    assert len({bytes_of(shape) for shape in (joined, parts)}) == 2
    assert bytes_of(other) != bytes_of(longer)


def test_the_geometry_column_is_part_of_the_hash() -> None:
    shapes = np.array([shapely.Point(k, 0) for k in range(3)], object)
    with_shapes = TABLE.assign(geometry=shapes)
    moved = TABLE.assign(geometry=shapes[[1, 0, 2]])
    first = table_hash(with_shapes, key=("id",), geometry="geometry")
    assert first != table_hash(moved, key=("id",), geometry="geometry")
    assert first == table_hash(with_shapes.iloc[[2, 0, 1]], key=("id",), geometry="geometry")


def test_named_hashes_are_joined_in_the_order_of_their_names() -> None:
    expected = hashlib.sha256(b"a=1\nb=2\n").hexdigest()
    assert combined_hash({"b": "2", "a": "1"}) == combined_hash({"a": "1", "b": "2"}) == expected
    assert combined_hash({"a": "2", "b": "1"}) != expected
