"""Conflation of many records: `python -m benchmarks.conflation 10000 100000 1000000` prints seconds, memory and links."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Sequence

import numpy as np
import pandas as pd

from yike.sources.conflation import conflate

CELL_M = 250.0  # one place of every class a cell, so that the density does not depend on the number of rows
SHARE_IN_BOTH = 0.4
JITTER_M = 6.0
SYLLABLES = "安平康华东兴新民光明和泰永宁金玉福祥长春江海山林云天文德仁义"
KINDS = (("kindergarten", "幼儿园"), ("primary_school", "小学"), ("district_medical_center", "医院"), ("pharmacy", "药房"))
ROADS = "中山人民建设解放延安淮海西藏南京"


def records(count: int, *, seed: int) -> dict[str, pd.DataFrame]:
    """Return two lists with ``count`` records in all; of the places in the first, `SHARE_IN_BOTH` stand in the second too."""
    rng = np.random.default_rng(seed)
    places = int(count / (1 + SHARE_IN_BOTH))
    side = int(np.ceil(np.sqrt(places / len(KINDS))))
    cells = np.arange(places) // len(KINDS)
    kind = np.arange(places) % len(KINDS)
    x = (cells % side + rng.random(places)) * CELL_M
    y = (cells // side + rng.random(places)) * CELL_M
    signs = np.array(list(SYLLABLES))[rng.integers(0, len(SYLLABLES), (places, 3))]
    core = np.char.add(np.char.add(signs[:, 0], signs[:, 1]), signs[:, 2])
    name = np.char.add(core, np.array([word for _, word in KINDS])[kind])
    road = np.array([ROADS[i : i + 2] for i in range(0, len(ROADS), 2)])[rng.integers(0, len(ROADS) // 2, places)]
    number = rng.integers(1, 2000, places).astype(str)
    first = pd.DataFrame(
        {
            "record_id": np.arange(places).astype(str),
            "name": name,
            "class_id": np.array([class_id for class_id, _ in KINDS])[kind],
            "address": np.char.add(np.char.add(np.char.add(road, "路"), number), "号"),
            "x": x,
            "y": y,
        }
    )
    again = first.iloc[np.sort(rng.permutation(places)[: count - places])].copy()
    again["name"] = np.where(rng.random(len(again)) < 0.5, "上海市" + again["name"], again["name"])
    again[["x", "y"]] += rng.normal(0, JITTER_M / 2, (len(again), 2))
    return {"list_one": first, "list_two": again}


def main(arguments: Sequence[str]) -> int:
    print("| records | seconds | records a second | peak memory, GB | places | links found |\n|---|---|---|---|---|---|")
    for count in [int(argument) for argument in arguments] or [10_000, 100_000, 1_000_000]:
        tables = records(count, seed=1)
        begin = time.perf_counter()
        result = conflate(tables)
        seconds = time.perf_counter() - begin
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        links, wanted = (result.pairs["verdict"] == "same").sum(), len(tables["list_two"])
        speed, places = count / seconds, len(result.facilities)
        print(f"| {count:,} | {seconds:.1f} | {speed:,.0f} | {peak:.2f} | {places:,} | {links:,} of {wanted:,} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
