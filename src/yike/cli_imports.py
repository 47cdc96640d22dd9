"""The commands of ``yike import``: each reads one file into one part of a city."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from yike.cli_speech import Speech, progress

if TYPE_CHECKING:
    from yike.model.standard import Standard
    from yike.sources.city_parts import ImportSummary
    from yike.sources.reading_plan import ReadingPlan

# The help of these is the key of a text; `_spoken` says it in the run's language.
File = Annotated[Path, typer.Argument(metavar="FILE", help="import.file")]
CityFolder = Annotated[Path, typer.Option("--city", metavar="DIR", help="import.city")]
Layer = Annotated[str | None, typer.Option("--layer", "--sheet", help="import.layer")]
Encoding = Annotated[str | None, typer.Option(help="import.encoding")]
HeaderRow = Annotated[list[int] | None, typer.Option(help="import.header_row")]
PointsIn = Annotated[str | None, typer.Option("--crs-of-points", help="import.crs_of_points")]
Words = Annotated[Path | None, typer.Option("--mapping", help="import.mapping")]
PlanOnly = Annotated[bool, typer.Option("--plan", help="import.plan")]
SavePlan = Annotated[bool, typer.Option("--save-plan", help="import.save_plan")]
NewPlan = Annotated[bool, typer.Option("--new-plan", help="import.new_plan")]
Licence = Annotated[str, typer.Option(help="import.licence")]
Date = Annotated[str, typer.Option(help="import.date")]
BadRows = Annotated[str, typer.Option(help="import.bad_rows")]


def add_import_commands(app: typer.Typer, speech: Speech) -> None:
    """Add the commands to the tree, in the run's language."""
    spoken = _spoken(speech)
    for add in (_add_streets, _add_facilities, _add_population, _add_units, _add_grid, _add_candidates):
        add(app, speech, spoken)


