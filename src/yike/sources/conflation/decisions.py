"""What people decided on pairs: a sheet that can be edited, read back, and found again in another year's files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from yike.errors import Fault, InputError
from yike.sources.conflation.records import Records
from yike.sources.place_names import folded

MERGE, KEEP_APART, UNDECIDED = "merge", "keep_apart", "undecided"
DECISIONS = (MERGE, KEEP_APART, UNDECIDED)
FOUND_AGAIN_M = 50.0
_SIDES = ("first", "second")
COLUMNS = (
    "pair_id", "decision", "reason", "by", "date", "first_name", "second_name", "distance_m", "reasons",
    "first_id", "first_x", "first_y", "second_id", "second_x", "second_y",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class FoundDecisions:
    """Hold decisions as pairs of rows of the records; ``not_found`` are those whose places no record is."""

    merged: frozenset[tuple[int, int]]
    kept_apart: frozenset[tuple[int, int]]
    not_found: tuple[str, ...]


def pair_id(first: str, second: str) -> str:
    """Name a pair by its records' fingerprints, whatever their order."""
    return "-".join(sorted((first, second)))


def read_decisions(path: Path) -> pd.DataFrame:
    """Read a sheet of decisions in the columns of `COLUMNS`; rows without a decision count as undecided.

    Raises:
        InputError: the file is missing or no table, lacks a column, names an unknown decision, or decides one pair twice
            in different ways; all faults at once.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError([Fault("file.missing", str(path))])
    try:
        sheet = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError([Fault("file.damaged", str(path), values={"reason": error})]) from error
    needed = ("decision", *(f"{side}_{what}" for side in _SIDES for what in ("name", "x", "y")))
    present = ", ".join(sheet.columns)
    missing = [name for name in needed if name not in sheet.columns]
    if missing:
        raise InputError([Fault("table.missing_column", str(path), field=name, values={"present": present}) for name in missing])
    sheet = sheet.reindex(columns=list(COLUMNS), fill_value="")
    sheet["decision"] = sheet["decision"].str.strip().replace("", UNDECIDED)
    faults = _faults(sheet, str(path))
    if faults:
        raise InputError(faults)
    return sheet


def _faults(sheet: pd.DataFrame, file: str) -> list[Fault]:
    faults = []
    for row in np.flatnonzero(~sheet["decision"].isin(DECISIONS).to_numpy()):
        values = {"value": sheet["decision"].iloc[row], "known": ", ".join(DECISIONS)}
        faults.append(Fault("conflation.unknown_decision", file, row=int(row) + 2, field="decision", values=values))
    for side in _SIDES:
        for what in ("x", "y"):
            name = f"{side}_{what}"
            figures = pd.to_numeric(sheet[name], errors="coerce").to_numpy(np.float64)
            for row in np.flatnonzero(~np.isfinite(figures)):
                values = {"value": sheet[name].iloc[row]}
                faults.append(Fault("table.not_a_number", file, row=int(row) + 2, field=name, values=values))
    decided = sheet[(sheet["decision"] != UNDECIDED) & (sheet["pair_id"] != "")]
    for pair, rows in decided.groupby("pair_id", sort=True):
        if rows["decision"].nunique() > 1:
            values = {"pair": pair, "rows": ", ".join(str(row + 2) for row in rows.index)}
            faults.append(Fault("conflation.contradiction", file, row=int(rows.index[0]) + 2, field="decision", values=values))
    return faults


def write_decisions(sheet: pd.DataFrame, path: Path) -> Path:
    """Write a sheet of decisions as CSV that a spreadsheet opens, whole or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    os.close(handle)
    try:
        sheet.reindex(columns=list(COLUMNS), fill_value="").to_csv(draft, index=False, encoding="utf-8-sig")
        Path(draft).chmod(0o644)
        Path(draft).replace(path)
    finally:
        Path(draft).unlink(missing_ok=True)
    return path


def find_decisions(records: Records, decisions: pd.DataFrame | None) -> FoundDecisions:
    """Find the records that decisions speak of: by fingerprint, else by name within `FOUND_AGAIN_M` metres.

    Copies of one record in several lists share their fingerprint: a decision on one holds for all.
    """
    if decisions is None or not len(decisions):
        return FoundDecisions(frozenset(), frozenset(), ())
    rows_of: dict[str, list[int]] = {}
    for row, fingerprint in enumerate(records.fingerprint):
        rows_of.setdefault(fingerprint, []).append(row)
    rows_of_name: dict[str, list[int]] = {}
    for row, name in enumerate(records.table["name"]):
        rows_of_name.setdefault(folded(name), []).append(row)
    pairs: dict[str, set[tuple[int, int]]] = {MERGE: set(), KEEP_APART: set(), UNDECIDED: set()}
    not_found = []
    for position, decision in enumerate(decisions.astype(str).to_dict("records")):
        first, second = (_rows_of_side(records, decision, side, rows_of, rows_of_name) for side in _SIDES)
        if not first or not second:
            not_found.append(str(decision.get("pair_id") or position + 1))
            continue
        pairs[str(decision["decision"])] |= {(min(a, b), max(a, b)) for a in first for b in second if a != b}
    return FoundDecisions(frozenset(pairs[MERGE] - pairs[KEEP_APART]), frozenset(pairs[KEEP_APART]), tuple(not_found))


def _rows_of_side(
    records: Records,
    decision: Mapping[Hashable, object],
    side: str,
    rows_of: Mapping[str, list[int]],
    rows_of_name: Mapping[str, list[int]],
) -> list[int]:
    exact = rows_of.get(str(decision.get(f"{side}_id", "")), [])
    if exact:
        return exact
    rows = rows_of_name.get(folded(str(decision[f"{side}_name"])), [])
    if not rows:
        return []
    place = [float(str(decision[f"{side}_x"])), float(str(decision[f"{side}_y"]))]
    near = cKDTree(records.xy[rows]).query_ball_point(place, FOUND_AGAIN_M)
    return [rows[position] for position in sorted(near)]


def decision_sheet(pairs: pd.DataFrame, *, known: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the sheet to decide on: all earlier decisions as they are, then the pairs that still wait, the likeliest first.

    ``pairs`` are those of a `Conflation`, ``known`` the sheet of the last time.
    """
    waiting = pairs[pairs["verdict"] == UNDECIDED].sort_values(["confidence", "pair_id"], ascending=[False, True])
    sheet = waiting.assign(decision=UNDECIDED, reason="", by="", date="").reindex(columns=list(COLUMNS), fill_value="")
    sheet = sheet.drop_duplicates("pair_id")
    if known is None or not len(known):
        return sheet.reset_index(drop=True)
    kept = known.reindex(columns=list(COLUMNS), fill_value="")
    fresh = sheet[~sheet["pair_id"].isin(set(kept["pair_id"]))]
    return pd.concat([kept.astype(object), fresh.astype(object)], ignore_index=True)
