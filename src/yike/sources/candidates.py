"""Candidate sites from tables: where something could be built or reused, with its floor area, cost, pathway and owner."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from yike.model.tables import CANDIDATES, PATHWAYS
from yike.sources.row_checks import REFUSE, PartRows, RowChecks, chosen_words, points_and_outlines
from yike.sources.tables import mapping, read_table, words_to_ids

YUAN_PER_10K = 10_000.0


def read_candidates(path: Path, *, crs: str, layer: str | None = None, on_bad_rows: str = REFUSE) -> PartRows:
    """Read candidate sites to rows of the table `candidates`; costs in 万元 become yuan, a polygon becomes a point inside.

    Raises:
        InputError: columns are missing, or rows are bad and ``on_bad_rows`` is "refuse".
    """
    path = Path(path)
    checks = RowChecks.of(read_table(path, layer=layer), "candidates", file=str(path))
    xy, _ = points_and_outlines(checks, checks.places(crs))
    cost = checks.figures("cost_yuan")
    cost = np.where(np.isnan(cost), checks.figures("cost_10k_yuan") * YUAN_PER_10K, cost)
    rows: dict[str, object] = {
        "candidate_id": checks.ids("candidate_id", prefix=path.stem),
        "name": checks.words("name"),
        "x": xy[:, 0],
        "y": xy[:, 1],
        "floor_area_m2": checks.figures("floor_area_m2"),
        "cost_yuan": cost,
        "pathway": chosen_words(checks, "pathway", words_to_ids(mapping("pathways")), known=PATHWAYS),
        "owner": checks.words("owner"),
        "source": path.name,
    }
    good, faults = checks.settle(on_bad_rows)
    table = CANDIDATES.conform(pd.DataFrame(rows, index=checks.table.index)[good], file=str(path))
    return PartRows(table, checks.count, checks.numbers_of(~good), faults)
