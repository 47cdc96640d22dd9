"""Facilities of last year and this year: ids carried on, and what is new, gone, moved, renamed or unchanged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from yike.sources.conflation.candidates import candidate_pairs
from yike.sources.conflation.evidence import weigh_pairs
from yike.sources.conflation.records import FloatArray, IntArray, Records, gather_records
from yike.sources.conflation.rules import conflation_rules
from yike.sources.place_names import folded

UNCHANGED, MOVED, RENAMED, MOVED_AND_RENAMED, NEW, GONE = (
    "unchanged", "moved", "renamed", "moved_and_renamed", "new", "gone",
)  # fmt: skip
_LAST, _THIS = "last", "this"


@dataclass(frozen=True, eq=False)
class YearChange:
    """Hold this year's facilities under the ids of last year where they are the same, and what changed.

    ``changes``: one row a facility of either year with facility_id, change, name_before, name, moved_m and the id that the new
    import had given (``id_before_inheritance``).
    """

    facilities: pd.DataFrame
    changes: pd.DataFrame

    def counts(self) -> dict[str, int]:
        """Count the facilities of each kind of change."""
        return {str(change): int(count) for change, count in self.changes["change"].value_counts().sort_index().items()}


def compare_years(previous: pd.DataFrame, current: pd.DataFrame) -> YearChange:
    """Give this year's facilities the ids of last year's that they are, each id at most once, the best matches first.

    ``previous`` and ``current`` are the facilities of two conflations (facility_id, name, class_ids, x, y, address, ...).
    """
    records = gather_records({_LAST: previous, _THIS: current})
    before, now = _matches(records, len(previous))
    inherited = current["facility_id"].astype(object).to_numpy().copy()
    inherited[now] = previous["facility_id"].to_numpy(object)[before]
    inherited = _free_of_collisions(inherited, now, set(previous["facility_id"]))
    facilities = current.assign(facility_id=inherited)
    changes = _changes(records, len(previous), before, now, inherited)
    changes["id_before_inheritance"] = ""
    of_this_year = changes["row_now"].to_numpy() >= 0
    changes.loc[of_this_year, "id_before_inheritance"] = current["facility_id"].to_numpy(object)[
        changes.loc[of_this_year, "row_now"].to_numpy()
    ]
    return YearChange(facilities, changes.drop(columns="row_now").sort_values(["change", "facility_id"], ignore_index=True))


def _matches(records: Records, count_before: int) -> tuple[IntArray, IntArray]:
    """Match facilities of the two years one to one: equal fingerprints, then the strongest evidence."""
    before, now = _equal_fingerprints(records, count_before)
    pairs = candidate_pairs(records)
    across = (pairs[:, 0] < count_before) & (pairs[:, 1] >= count_before)
    evidence = weigh_pairs(records, pairs[across])
    points = evidence.points()
    kept = points >= conflation_rules()["same_from"]
    first, second, points = evidence.pairs[kept, 0], evidence.pairs[kept, 1] - count_before, points[kept]
    taken_before, taken_now = set(before), set(now)
    for row in _strongest_first(points, evidence.distance_m[kept], first, second):
        a, b = int(first[row]), int(second[row])
        if a not in taken_before and b not in taken_now:
            taken_before.add(a)
            taken_now.add(b)
            before.append(a)
            now.append(b)
    return np.array(before, np.int64), np.array(now, np.int64)


def _equal_fingerprints(records: Records, count_before: int) -> tuple[list[int], list[int]]:
    waiting: dict[str, list[int]] = {}
    for row in range(count_before):
        waiting.setdefault(records.fingerprint[row], []).append(row)
    before, now = [], []
    for row in range(count_before, records.count):
        if rows := waiting.get(records.fingerprint[row]):
            before.append(rows.pop(0))
            now.append(row - count_before)
    return before, now


def _strongest_first(points: FloatArray, distance_m: FloatArray, first: IntArray, second: IntArray) -> list[int]:
    order: list[int] = np.lexsort((second, first, distance_m, -points)).tolist()
    return order


def _free_of_collisions(ids: np.ndarray, matched: IntArray, taken: set[str]) -> np.ndarray:
    """Give a new facility another id where last year's import had used its own for another place."""
    is_matched = np.zeros(len(ids), bool)
    is_matched[matched] = True
    used = set(ids[is_matched]) | taken
    for row in np.flatnonzero(~is_matched):
        number, name = 2, ids[row]
        while name in used:
            name, number = f"{ids[row]}-{number}", number + 1
        used.add(name)
        ids[row] = name
    return ids


def _changes(records: Records, count_before: int, before: IntArray, now: IntArray, ids: np.ndarray) -> pd.DataFrame:
    names = records.table["name"].to_numpy(object)
    record_ids = records.table["record_id"].to_numpy(object)
    moved_m = np.hypot(*(records.xy[before] - records.xy[now + count_before]).T) if len(now) else np.empty(0)
    moved = moved_m > conflation_rules()["limits"]["moved_m"]
    renamed = np.array(
        [folded(names[a]) != folded(names[b + count_before]) for a, b in zip(before.tolist(), now.tolist(), strict=True)], bool
    )
    kinds = np.array([[UNCHANGED, RENAMED], [MOVED, MOVED_AND_RENAMED]], object)
    rows = [
        pd.DataFrame(
            {
                "facility_id": ids[now],
                "change": kinds[moved.astype(int), renamed.astype(int)],
                "name_before": names[before],
                "name": names[now + count_before],
                "moved_m": np.round(moved_m, 1),
                "row_now": now,
            }
        )
    ]
    gone = np.setdiff1d(np.arange(count_before), before)
    new = np.setdiff1d(np.arange(records.count - count_before), now)
    rows.append(pd.DataFrame({"facility_id": record_ids[gone], "change": GONE, "name_before": names[gone], "name": ""}))
    rows.append(
        pd.DataFrame(
            {"facility_id": ids[new], "change": NEW, "name_before": "", "name": names[new + count_before], "row_now": new}
        )
    )
    out = pd.concat(rows, ignore_index=True)
    out["row_now"] = out["row_now"].fillna(-1).astype(np.int64)
    return out
