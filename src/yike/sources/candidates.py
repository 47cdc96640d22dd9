"""Candidate sites from tables: where something could be built or reused, with its floor area, cost, pathway and owner."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import shapely

from yike.model.tables import CANDIDATES, PATHWAYS
from yike.sources.bad_rows import open_for, source_label, source_name
from yike.sources.column_words import words_to_ids
from yike.sources.placing import places, points_and_outlines
from yike.sources.reading_plan import ReadingPlan
from yike.sources.row_checks import REFUSE, PartRows, RowChecks, chosen_words


def read_candidates(
    path: Path,
    *,
    crs: str,
    plan: ReadingPlan = ReadingPlan(),
    within: shapely.Geometry | None = None,
    on_bad_rows: str = REFUSE,
) -> PartRows:
    """Read candidate sites to rows of the table `candidates`; costs in 万元 become yuan, a polygon becomes a point inside.

    Raises:
        InputError: columns are missing, or rows are bad and ``on_bad_rows`` is "refuse".
    """
    path = Path(path)
    checks = RowChecks.of(open_for(path, plan), "candidates", plan=plan)
    xy, _ = points_and_outlines(checks, places(checks, crs, system=plan.system, within=within))
    rows: dict[str, object] = {
        "candidate_id": checks.ids("candidate_id", prefix=source_name(path).rpartition(".")[0]),
        "name": checks.words("name"),
        "x": xy[:, 0],
        "y": xy[:, 1],
        "floor_area_m2": checks.figures("floor_area_m2"),
        "cost_yuan": checks.figures("cost_yuan"),
        "pathway": chosen_words(checks, "pathway", words_to_ids(checks.vocabulary["pathways"]), known=PATHWAYS),
        "owner": checks.words("owner"),
        "source": source_label(path),
    }
    good, faults = checks.settle(on_bad_rows)
    table = CANDIDATES.conform(pd.DataFrame(rows, index=checks.table.index)[good], file=str(path))
    return checks.rows(table, good, faults)
