"""The demo district: a made-up place, the same on every machine, with gaps planted in it that a diagnosis must find."""

from __future__ import annotations

import numpy as np

from yike.model.city import City, Origin
from yike.model.tables import AGE_GROUPS, TABLES
from yike.sources.demo.blocks import draw_arterials, join_cells
from yike.sources.demo.catalogue import RECIPES
from yike.sources.demo.fabric import fill_block
from yike.sources.demo.gaps import PLANTED_GAPS, PlantedGap
from yike.sources.demo.people import make_demand, make_neighbourhoods
from yike.sources.demo.places import make_candidates, make_facilities, make_fronts
from yike.sources.demo.plan import Plan
from yike.sources.demo.scenery import make_barriers, make_context, make_extent
from yike.sources.demo.streets import cut_ways, draw_promenades, keep_main_part, make_networks
from yike.sources.demo.terrain import CRS, make_ground
from yike.sources.notes import note

__all__ = ["PLANTED_GAPS", "PlantedGap", "demo_city"]

DEFAULT_SEED = 20210101
CANDIDATE_COUNT = 120
DATA_DATE = "2021-01-01"
TITLE = "云津区 Yunjin (demo)"


def demo_city(*, seed: int = DEFAULT_SEED) -> City:
    """Make up the demo district.

    seed  whole number; the planted gaps are checked with the default one
    """
    ground = make_ground(_chance(seed, "ground"))
    plan = _draw(seed)
    pieces = keep_main_part(cut_ways(plan, ground, _chance(seed, "lanes")))
    neighbourhoods = make_neighbourhoods(plan, pieces, ground, _chance(seed, "units"))
    facilities, entrances = make_facilities(plan, pieces, neighbourhoods, ground, _chance(seed, "places"))
    campuses = [outline for outline in facilities["outline"] if outline is not None]
    demand = make_demand(plan, neighbourhoods, ground, _chance(seed, "people"), campuses=campuses)
    fronts = make_fronts(plan, pieces, neighbourhoods, ground)
    candidates = make_candidates(
        fronts, neighbourhoods.units, count=CANDIDATE_COUNT, rng=_chance(seed, "candidates")
    )
    made_up = note("made_up", seed=seed)
    tables = {
        "facilities": facilities,
        "entrances": entrances,
        "demand": demand,
        "units": neighbourhoods.units,
        "candidates": candidates,
        "barriers": make_barriers(plan, ground),
        "context": make_context(plan, ground),
    }
    return City(
        title=TITLE,
        crs=CRS,
        networks=make_networks(plan, pieces),
        **{name: TABLES[name].conform(table, file=name) for name, table in tables.items()},
        groups=AGE_GROUPS,
        inventories={recipe.class_id: made_up for recipe in RECIPES},
        extent=make_extent(ground),
        provenance=tuple(Origin(part, made_up, date=DATA_DATE, licence="Apache-2.0") for part in ("streets", *tables)),
        data_date=DATA_DATE,
    )


_SUBJECTS = ("ground", "cells", "arterials", "blocks", "lanes", "units", "people", "places", "candidates")


def _chance(seed: int, subject: str) -> np.random.Generator:
    """Return a generator of its own for each subject, so that a change to one leaves the others as they were."""
    return np.random.Generator(np.random.PCG64([seed, _SUBJECTS.index(subject)]))


def _draw(seed: int) -> Plan:
    plan = Plan()
    blocks, owner = join_cells(_chance(seed, "cells"))
    draw_arterials(plan, owner, _chance(seed, "arterials"))
    rng = _chance(seed, "blocks")
    for block in blocks:
        fill_block(plan, block, rng)
    draw_promenades(plan)
    return plan
