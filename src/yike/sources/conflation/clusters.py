"""Pairs to facilities: what is linked belongs together, unless a chain would bring two places into one."""

from __future__ import annotations

from collections.abc import Iterable, Set

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from yike.sources.conflation.evidence import in_conflict
from yike.sources.conflation.records import BoolArray, FloatArray, IntArray, Records


def cluster(
    records: Records,
    links: IntArray,
    strength: FloatArray,
    *,
    forced: BoolArray,
    forbidden: Set[tuple[int, int]],
) -> tuple[IntArray, BoolArray]:
    """Return for each row the smallest row of its cluster, and which links were refused.

    ``links`` has shape (n, 2), the smaller row first; the strongest are taken first. A link is refused where it would join a
    pair of ``forbidden`` or two records in conflict (第一 beside 第二, 东校区 beside 西校区, too far apart). ``forced`` links are
    decisions of a person and only yield to ``forbidden``.
    """
    component = np.arange(records.count)
    refused = np.zeros(len(links), bool)
    if not len(links):
        return component, refused
    ones = np.ones(len(links), bool)
    graph = coo_array((ones, (links[:, 0], links[:, 1])), shape=(records.count, records.count))
    _, label = connected_components(graph, directed=False)
    size = np.bincount(label)
    first = np.full(size.size, records.count, np.int64)
    np.minimum.at(first, label, component)
    # A pair that nothing else touches needs no guard: its own evidence was weighed. Larger ones are built link by link.
    simple = size[label[links[:, 0]]] == 2
    forbidden_link = np.array([tuple(link) in forbidden for link in links.tolist()], bool) if forbidden else ~ones
    refused |= forbidden_link
    joined = simple & ~forbidden_link
    component[links[joined, 1]] = first[label[links[joined, 1]]]
    rest = np.flatnonzero(~simple & ~forbidden_link)
    # Ties go by what the records say, so that the order of rows in a file decides nothing.
    says = np.sort(records.fingerprint[links[rest]].astype(str), axis=1)
    order = rest[np.lexsort((says[:, 1], says[:, 0], -strength[rest], ~forced[rest]))]
    members: dict[int, list[int]] = {}
    for row in order.tolist():
        a, b = (int(component[end]) for end in links[row])
        if a == b:
            continue
        one, other = members.setdefault(a, [a]), members.setdefault(b, [b])
        if not _may_join(records, one, other, decided=bool(forced[row]), forbidden=forbidden):
            refused[row] = True
            continue
        keep, gone = min(a, b), max(a, b)
        members[keep] = one + other if keep == a else other + one
        component[members.pop(gone)] = keep
    return component, refused


def _may_join(records: Records, one: Iterable[int], other: list[int], *, decided: bool, forbidden: Set[tuple[int, int]]) -> bool:
    for a in one:
        for b in other:
            if (min(a, b), max(a, b)) in forbidden or (not decided and in_conflict(records, a, b)):
                return False
    return True
