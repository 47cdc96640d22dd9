"""The command line: each command a few lines over the functions that Python users call.

Exit code 0: done; 1: it ran and found failures it was asked to gate on; 2: bad input. ``--lang zh|en`` and ``--json`` may stand
anywhere on the line. Heavy libraries are loaded inside the commands, so that help answers at once.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yike import __version__
from yike.errors import Fault, InputError, YikeError
from yike.texts import languages, text

if TYPE_CHECKING:
    from yike.sources.city_parts import ImportSummary

GATED = 1
BAD_INPUT = 2
_ENVIRONMENT = "YIKE_LANG"


@dataclass
class Speech:
    """Hold how the run speaks: language, and JSON for machines instead of words."""

    lang: str
    as_json: bool

    def say(self, key: str, **values: object) -> str:
        """Return the words of a ``cli.`` text."""
        return text(f"cli.{key}", self.lang, **values)

    def tell(self, words: Sequence[str], facts: Mapping[str, object]) -> None:
        """Print the words, or the facts as one JSON object."""
        if self.as_json:
            typer.echo(json.dumps(facts, ensure_ascii=False, default=str))
        else:
            for line in words:
                typer.echo(line)


def _speech(arguments: list[str]) -> Speech:
    """Take ``--lang`` and ``--json`` out of the arguments, wherever they stand."""
    lang = os.environ.get(_ENVIRONMENT, "zh" if os.environ.get("LANG", "").startswith("zh") else "en")
    rest: list[str] = []
    given = iter(arguments)
    as_json = False
    for argument in given:
        if argument == "--json":
            as_json = True
        elif argument == "--lang":
            lang = next(given, "")
        elif argument.startswith("--lang="):
            lang = argument.partition("=")[2]
        else:
            rest.append(argument)
    arguments[:] = rest
    if lang not in languages():
        values = {"thing": "language", "name": lang, "known": ", ".join(languages())}
        raise InputError([Fault("name.unknown", "yike", field="--lang", values=values)])
    return Speech(lang, as_json)


def build_app(speech: Speech) -> typer.Typer:
    """Make the command tree in a language."""
    app = typer.Typer(help=speech.say("help"), no_args_is_help=True, add_completion=False, rich_markup_mode=None)
    imports = typer.Typer(help=speech.say("import.help"), no_args_is_help=True)
    standards = typer.Typer(help=speech.say("standards.help"), no_args_is_help=True)
    app.add_typer(imports, name="import")
    app.add_typer(standards, name="standards")
    _add_city_commands(app, speech)
    _add_result_commands(app, speech)
    _add_import_commands(imports, speech)
    _add_standard_commands(standards, speech)

    def tell_version(asked: bool) -> None:
        if asked:
            typer.echo(__version__)
            raise typer.Exit

    @app.callback()
    def _options(
        version: Annotated[
            bool, typer.Option("--version", help=speech.say("version.help"), is_eager=True, callback=tell_version)
        ] = False,
        lang: Annotated[str, typer.Option("--lang", help=speech.say("lang.help"))] = speech.lang,
        as_json: Annotated[bool, typer.Option("--json", help=speech.say("json.help"))] = False,
    ) -> None:
        """Take the options that stand before a command; language and form were read already."""

    return app


def _add_city_commands(app: typer.Typer, speech: Speech) -> None:
    Folder = Annotated[Path, typer.Argument(metavar="DIR", help=speech.say("city.argument"))]

    @app.command("demo", help=speech.say("demo.help"))
    def demo(folder: Folder) -> None:
        from yike.sources.demo import demo_city

        with _progress(speech, speech.say("demo.working")):
            city = demo_city()
            city.save(folder)
        facts = {"folder": folder, "hash": city.hash, "units": len(city.units), "residents": int(city.demand["residents"].sum())}
        speech.tell([speech.say("demo.done", **facts)], facts)

    @app.command("check", help=speech.say("check.help"))
    def check(folder: Folder) -> None:
        from yike.analysis.quality import WARNING, check_city
        from yike.model.city import City, stored_hash

        lines = check_city(City.load(folder), stated_hash=stored_hash(folder))
        facts = {"lines": [{"level": line.level, "code": line.code, "values": dict(line.values)} for line in lines]}
        speech.tell([line.words(speech.lang) for line in lines], facts)
        if any(line.level == WARNING and line.code == "hash_differs" for line in lines):
            raise typer.Exit(GATED)

    @app.command("units", help=speech.say("units.help"))
    def units(folder: Folder, profile: Annotated[str, typer.Option(help=speech.say("profile.option"))] = "adult") -> None:
        from yike.analysis.units import grow_units
        from yike.model.city import City

        with _progress(speech, speech.say("units.working")):
            city = grow_units(City.load(folder, check=True), profile=profile)
            city.save(folder)
        facts = {"units": len(city.units), "hash": city.hash, "folder": folder}
        speech.tell([speech.say("units.done", **facts)], facts)

    @app.command("circles", help=speech.say("circles.help"))
    def circles(
        folder: Folder,
        out: Annotated[Path, typer.Option("-o", "--out", help=speech.say("circles.out"))],
        profile: Annotated[str, typer.Option(help=speech.say("profile.option"))] = "adult",
        minutes: Annotated[list[int] | None, typer.Option(help=speech.say("circles.minutes"))] = None,
    ) -> None:
        from yike.reports.circles_file import write_circles

        with _progress(speech, speech.say("circles.working")):
            count = write_circles(folder, out, profile=profile, minutes=tuple(minutes or (5, 10, 15)))
        facts = {"circles": count, "out": out}
        speech.tell([speech.say("circles.done", **facts)], facts)


def _add_result_commands(app: typer.Typer, speech: Speech) -> None:
    CityFolder = Annotated[Path, typer.Argument(metavar="DIR", help=speech.say("city.argument"))]
    Out = Annotated[Path, typer.Argument(metavar="OUT", help=speech.say("out.argument"))]

    @app.command("diagnose", help=speech.say("diagnose.help"))
    def diagnose(
        folder: CityFolder,
        out: Annotated[Path, typer.Option("-o", "--out", help=speech.say("diagnose.out"))],
        standard: Annotated[str, typer.Option(help=speech.say("standard.option"))] = "pudong-2021",
        zone: Annotated[str, typer.Option(help=speech.say("diagnose.zone"))] = "",
        horizon_min: Annotated[float, typer.Option(help=speech.say("diagnose.horizon"))] = 60.0,
        explain: Annotated[str, typer.Option(help=speech.say("diagnose.explain"))] = "all",
        report: Annotated[bool, typer.Option(help=speech.say("diagnose.report"))] = True,
        fail_under: Annotated[float | None, typer.Option(help=speech.say("diagnose.fail_under"))] = None,
    ) -> None:
        from yike.reports.result import diagnose_folder, gate, summary

        with _progress(speech, speech.say("diagnose.working")) as tell:
            diagnosis = diagnose_folder(
                folder, standard, out, zone=zone, horizon_s=60 * horizon_min, explain=explain, report=report, on_progress=tell
            )
        words, facts = summary(diagnosis, out, lang=speech.lang, report=report)
        speech.tell(words, facts)
        if fail_under is not None and not gate(diagnosis, fail_under):
            raise typer.Exit(GATED)

    @app.command("report", help=speech.say("report.help"))
    def report(out: Out) -> None:
        from yike.reports.result import write_reports

        with _progress(speech, speech.say("report.working")):
            paths = write_reports(out)
        speech.tell([str(path) for path in paths], {"reports": paths})

    @app.command("replay", help=speech.say("replay.help"))
    def replay(
        evidence: Annotated[Path, typer.Argument(metavar="EVIDENCE", help=speech.say("replay.argument"))],
        city: Annotated[Path | None, typer.Option(help=speech.say("replay.city"))] = None,
    ) -> None:
        from yike.reports.evidence import replay as repeat

        with _progress(speech, speech.say("replay.working")) as tell:
            diagnosis = repeat(evidence, city=city, on_progress=tell)
        facts = {"result_hash": diagnosis.hash(), "equal": True}
        speech.tell([speech.say("replay.done", **facts)], facts)


def _add_import_commands(app: typer.Typer, speech: Speech) -> None:
    File = Annotated[Path, typer.Argument(metavar="FILE", help=speech.say("import.file"))]
    CityFolder = Annotated[Path, typer.Option("--city", metavar="DIR", help=speech.say("import.city"))]
    Layer = Annotated[str | None, typer.Option(help=speech.say("import.layer"))]
    Licence = Annotated[str, typer.Option(help=speech.say("import.licence"))]
    Date = Annotated[str, typer.Option(help=speech.say("import.date"))]
    BadRows = Annotated[str, typer.Option(help=speech.say("import.bad_rows"))]

    @app.command("streets", help=speech.say("import.streets.help"))
    def streets(
        file: File,
        city: CityFolder,
        mode: Annotated[list[str] | None, typer.Option(help=speech.say("import.mode"))] = None,
        crs: Annotated[str | None, typer.Option(help=speech.say("import.crs"))] = None,
        title: Annotated[str | None, typer.Option(help=speech.say("import.title"))] = None,
        boundary: Annotated[Path | None, typer.Option(help=speech.say("import.boundary"))] = None,
        class_column: Annotated[str | None, typer.Option(help=speech.say("import.class_column"))] = None,
        layer: Layer = None,
        licence: Licence = "",
        date: Date = "",
        bad_rows: BadRows = "refuse",
    ) -> None:
        from yike.sources.city_parts import MODES, import_streets

        with _progress(speech, speech.say("import.working", file=file.name)):
            done = import_streets(
                file, city=city, modes=mode or MODES, crs=crs, title=title, boundary=boundary, class_column=class_column,
                layer=layer, licence=licence, date=date, on_bad_rows=bad_rows,
            )  # fmt: skip
        _tell_import(speech, file, done)

    @app.command("facilities", help=speech.say("import.facilities.help"))
    def facilities(
        file: File,
        city: CityFolder,
        standard: Annotated[str, typer.Option(help=speech.say("standard.option"))] = "pudong-2021",
        class_id: Annotated[str | None, typer.Option("--class", help=speech.say("import.class"))] = None,
        count_column: Annotated[str | None, typer.Option(help=speech.say("import.count_column"))] = None,
        complete_for: Annotated[list[str] | None, typer.Option(help=speech.say("import.complete_for"))] = None,
        layer: Layer = None,
        licence: Licence = "",
        date: Date = "",
        bad_rows: BadRows = "refuse",
    ) -> None:
        from yike.model.standard import load_standard
        from yike.sources.city_parts import import_facilities

        with _progress(speech, speech.say("import.working", file=file.name)):
            done = import_facilities(
                file, city=city, standard=load_standard(standard), class_id=class_id, count_column=count_column,
                complete_for=complete_for or (), layer=layer, licence=licence, date=date, on_bad_rows=bad_rows,
            )  # fmt: skip
        _tell_import(speech, file, done)

    @app.command("population", help=speech.say("import.population.help"))
    def population(
        file: File,
        city: CityFolder,
        rounding: Annotated[str, typer.Option(help=speech.say("import.rounding"))] = "refuse",
        layer: Layer = None,
        licence: Licence = "",
        date: Date = "",
        bad_rows: BadRows = "refuse",
    ) -> None:
        from yike.sources.city_parts import import_population

        with _progress(speech, speech.say("import.working", file=file.name)):
            done = import_population(
                file, city=city, rounding=rounding, layer=layer, licence=licence, date=date, on_bad_rows=bad_rows
            )
        _tell_import(speech, file, done)

    @app.command("units", help=speech.say("import.units.help"))
    def units(
        file: File,
        city: CityFolder,
        centres: Annotated[Path | None, typer.Option(help=speech.say("import.centres"))] = None,
        layer: Layer = None,
        licence: Licence = "",
        date: Date = "",
        bad_rows: BadRows = "refuse",
    ) -> None:
        from yike.sources.city_parts import import_units

        with _progress(speech, speech.say("import.working", file=file.name)):
            done = import_units(file, city=city, centres=centres, layer=layer, licence=licence, date=date, on_bad_rows=bad_rows)
        _tell_import(speech, file, done)

    @app.command("candidates", help=speech.say("import.candidates.help"))
    def candidates(
        file: File, city: CityFolder, layer: Layer = None, licence: Licence = "", date: Date = "", bad_rows: BadRows = "refuse"
    ) -> None:
        from yike.sources.city_parts import import_candidates

        with _progress(speech, speech.say("import.working", file=file.name)):
            done = import_candidates(file, city=city, layer=layer, licence=licence, date=date, on_bad_rows=bad_rows)
        _tell_import(speech, file, done)


def _add_standard_commands(app: typer.Typer, speech: Speech) -> None:
    Name = Annotated[str, typer.Argument(metavar="ID|FILE", help=speech.say("standards.argument"))]

    @app.command("list", help=speech.say("standards.list.help"))
    def list_() -> None:
        from yike.model.standard import list_standards

        known = list_standards()
        words = [
            speech.say(
                "standards.line", id=each.id, title=each.title.say(speech.lang), fields=each.field_count, classes=each.class_count
            )
            for each in known
        ]
        facts = [{"id": each.id, "version": each.version, "classes": each.class_count, "hash": each.hash} for each in known]
        speech.tell(words, {"standards": facts})

    @app.command("show", help=speech.say("standards.show.help"))
    def show(name: Name) -> None:
        from yike.model.standard import load_standard
        from yike.model.standard_rows import standard_rows

        standard = load_standard(name)
        rows = standard_rows(standard, speech.lang)
        if speech.as_json:
            speech.tell([], {"id": standard.id, "hash": standard.hash, "rows": rows})
        else:
            _print_standard(standard.title.say(speech.lang), rows, speech)

    @app.command("validate", help=speech.say("standards.validate.help"))
    def validate(name: Name) -> None:
        from yike.model.standard import load_standard

        standard = load_standard(name)
        facts = {"id": standard.id, "fields": len(standard.fields), "classes": len(standard.classes), "hash": standard.hash}
        speech.tell([speech.say("standards.valid", **facts)], facts)


def _print_standard(title: str, rows: Sequence[Mapping[str, object]], speech: Speech) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    columns = ("field", "class", "words", "status_words", "source")
    for column in columns:
        table.add_column(speech.say(f"standards.column.{column}"), overflow="fold")
    for row in rows:
        table.add_row(*(str(row[column] or "") for column in columns))
    Console().print(table)


def _tell_import(speech: Speech, file: Path, done: "ImportSummary") -> None:
    words = [
        speech.say(
            "import.done",
            file=file.name,
            read=done.rows_read,
            kept=done.rows_kept,
            left_out=done.rows_left_out,
            hash=done.city_hash,
        )
    ]
    words += [fault.words(speech.lang) for fault in done.faults]
    words += _notes_in(done.notes, speech.lang)
    facts = {"file": file, "read": done.rows_read, "kept": done.rows_kept, "left_out": done.rows_left_out, "hash": done.city_hash}
    speech.tell(words, facts | {"faults": [fault.words(speech.lang) for fault in done.faults], "notes": list(done.notes)})


def _notes_in(notes: Sequence[str], lang: str) -> list[str]:
    from yike.sources.notes import say_notes

    return [say_notes(each, lang) for each in notes]


@contextmanager
def _progress(speech: Speech, words: str) -> Iterator[Callable[[str, float], None]]:
    """Show a bar on a terminal, nothing in a pipe; yields what the work calls with its step and the share done."""
    if speech.as_json or not sys.stderr.isatty():
        yield lambda step, share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(words, total=None)

        def tell(step: str, share: float) -> None:
            bar.update(task, total=1.0, completed=share)

        yield tell


def main() -> None:
    """Run the command line and exit with its code; errors go to stderr, one line each."""
    arguments = sys.argv[1:]
    lang = "en"
    try:
        speech = _speech(arguments)
        lang = speech.lang
        build_app(speech)(args=arguments, prog_name="yike")
    except YikeError as error:
        typer.echo(error.words(lang), err=True)
        raise SystemExit(error.exit_code) from None
    except BrokenPipeError:
        raise SystemExit(GATED) from None
    except KeyboardInterrupt:
        typer.echo(text("cli.stopped", lang), err=True)
        raise SystemExit(130) from None
