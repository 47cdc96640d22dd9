"""What speaks for and against two records being one place: reasons with points, added up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from rapidfuzz import fuzz, process

from yike.sources.conflation.records import BoolArray, FloatArray, IntArray, Records
from yike.sources.conflation.rules import conflation_rules, groups, kind_relations
from yike.sources.place_names import UNNAMED_BRANCH, is_part, name_words, shared_lines


@dataclass(eq=False)
class Evidence:
    """Hold candidate pairs with what was found on them.

    ``pairs`` are rows of the records, ``reasons`` for each reason the pairs on which it holds, ``distance_m`` and
    ``name_similarity`` (0 to 100) the measures behind.
    """

    pairs: IntArray
    distance_m: FloatArray
    name_similarity: FloatArray
    reasons: dict[str, BoolArray] = field(default_factory=dict)

    def points(self) -> FloatArray:
        """Add up the points of the reasons of each pair; a veto outweighs all."""
        total = np.zeros(len(self.pairs))
        for reason, weight in conflation_rules()["points"].items():
            if reason in self.reasons:
                total += weight * self.reasons[reason]
        for veto in conflation_rules()["vetoes"]:
            if veto in self.reasons:
                total[self.reasons[veto]] = -np.inf
        return total

    def words(self, rows: IntArray) -> list[str]:
        """Write the reasons of some pairs, joined by blanks."""
        names = list(self.reasons)
        holds = np.column_stack([self.reasons[name][rows] for name in names]) if names else np.empty((len(rows), 0), bool)
        return [" ".join(name for name, held in zip(names, line, strict=True) if held) for line in holds]


def weigh_pairs(records: Records, pairs: IntArray) -> Evidence:
    """Find the reasons on each candidate pair, shape (n, 2)."""
    first, second = pairs[:, 0], pairs[:, 1]
    distance = np.hypot(*(records.xy[first] - records.xy[second]).T) if len(pairs) else np.empty(0)
    found = Evidence(pairs, distance, np.zeros(len(pairs)))
    _vetoes(records, found)
    open_rows = np.flatnonzero(np.isfinite(found.points()))
    _names(records, found, open_rows)
    _distances(found)
    _addresses(records, found, open_rows)
    _branches(records, found, open_rows)
    _same_class_and_phone(records, found)
    return found


def _equal(records: Records, column: str, pairs: IntArray) -> BoolArray:
    codes = records.codes[column]
    out: BoolArray = codes[pairs[:, 0]] == codes[pairs[:, 1]]
    return out


def _vetoes(records: Records, found: Evidence) -> None:
    """Part those of another number, stage or department, whatever else they share: 第一小学 and 第二小学, 门诊 and 住院."""
    pairs = found.pairs
    numbered = [records.codes["ordinals"][pairs[:, side]] > 0 for side in (0, 1)]
    found.reasons["ordinal_other"] = ~_equal(records, "ordinals", pairs) & numbered[0] & numbered[1]
    found.reasons["ordinal_in_one"] = numbered[0] != numbered[1]
    found.reasons["part_other"] = ~_equal(records, "part", pairs)
    apart, loose = kind_relations()
    kinds = {int(code): name.kind for code, name in zip(records.codes["kind"], records.names, strict=True)}
    size = max(kinds, default=0) + 1
    tables = np.zeros((2, size, size), bool)
    for a, kind in kinds.items():
        for b, other in kinds.items():
            tables[0, a, b], tables[1, a, b] = (kind, other) in apart, (kind, other) in loose
    code = records.codes["kind"]
    found.reasons["kind_other"] = tables[0][code[pairs[:, 0]], code[pairs[:, 1]]]
    found.reasons["kind_loose"] = tables[1][code[pairs[:, 0]], code[pairs[:, 1]]]
    directions = frozenset(name_words()["directions"])
    heading = np.array([name.branch if name.branch in directions else "" for name in records.names], object)
    one, other_one = heading[pairs[:, 0]], heading[pairs[:, 1]]
    found.reasons["direction_other"] = (one != other_one) & (one != "") & (other_one != "")


def _option(records: Records, pairs: IntArray, option: str) -> BoolArray:
    having = [name for name, group in groups().items() if getattr(group, option)]
    return np.isin(records.group[pairs[:, 0]].astype(str), having)


def _names(records: Records, found: Evidence, rows: IntArray) -> None:
    limits = conflation_rules()["limits"]
    pairs = found.pairs[rows]
    one = [records.names[row].core for row in pairs[:, 0]]
    other = [records.names[row].core for row in pairs[:, 1]]
    equal = _equal(records, "core", pairs) & (records.codes["core"][pairs[:, 0]] > 0)
    similarity = _similarities(one, other)
    similarity[equal] = 100.0
    alone = _option(records, pairs, "one_per_address")
    contains, continued = _one_in_other(records, pairs, limits["short_core"], alone)
    contains, continued = contains & ~equal, continued & ~equal
    departments = continued & np.array([_goes_on_with_part(a, b) for a, b in zip(one, other, strict=True)], bool)
    found.reasons["part_other"][rows] |= departments
    one_character = np.array([_one_character(a, b) for a, b in zip(one, other, strict=True)], bool)
    one_character &= alone | (similarity > limits["rather_similar"]) | (found.distance_m[rows] <= limits["very_near_m"])
    telling = np.array([_telling_character(a, b) for a, b in zip(one, other, strict=True)], bool)
    one_character &= ~telling
    similar = ~(equal | contains | continued | telling) & (similarity >= limits["similar"])
    rather = alone & ~(equal | contains | continued | similar | one_character | telling)
    rather &= similarity >= limits["rather_similar"]
    unlike = ~(equal | contains | continued | similar | rather | one_character)
    found.name_similarity[rows] = similarity
    found.reasons["name_other_stop"] = np.zeros(len(found.pairs), bool)
    found.reasons["name_other_stop"][rows] = _other_stop(records, pairs, equal, one_character)
    for reason, holds in {
        "name_equal": equal,
        "name_contains": contains,
        "name_continued": continued,
        "name_similar": similar,
        "one_character": one_character & ~equal,
        "name_rather_similar": rather,
        "name_unlike": unlike & ~alone,
        "name_unlike_one_per_address": unlike & alone,
    }.items():
        _mark(found, reason, rows, holds)


def _other_stop(records: Records, pairs: IntArray, equal: BoolArray, one_character: BoolArray) -> BoolArray:
    """Find stops of two names: neither equal, nor one with a road before it, nor spelt alike with a line in common."""
    strict = _option(records, pairs, "strict_name")
    out = np.zeros(len(pairs), bool)
    address = records.table["address"].to_numpy(object)
    for row in np.flatnonzero(strict):
        a, b = pairs[row].tolist()
        one, other = records.names[a], records.names[b]
        if equal[row]:
            out[row] = bool(one.hints and other.hints and one.hints != other.hints)
            continue
        alike = one_character[row] or one.core.endswith(other.core) or other.core.endswith(one.core)
        out[row] = not _road_before(one.core, other.core) and not (alike and shared_lines(address[a], address[b]))
    return out


def _mark(found: Evidence, reason: str, rows: IntArray, holds: BoolArray) -> None:
    marks = found.reasons.setdefault(reason, np.zeros(len(found.pairs), bool))
    marks[rows] = holds


def _similarities(one: Sequence[str], other: Sequence[str]) -> FloatArray:
    if not one:
        return np.empty(0)
    return np.asarray(process.cpdist(one, other, scorer=fuzz.ratio, workers=1), np.float64)


def _one_in_other(records: Records, pairs: IntArray, least: int, alone: BoolArray) -> tuple[BoolArray, BoolArray]:
    """Find pairs where one name stands in the other: as its end or its branch (the first array), or with more behind it.

    What comes before a name is most often a district or a chain; what comes behind is most often a department.
    """
    names = records.names
    held = np.zeros((2, len(pairs)), bool)
    for row, (a, b) in enumerate(pairs.tolist()):
        one, other = names[a], names[b]
        if _contains(one.core, other.core, least):
            short, long = sorted((one.core, other.core), key=len)
            held[int(long.startswith(short) and not alone[row]), row] = True
        elif alone[row]:
            held[0, row] = (len(other.core) >= least and one.branch == other.core) or (
                len(one.core) >= least and other.branch == one.core
            )
    return held[0], held[1]


def _goes_on_with_part(one: str, other: str) -> bool:
    """Tell whether the longer name goes on with a department or a building."""
    short, long = sorted((one, other), key=len)
    return long.startswith(short) and is_part(long.removeprefix(short))


def _contains(one: str, other: str, least: int) -> bool:
    """Tell whether one text stands in the other, at once or with one or two signs put in: 金星村 in 金星中心村."""
    short, long = sorted((one, other), key=len)
    if len(short) < least:
        return False
    if short in long:
        return True
    if len(short) <= least or len(long) - len(short) > 2 or short[0] != long[0] or short[-1] != long[-1]:
        return False
    signs = iter(long)
    return all(sign in signs for sign in short)


def _one_character(one: str, other: str) -> bool:
    return len(one) == len(other) >= 2 and sum(a != b for a, b in zip(one, other, strict=True)) == 1


def _telling_character(one: str, other: str) -> bool:
    """Tell whether two names differ in one sign that tells places apart: 大剧场 and 小剧场."""
    if not _one_character(one, other):
        return False
    signs = next((a, b) for a, b in zip(one, other, strict=True) if a != b)
    return all(sign in name_words()["telling"] or not sign >= "\u4e00" for sign in signs)


def _road_before(one: str, other: str) -> bool:
    """Tell whether one name is the other with its road put before: 虹桥路程家桥 and 程家桥."""
    short, long = sorted((one, other), key=len)
    endings = tuple(name_words()["address"]["road_endings"])
    return len(short) >= 2 and long.endswith(short) and long.removesuffix(short).endswith(endings) and not short.endswith(endings)


def _distances(found: Evidence) -> None:
    limits = conflation_rules()["limits"]
    metres = found.distance_m
    found.reasons["very_near"] = metres <= limits["very_near_m"]
    found.reasons["near"] = (metres > limits["very_near_m"]) & (metres <= limits["near_m"])
    found.reasons["apart"] = (metres > limits["apart_m"]) & (metres <= limits["far_m"])
    found.reasons["far"] = metres > limits["far_m"]


def _lines_shared(records: Records, pairs: IntArray, where: BoolArray) -> BoolArray:
    address = records.table["address"].to_numpy(object)
    out = np.zeros(len(pairs), bool)
    for row in np.flatnonzero(where):
        out[row] = shared_lines(address[pairs[row, 0]], address[pairs[row, 1]])
    return out


def _addresses(records: Records, found: Evidence, rows: IntArray) -> None:
    pairs = found.pairs[rows]
    lines = _option(records, pairs, "lines")
    _mark(found, "shared_line", rows, _lines_shared(records, pairs, lines))
    codes, (first, second) = records.codes, pairs.T
    same_text = _equal(records, "plain", pairs) & (codes["plain"][first] > 0)
    same_road = _same_road(records, pairs) & ~lines
    numbered = (codes["low"][first] > 0) & (codes["low"][second] > 0)
    overlap = (codes["low"][first] <= codes["high"][second]) & (codes["low"][second] <= codes["high"][first])
    gap = np.maximum(codes["low"][first] - codes["high"][second], codes["low"][second] - codes["high"][first])
    vague = (codes["approximate"][first] > 0) | (codes["approximate"][second] > 0)
    equal = (same_road & numbered & overlap) | (same_text & (numbered | ~vague)) | _one_address_in_other(records, pairs)
    equal &= ~lines
    near = same_road & numbered & ~equal & (gap <= conflation_rules()["limits"]["number_near"])
    other_number = same_road & numbered & ~equal & ~near & ~vague
    known = (codes["road"][first] > 0) & (codes["road"][second] > 0)
    other_road = known & ~same_road & ~equal & ~vague & ~lines
    for reason, holds in {
        "name_in_address": _option(records, pairs, "one_per_address") & _name_in_address(records, found, rows),
        "address_equal": equal,
        "address_near": near,
        "address_other_number": other_number,
        "address_other_road": other_road,
    }.items():
        _mark(found, reason, rows, holds)


def _one_address_in_other(records: Records, pairs: IntArray) -> BoolArray:
    """Find addresses that stand whole, with a number, in the other: 韶嘉路21号 in 车站北路韶嘉路21号."""
    out = np.zeros(len(pairs), bool)
    low = records.codes["low"]
    for row in np.flatnonzero((low[pairs[:, 0]] > 0) & (low[pairs[:, 1]] > 0)):
        short, long = sorted((records.addresses[index].plain for index in pairs[row]), key=len)
        out[row] = len(short) >= 5 and long.endswith(short)
    return out


def _name_in_address(records: Records, found: Evidence, rows: IntArray) -> BoolArray:
    """Find pairs of unlike names where the address of one speaks of the other."""
    out = np.zeros(len(rows), bool)
    for row in np.flatnonzero(~found.reasons["name_equal"][rows]):
        for one, other in (found.pairs[rows[row]], found.pairs[rows[row]][::-1]):
            core = records.names[one].core
            out[row] |= len(core) >= 2 and core in records.addresses[other].plain
    return out


def _same_road(records: Records, pairs: IntArray) -> BoolArray:
    """Compare roads; a town's or district's name may stand before one of them."""
    same = _equal(records, "road", pairs) & (records.codes["road"][pairs[:, 0]] > 0)
    known = (records.codes["road"][pairs[:, 0]] > 0) & (records.codes["road"][pairs[:, 1]] > 0)
    for row in np.flatnonzero(known & ~same):
        one, other = (records.addresses[index].road for index in pairs[row])
        same[row] = one.endswith(other) or other.endswith(one)
    return same


def _branches(records: Records, found: Evidence, rows: IntArray) -> None:
    pairs = found.pairs[rows]
    codes = records.codes["branch"]
    involved = (codes[pairs[:, 0]] > 0) | (codes[pairs[:, 1]] > 0)
    marks = {name: np.zeros(len(rows), bool) for name in ("branch_equal", "branch_in_one", "branch_in_address", "branch_other")}
    for row in np.flatnonzero(involved):
        for reason in _branch_reasons(records, *pairs[row].tolist()):
            marks[reason][row] = True
    for reason, holds in marks.items():
        _mark(found, reason, rows, holds)


def _branch_reasons(records: Records, first: int, second: int) -> list[str]:
    one, other = records.names[first].branch, records.names[second].branch
    where_one, where_other = (
        f"{records.addresses[row].plain} {records.names[row].hints} {records.names[row].core}" for row in (first, second)
    )
    if one and other:
        if UNNAMED_BRANCH in (one, other):
            return [] if one == other else ["branch_in_one"]
        if one == other or _contains(one, other, 2):
            return ["branch_equal"]
        return [] if _one_character(one, other) else ["branch_other"]
    named, where = (one, where_other) if one else (other, where_one)
    in_address = named != UNNAMED_BRANCH and len(named) >= 2 and named in where
    return ["branch_in_one", "branch_in_address"] if in_address else ["branch_in_one"]


def _same_class_and_phone(records: Records, found: Evidence) -> None:
    for reason, column in (("class_equal", "class"), ("phone_equal", "phone")):
        codes = records.codes[column][found.pairs[:, 0]]
        found.reasons[reason] = _equal(records, column, found.pairs) & (codes > 0)


def in_conflict(records: Records, first: int, second: int) -> bool:
    """Tell whether two records may not stand in one facility even where others link them: the guard against chains."""
    one, other = records.names[first], records.names[second]
    if one.ordinals and other.ordinals and one.ordinals != other.ordinals:
        return True
    if one.part != other.part or (one.kind, other.kind) in kind_relations()[0]:
        return True
    if one.branch and other.branch and _branch_reasons(records, first, second) == ["branch_other"]:
        return True
    metres = float(np.hypot(*(records.xy[first] - records.xy[second])))
    return metres > groups()[str(records.group[first])].same_name_m
