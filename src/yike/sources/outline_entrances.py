"""Entrances of places with extent where nobody mapped any: where their outline meets a street."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from yike.model.network import StreetNetwork
from yike.model.tables import ENTRANCES

KIND = "outline"
SAME_PLACE_M = 1.0


def find_outline_entrances(facilities: pd.DataFrame, network: StreetNetwork) -> pd.DataFrame:
    """Return rows of the table `entrances` for the facilities with an outline that a street of the network crosses or touches.

    A street that runs along the outline gives the middle of the shared stretch. Bridges and tunnels give none. Entrances of one
    facility within 1 m of another count once.
    """
    drawn = facilities[~shapely.is_missing(facilities["outline"].to_numpy(object))]
    streets = network.shapes()[network.attachable]
    borders = shapely.boundary(drawn["outline"].to_numpy(object))
    place, street = shapely.STRtree(streets).query(borders, predicate="intersects")
    met = shapely.intersection(borders[place], streets[street])
    parts, pair = shapely.get_parts(met, return_index=True)
    stretch = shapely.get_type_id(parts) == 1
    parts[stretch] = shapely.line_interpolate_point(parts[stretch], 0.5, normalized=True)
    xy = shapely.get_coordinates(parts)
    found = pd.DataFrame({"facility_id": drawn["facility_id"].to_numpy(object)[place[pair]], "x": xy[:, 0], "y": xy[:, 1]})
    cell = np.floor(xy / SAME_PLACE_M)
    found = found.assign(kind=KIND, column=cell[:, 0], row=cell[:, 1]).sort_values(["facility_id", "x", "y"])
    found = found.drop_duplicates(["facility_id", "column", "row"]).drop(columns=["column", "row"])
    return ENTRANCES.conform(found, file="entrances")
