"""Three real cities, read once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from yike.model.city import City
from yike.model.network import StreetNetwork

REAL_FILES = {
    "porto_alegre": "porto-alegre/poa_osm.pbf",
    "las_palmas": "las-palmas/las_palmas.osm.pbf",
    "wuhan": "wuhan-streets/streets.parquet",
}


@pytest.fixture(scope="session")
def real_network(real_data: Callable[[str], Path]) -> Callable[[str], StreetNetwork]:
    """Give the walking network of a real city by its name."""
    known: dict[str, StreetNetwork] = {}

    def read(name: str) -> StreetNetwork:
        if name not in known:
            path = real_data(REAL_FILES[name])
            if path.suffix == ".pbf":
                from yike.sources.osm import read_osm

                known[name] = read_osm(path)
            else:
                from yike.sources.lines import read_lines

                known[name] = read_lines(path)
        return known[name]

    return read


@pytest.fixture(scope="session")
def las_palmas(real_data: Callable[[str], Path]) -> City:
    """Give Las Palmas with its walking network, facilities and barriers."""
    from yike.sources.osm import read_osm_city

    return read_osm_city(real_data(REAL_FILES["las_palmas"]), modes=("walk",))
