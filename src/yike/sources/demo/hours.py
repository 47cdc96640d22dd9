"""Opening hours as 168-bit masks: bit 0 is the hour from Monday 00:00, the most significant bit of the first hex digit."""

from __future__ import annotations

from collections.abc import Iterable

from yike.model.tables import WEEK_HOURS

NO_HOURS = "0" * (WEEK_HOURS // 4)
ALL_HOURS = "f" * (WEEK_HOURS // 4)
EVERY_DAY = range(7)
WORKDAYS = range(5)


def mask(days: Iterable[int], first: int, last: int) -> str:
    """Return the mask that is open on ``days`` (0 = Monday) from hour ``first`` up to, not including, ``last``."""
    bits = 0
    for day in days:
        for hour in range(first, last):
            bits |= 1 << (WEEK_HOURS - 1 - (24 * day + hour))
    return f"{bits:0{WEEK_HOURS // 4}x}"


PATTERNS = {
    "always": ALL_HOURS,
    "school": mask(WORKDAYS, 7, 17),
    "nursery": mask(WORKDAYS, 7, 18),
    "office": mask(WORKDAYS, 9, 17),
    "clinic": mask(EVERY_DAY, 8, 17),
    "market": mask(EVERY_DAY, 6, 19),
    "shop": mask(EVERY_DAY, 7, 22),
    "canteen": mask(EVERY_DAY, 10, 18),
    "club": mask(EVERY_DAY, 9, 20),
    "day": mask(EVERY_DAY, 8, 18),
    "park": mask(EVERY_DAY, 5, 21),
    "transit": mask(EVERY_DAY, 5, 23),
}
