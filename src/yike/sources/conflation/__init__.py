"""One facility from several sources: records matched by name, distance, address and class, with reasons and editable decisions.

`conflate` reads tables of records and returns facilities, each with its members: every record ends in exactly one facility.
`decision_sheet` lists the pairs that a person should look at; `compare_years` carries facility ids on to the next import;
`conflate_city` does it for the facilities of a City.
"""

from yike.sources.conflation.city_facilities import conflate_city
from yike.sources.conflation.decisions import decision_sheet, read_decisions, write_decisions
from yike.sources.conflation.whole import Conflation, conflate
from yike.sources.conflation.years import YearChange, compare_years

__all__ = [
    "Conflation",
    "YearChange",
    "compare_years",
    "conflate",
    "conflate_city",
    "decision_sheet",
    "read_decisions",
    "write_decisions",
]
