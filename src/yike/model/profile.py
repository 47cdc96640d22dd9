"""Travel profiles: how fast people move, what delays them, which streets they use. All of it data, none of it code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from yike.errors import YikeError
from yike.model.requirement import Bound, Figure, Names, Source, noun_hash
from yike.model.requirement_yaml import Known, read_figure, read_names, read_sources
from yike.model.yaml_checked import Node, Sheet, compose, join, label, read_text

NETWORKS = ("walk", "walk_step_free", "cycle", "car")
PROFILE_BOUNDS: Mapping[str, Bound] = {
    "speed_m_s": Bound("m/s", 0.1, 40),
    "top_speed_m_s": Bound("m/s", 0.1, 40),
    "signal_s": Bound("s", 0, 600),
    "marked_crossing_s": Bound("s", 0, 600),
    "steps_factor": Bound("1", 1, 20),
    "connection_limit_m": Bound("m", 1, 5000),
}
_MAY_BE_NULL = ("steps_factor",)


@dataclass(frozen=True)
class Profile:
    """Hold one way of moving.

    speed_m_s           speed along a street [m/s]
    top_speed_m_s       speed that no part of a way exceeds [m/s]: bounds how far a limit can reach
    signal_s            mean wait at a crossing with signals [s]
    marked_crossing_s   mean wait at a marked crossing without signals [s]
    steps_factor        time on steps over time on the same length of street [1]; null: steps are no way for this profile
    connection_limit_m  a point farther than this from every street is unconnected [m]
    """

    id: str
    names: Names
    network: str
    speed_m_s: Figure
    top_speed_m_s: Figure
    signal_s: Figure
    marked_crossing_s: Figure
    steps_factor: Figure
    connection_limit_m: Figure

    def number(self, name: str) -> float:
        """Return the plain value of one of the figures.

        Raises:
            YikeError: the figure is null.
        """
        figure = getattr(self, name)
        if not isinstance(figure, Figure) or figure.value is None:
            raise YikeError(f"travel profile {self.id} gives no {name}")
        return figure.value

    @property
    def takes_steps(self) -> bool:
        """Tell whether steps are a way for this profile."""
        return self.steps_factor.value is not None

    @cached_property
    def hash(self) -> str:
        """Return the SHA-256 of the profile's content."""
        return noun_hash(self)


def load_profiles(path: Path | None = None) -> dict[str, Profile]:
    """Load the travel profiles by id: those of the package, or those of a planner's own file of the same form.

    Raises:
        InputError: the file has faults; every one is named with its line.
    """
    return _read_file(path)[0]


def profile_sources(path: Path | None = None) -> tuple[Source, ...]:
    """List the documents that the figures of the travel profiles refer to.

    Raises:
        InputError: the file has faults; every one is named with its line.
    """
    return _read_file(path)[1]


def packaged_text(name: str) -> str:
    """Read a YAML file of the package's `standards` folder by its name without ending."""
    from importlib.resources import files

    return files("yike").joinpath("standards", f"{name}.yaml").read_text(encoding="utf-8")


def _read_file(path: Path | None) -> tuple[dict[str, Profile], tuple[Source, ...]]:
    text = packaged_text("profiles") if path is None else read_text(path)
    sheet = Sheet("profiles.yaml" if path is None else str(path))
    root = compose(text, file=sheet.file, trusted=path is None)
    required = ("sources", "longest_signal_wait_s", "profiles")
    top = sheet.entries(root, "", known=("id", "version", *required), required=required)
    sources = read_sources(sheet, top.get("sources"))
    known = Known(frozenset(source.key for source in sources))
    profiles: dict[str, Profile] = {}
    for item in sheet.items(top["profiles"], "profiles") if "profiles" in top else []:
        profile = _read_profile(sheet, item, known)
        if profile is not None and profile.id in profiles:
            sheet.fault("standard.repeated_id", item, join("profiles", profile.id), id=profile.id)
        if profile is not None:
            profiles[profile.id] = profile
            _check_waits(sheet, item, profile, top.get("longest_signal_wait_s"), known)
    sheet.refuse_faults()
    return profiles, sources


def _read_profile(sheet: Sheet, node: Node, known: Known) -> Profile | None:
    required = ("id", "names", "network", *PROFILE_BOUNDS)
    entries = sheet.entries(node, label(node, "profiles", "id"), known=required, required=required)
    if len(entries) < len(required):
        return None
    profile_id = sheet.id_word(entries["id"], "profiles.id")
    path = join("profiles", profile_id)
    figures = {
        name: read_figure(sheet, entries[name], join(path, name), known, bound=bound) for name, bound in PROFILE_BOUNDS.items()
    }
    for name, figure in figures.items():
        if figure.value is None and name not in _MAY_BE_NULL:
            sheet.fault("standard.number_needed", entries[name], join(path, name))
    return Profile(
        id=profile_id,
        names=read_names(sheet, entries["names"], join(path, "names")),
        network=sheet.choice(entries["network"], join(path, "network"), among=NETWORKS) or NETWORKS[0],
        **figures,
    )


def _check_waits(sheet: Sheet, node: Node, profile: Profile, longest_node: Node | None, known: Known) -> None:
    """Note a mean wait above the longest one that signals may cause, and a top speed below the speed."""
    path = join("profiles", profile.id)
    if longest_node is not None:
        bound = PROFILE_BOUNDS["signal_s"]
        longest = read_figure(sheet, longest_node, "longest_signal_wait_s", known, bound=bound).value
        wait = profile.signal_s.value
        if longest is not None and wait is not None and wait > longest:
            values = {"value": f"{wait:g}", "least": "0", "most": f"{longest:g}"}
            sheet.fault("standard.out_of_range", node, join(path, "signal_s"), unit="s", **values)
    speed, top = profile.speed_m_s.value, profile.top_speed_m_s.value
    if speed is not None and top is not None and top < speed:
        sheet.fault("standard.top_speed_below_speed", node, join(path, "top_speed_m_s"), value=top, speed=speed)
