"""Population: whole people spread over places without losing one, and people grown older by cohort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from yike.errors import Fault, InputError
from yike.model.network import SEGMENT_KINDS, StreetNetwork, hilbert_order
from yike.model.tables import DEMAND

RESIDENTIAL_KINDS = ("street", "footway", "pedestrian")
STREET_PIECE_M = 50.0
FAULTS_LISTED = 20
# The golden section's fraction: multiples of it fill the unit interval evenly, however many are taken (Weyl 1916).
_GOLDEN = 0.6180339887498949
_GROUP_PREFIX = "residents_"

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
ObjectArray = NDArray[np.object_]


@dataclass(frozen=True)
class AgeBand:
    """Name a population group by its ages: ``first`` to ``last`` in full years, both included; ``last`` None: and older."""

    group: str
    first: int
    last: int | None


AGE_BANDS = (
    AgeBand("age_0_2", 0, 2),
    AgeBand("age_3_5", 3, 5),
    AgeBand("age_6_11", 6, 11),
    AgeBand("age_12_14", 12, 14),
    AgeBand("age_15_17", 15, 17),
    AgeBand("age_18_59", 18, 59),
    AgeBand("age_60_79", 60, 79),
    AgeBand("age_80_up", 80, None),
)


def largest_remainder(shares: FloatArray, *, total: int, ties: IntArray | None = None) -> IntArray:
    """Return whole numbers that sum to ``total``, each the floor or the ceiling of its (n,) share of it.

    The floors are given first, then one each to the largest remainders (Hamilton's method); equal remainders in row order, or in
    the order of the (n,) ranks ``ties``. Shares that already sum to the total are taken as they are, others are scaled to it.
    """
    given = float(shares.sum())
    if not len(shares) or given <= 0:
        return np.zeros(len(shares), np.int64)
    scaled = shares if round(given) == total else shares * (total / given)
    floors = np.floor(scaled)
    left = total - int(floors.sum())
    rank = np.arange(len(shares)) if ties is None else ties
    order = np.lexsort((rank, floors - scaled))
    whole = floors.astype(np.int64)
    whole[order[:left]] += 1
    return whole


def spread_people(people: IntArray, weights: FloatArray, *, ties: IntArray | None = None) -> IntArray:
    """Spread (g,) whole people over n places by (n,) weights: (n, g), every group complete, no cell negative.

    The places' residents are the largest-remainder shares of all people, so a heavier place never gets fewer. Within them the
    groups are dealt out in the order of (k + 1/2)/T over the k-th person of a group of T (Webster's divisor sequence): every run
    of it holds each group in its share of the whole, so the odd people of all groups do not fall on one place.
    """
    residents = largest_remainder(weights, total=int(people.sum()), ties=ties)
    group = np.repeat(np.arange(len(people)), people)
    first = np.repeat(np.cumsum(people) - people, people)
    turn = (np.arange(len(group)) - first + 0.5) / np.repeat(np.maximum(people, 1), people)
    dealt = group[np.lexsort((group, turn))]
    place = np.repeat(np.arange(len(weights)), residents)
    cells = np.bincount(place * max(1, len(people)) + dealt, minlength=len(weights) * len(people))
    return np.asarray(cells, np.int64).reshape(len(weights), len(people))


def strewn_ranks(xy: FloatArray) -> IntArray:
    """Return (n,) ranks that order (n, 2) places so that any first few of them lie spread over the whole area.

    Places are numbered along a Hilbert curve; number k gets the fractional part of k times the golden section, and ranks follow
    these. The ranks do not depend on the order of rows, but where places coincide.
    """
    number = np.empty(len(xy), np.int64)
    number[hilbert_order(xy, tie=np.lexsort((xy[:, 1], xy[:, 0])).argsort())] = np.arange(len(xy))
    return np.argsort(np.argsort((number * _GOLDEN) % 1.0, kind="stable"), kind="stable")