def _spoken(speech: Speech) -> type[TyperCommand]:
    class Spoken(TyperCommand):
        """Say the help of each parameter in the run's language."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            for parameter in self.params:
                key = getattr(parameter, "help", None)
                if key and " " not in key:
                    parameter.help = speech.say(key)  # type: ignore[attr-defined]

    return Spoken


def _add_streets(app: typer.Typer, speech: Speech, spoken: type[TyperCommand]) -> None:
    @app.command("streets", help=speech.say("import.streets.help"), cls=spoken)
    def streets(
        file: File,
        city: CityFolder,
        mode: Annotated[list[str] | None, typer.Option(help="import.mode")] = None,
        crs: Annotated[str | None, typer.Option(help="import.crs")] = None,
        title: Annotated[str | None, typer.Option(help="import.title")] = None,
        boundary: Annotated[Path | None, typer.Option(help="import.boundary")] = None,
        class_column: Annotated[str | None, typer.Option(help="import.class_column")] = None,
        layer: Layer = None,
        licence: Licence = "",
        date: Date = "",
        bad_rows: BadRows = "refuse",
    ) -> None:
        from yike.sources.city_parts import MODES, import_streets

        with progress(speech, speech.say("import.working", file=file.name)):
            done = import_streets(
                file, city=city, modes=mode or MODES, crs=crs, title=title, boundary=boundary, class_column=class_column,
                layer=layer, licence=licence, date=date, on_bad_rows=bad_rows,
            )  # fmt: skip
        _tell_import(speech, file, done)


def _add_facilities(app: typer.Typer, speech: Speech, spoken: type[TyperCommand]) -> None:
    @app.command("facilities", help=speech.say("import.facilities.help"), cls=spoken)
    def facilities(
        file: File,
        city: CityFolder,
        standard: Annotated[str, typer.Option(help="standard.option")] = "pudong-2021",
        class_id: Annotated[str | None, typer.Option("--class", help="import.class")] = None,
        count_column: Annotated[str | None, typer.Option(help="import.count_column")] = None,
        complete_for: Annotated[list[str] | None, typer.Option(help="import.complete_for")] = None,
        layer: Layer = None,
        encoding: Encoding = None,
        header_row: HeaderRow = None,
        crs_of_points: PointsIn = None,
        mapping: Words = None,
        plan: PlanOnly = False,
        save_plan: SavePlan = False,
        new_plan: NewPlan = False,
        licence: Licence = "",
        date: Date = "",
        bad_rows: BadRows = "refuse",
    ) -> None:
        from yike.model.standard import load_standard
        from yike.sources.city_parts import import_facilities

        stated = _stated(layer, encoding, header_row, crs_of_points, mapping, new_plan)
        if plan or save_plan:
            _show_plan(
                speech, "facilities", file, city, replace(stated, class_id=class_id, count_column=count_column),
                save=save_plan, standard=load_standard(standard),
            )  # fmt: skip
            return
        with progress(speech, speech.say("import.working", file=file.name)):
            done = import_facilities(
                file, city=city, standard=load_standard(standard), class_id=class_id, count_column=count_column,
                complete_for=complete_for or (), plan=stated, licence=licence, date=date, on_bad_rows=bad_rows,
            )  # fmt: skip
        _tell_import(speech, file, done)


def _add_population(app: typer.Typer, speech: Speech, spoken: type[TyperCommand]) -> None:
    @app.command("population", help=speech.say("import.population.help"), cls=spoken)
    def population(
        file: File,
        city: CityFolder,
        rounding: Annotated[str | None, typer.Option(help="import.rounding")] = None,
        by: Annotated[str | None, typer.Option(help="import.by")] = None,
        weights: Annotated[Path | None, typer.Option(help="import.weights")] = None,
        forecast: Annotated[int | None, typer.Option(help="import.forecast")] = None,
        band: Annotated[int | None, typer.Option(help="import.band")] = None,
        layer: Layer = None,
        encoding: Encoding = None,
        header_row: HeaderRow = None,
        crs_of_points: PointsIn = None,
        mapping: Words = None,
        plan: PlanOnly = False,
        save_plan: SavePlan = False,
        new_plan: NewPlan = False,
        licence: Licence = "",
        date: Date = "",
        bad_rows: BadRows = "refuse",
    ) -> None:
        from yike.sources.resident_totals import import_residents

        stated = _stated(layer, encoding, header_row, crs_of_points, mapping, new_plan)
        if plan or save_plan:
            _show_plan(speech, "population", file, city, replace(stated, rounding=rounding), save=save_plan)
            return
        with progress(speech, speech.say("import.working", file=file.name)):
            done = import_residents(
                file, city=city, by=by, weights=weights, forecast=forecast, band=band, rounding=rounding, plan=stated,
                licence=licence, date=date, on_bad_rows=bad_rows,
            )  # fmt: skip
        _tell_import(speech, file, done)


def _add_units(app: typer.Typer, speech: Speech, spoken: type[TyperCommand]) -> None:
    @app.command("units", help=speech.say("import.units.help"), cls=spoken)
    def units(
        file: File,
        city: CityFolder,
        centres: Annotated[Path | None, typer.Option(help="import.centres")] = None,
        layer: Layer = None,
        encoding: Encoding = None,
        header_row: HeaderRow = None,
        crs_of_points: PointsIn = None,
        mapping: Words = None,
        plan: PlanOnly = False,
        save_plan: SavePlan = False,
        new_plan: NewPlan = False,
        licence: Licence = "",
        date: Date = "",
        bad_rows: BadRows = "refuse",
    ) -> None:
        from yike.sources.city_parts import import_units

        stated = _stated(layer, encoding, header_row, crs_of_points, mapping, new_plan)
        if plan or save_plan:
            _show_plan(speech, "units", file, city, stated, save=save_plan, centres=centres)
            return
        with progress(speech, speech.say("import.working", file=file.name)):
            done = import_units(file, city=city, centres=centres, plan=stated, licence=licence, date=date, on_bad_rows=bad_rows)
        _tell_import(speech, file, done)


def _add_grid(app: typer.Typer, speech: Speech, spoken: type[TyperCommand]) -> None:
    @app.command("grid", help=speech.say("import.grid.help"), cls=spoken)
    def grid(city: CityFolder, size: Annotated[float, typer.Option(help="import.grid.size")] = 1000.0) -> None:
        from yike.sources.city_parts import import_grid

        with progress(speech, speech.say("import.working", file="grid")):
            done = import_grid(city=city, size_m=size)
        _tell_import(speech, Path("grid"), done)


def _add_candidates(app: typer.Typer, speech: Speech, spoken: type[TyperCommand]) -> None:
    @app.command("candidates", help=speech.say("import.candidates.help"), cls=spoken)
    def candidates(
        file: File,
        city: CityFolder,
        layer: Layer = None,
        encoding: Encoding = None,
        header_row: HeaderRow = None,
        crs_of_points: PointsIn = None,
        mapping: Words = None,
        plan: PlanOnly = False,
        save_plan: SavePlan = False,
        new_plan: NewPlan = False,
        licence: Licence = "",
        date: Date = "",
        bad_rows: BadRows = "refuse",
    ) -> None:
        from yike.sources.city_parts import import_candidates

        stated = _stated(layer, encoding, header_row, crs_of_points, mapping, new_plan)
        if plan or save_plan:
            _show_plan(speech, "candidates", file, city, stated, save=save_plan)
            return
        with progress(speech, speech.say("import.working", file=file.name)):
            done = import_candidates(file, city=city, plan=stated, licence=licence, date=date, on_bad_rows=bad_rows)
        _tell_import(speech, file, done)


def _stated(
    layer: str | None, encoding: str | None, header_row: list[int] | None, points_in: str | None, words: Path | None, fresh: bool
) -> "ReadingPlan":
    from yike.sources.column_words import read_words
    from yike.sources.reading_plan import ReadingPlan

    rows = tuple(header_row) if header_row else None
    content = {} if words is None else read_words(words)
    return ReadingPlan(layer=layer, encoding=encoding, header_rows=rows, points_in=points_in, words=content, fresh=fresh)


def _show_plan(
    speech: Speech,
    part: str,
    file: Path,
    city: Path,
    plan: "ReadingPlan",
    *,
    save: bool,
    standard: "Standard | None" = None,
    centres: Path | None = None,
) -> None:
    from yike.sources.import_preview import preview_import

    with progress(speech, speech.say("import.working", file=file.name)):
        preview = preview_import(part, file, city=city, plan=plan, standard=standard, centres=centres, save=save)
    speech.tell(preview.words(speech.lang), preview.facts(speech.lang))


def _tell_import(speech: Speech, file: Path, done: "ImportSummary") -> None:
    facts: dict[str, object] = {
        "file": file,
        "read": done.rows_read,
        "kept": done.rows_kept,
        "left_out": done.rows_left_out,
        "hash": done.city_hash,
    }
    words = [speech.say("import.done", **(facts | {"file": file.name}))]
    words += [fault.words(speech.lang) for fault in done.faults]
    words += _notes_in(done.notes, speech.lang)
    if done.bad_rows_file is not None:
        words.append(speech.say("import.bad_rows_file", file=done.bad_rows_file))
    facts |= {"plan": done.plan_file, "bad_rows": done.bad_rows_file}
    speech.tell(words, facts | {"faults": [fault.words(speech.lang) for fault in done.faults], "notes": list(done.notes)})


def _notes_in(notes: Sequence[str], lang: str) -> list[str]:
    from yike.sources.notes import say_notes

    return [say_notes(each, lang) for each in notes]
