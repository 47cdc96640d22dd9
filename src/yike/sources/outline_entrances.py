"""Entrances of places with extent where nobody mapped any: where their outline meets a street."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from yike.model.network import StreetNetwork
from yike.model.tables import ENTRANCES

KIND = "outline"


def find_outline_entrances(facilities: pd.DataFrame, network: StreetNetwork) -> pd.DataFrame:
    """Return rows of the table `entrances` for the facilities with an outline that a street of the network crosses or touches.

    A street that runs along the outline gives each vertex of the shared stretch. Bridges and tunnels give none. Entrances of one
    facility in one whole metre square count once.
    """
    drawn = facilities[~shapely.is_missing(facilities["outline"].to_numpy(object))]
    streets = network.shapes()[network.attachable]
    borders = shapely.boundary(drawn["outline"].to_numpy(object))
    place, street = shapely.STRtree(streets).query(borders, predicate="intersects")
    xy, pair = shapely.get_coordinates(shapely.intersection(borders[place], streets[street]), return_index=True)
    owners = drawn["facility_id"].to_numpy(object)[place[pair]]
    found = pd.DataFrame({"facility_id": owners, "x": xy[:, 0], "y": xy[:, 1], "kind": KIND})
    found = found.sort_values(["facility_id", "x", "y"])
    squares = found.assign(x=np.floor(found["x"]), y=np.floor(found["y"]))
    return ENTRANCES.conform(found[~squares.duplicated()], file="entrances")
