"""Which records may be one place: those near each other, and those of one name somewhat farther apart."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from yike.sources.conflation.records import IntArray, Records
from yike.sources.conflation.rules import Group, groups

_SAME_NAME = ("core", "kind", "part")
_EXACT_NAME = ("core", "kind", "branch", "part")


def candidate_pairs(records: Records) -> IntArray:
    """Return pairs of rows, shape (n, 2), the smaller row first, each once, sorted.

    Records meet within their group. The number of pairs grows with the rows as long as their density stays.
    """
    found = [_pairs_of_group(records, group) for group in groups().values()]
    pairs = np.concatenate(found) if found else np.empty((0, 2), np.int64)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _pairs_of_group(records: Records, group: Group) -> IntArray:
    rows = np.flatnonzero(records.group == group.name)
    if len(rows) < 2:
        return np.empty((0, 2), np.int64)
    xy = records.xy[rows]
    same_name = _same_name_pairs(records, rows, group)
    if group.exact_name:
        return rows[same_name]
    near = cKDTree(xy).query_pairs(group.reach_m, output_type="ndarray").astype(np.int64)
    keep = records.codes["part"][rows[near[:, 0]]] == records.codes["part"][rows[near[:, 1]]]
    both = np.concatenate([near[keep], same_name])
    both.sort(axis=1)
    keys = np.unique(both[:, 0] * len(rows) + both[:, 1])
    out: IntArray = rows[np.stack([keys // len(rows), keys % len(rows)], axis=1)]
    return out


def _same_name_pairs(records: Records, rows: IntArray, group: Group) -> IntArray:
    """Find rows of one name within ``same_name_m``: the name is a third coordinate whose steps are longer than that distance."""
    columns = _EXACT_NAME if group.exact_name else _SAME_NAME
    named = records.codes["core"][rows] > 0
    kept = np.flatnonzero(named)
    if len(kept) < 2:
        return np.empty((0, 2), np.int64)
    key = np.zeros(len(kept), np.int64)
    for column in columns:
        codes = records.codes[column][rows[kept]]
        _, key = np.unique(key * (codes.max() + 1) + codes, return_inverse=True)
    storeys = key.astype(np.float64) * (group.same_name_m * 2.0)
    points = np.column_stack([records.xy[rows[kept]], storeys])
    pairs = cKDTree(points).query_pairs(group.same_name_m, output_type="ndarray").astype(np.int64)
    out: IntArray = kept[pairs]
    return out
