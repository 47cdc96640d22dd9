"""Yike 一刻: 15-minute community life circles, from a street network to a verdict for every neighbourhood.

The names below are the stable surface. Each is loaded when it is first asked for, so that `import yike` and
`yike --help` start at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yike.analysis.circles import circles
    from yike.analysis.diagnosis import diagnose
    from yike.analysis.travel_time import nearest_times, travel_times
    from yike.errors import YikeError
    from yike.model.city import City
    from yike.model.network import StreetNetwork
    from yike.model.standard import Standard
    from yike.sources.osm import read_osm

__version__ = "0.1.0"

__all__ = [
    "City",
    "Standard",
    "StreetNetwork",
    "YikeError",
    "__version__",
    "circles",
    "diagnose",
    "nearest_times",
    "read_osm",
    "travel_times",
]

_HOME = {
    "City": "yike.model.city",
    "Standard": "yike.model.standard",
    "StreetNetwork": "yike.model.network",
    "YikeError": "yike.errors",
    "circles": "yike.analysis.circles",
    "diagnose": "yike.analysis.diagnosis",
    "nearest_times": "yike.analysis.travel_time",
    "read_osm": "yike.sources.osm",
    "travel_times": "yike.analysis.travel_time",
}


def __getattr__(name: str) -> object:
    """Load a public name from its module at first use."""
    if name not in _HOME:
        raise AttributeError(f"module 'yike' has no attribute {name!r}")
    value: object = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted(set(globals()) | set(__all__))
