"""The command line: each command a few lines over the functions that Python users call.

Exit code 0: done; 1: it ran and found failures it was asked to gate on; 2: bad input. ``--lang zh|en`` and ``--json`` may stand
anywhere on the line. Heavy libraries are loaded inside the commands, so that help answers at once.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from yike import __version__
from yike.cli_imports import add_import_commands
from yike.cli_speech import Speech, progress
from yike.errors import Fault, InputError, YikeError
from yike.texts import languages, text

GATED = 1
BAD_INPUT = 2
INTERRUPTED = 130
# What the parser raises for a wrong command line; newer versions of typer bring their own parser, so it is named by kinship.
USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]
_ENVIRONMENT = "YIKE_LANG"


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
    plain: dict[str, Any] = {"add_completion": False, "rich_markup_mode": None, "pretty_exceptions_enable": False}
    app = typer.Typer(help=speech.say("help"), no_args_is_help=True, **plain)
    imports = typer.Typer(help=speech.say("import.help"), no_args_is_help=True)
    standards = typer.Typer(help=speech.say("standards.help"), no_args_is_help=True)
    app.add_typer(imports, name="import")
    app.add_typer(standards, name="standards")
    _add_city_commands(app, speech)
    _add_check(app, speech)
    _add_conflation(app, speech)
    _add_result_commands(app, speech)
    add_import_commands(imports, speech)
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

        with progress(speech, speech.say("demo.working")):
            city = demo_city()
            city.save(folder)
        facts = {"folder": folder, "hash": city.hash, "units": len(city.units), "residents": int(city.demand["residents"].sum())}
        speech.tell([speech.say("demo.done", **facts)], facts)

    @app.command("units", help=speech.say("units.help"))
    def units(folder: Folder, profile: Annotated[str, typer.Option(help=speech.say("profile.option"))] = "adult") -> None:
        from yike.analysis.units import grow_units
        from yike.model.city import City

        with progress(speech, speech.say("units.working")):
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

        with progress(speech, speech.say("circles.working")):
            count = write_circles(folder, out, profile=profile, minutes=tuple(minutes or (5, 10, 15)))
        facts = {"circles": count, "out": out}
        speech.tell([speech.say("circles.done", **facts)], facts)


def _add_conflation(app: typer.Typer, speech: Speech) -> None:
    @app.command("conflate", help=speech.say("conflate.help"))
    def conflate(
        folder: Annotated[Path, typer.Argument(metavar="DIR", help=speech.say("city.argument"))],
        decisions: Annotated[Path | None, typer.Option(help=speech.say("conflate.decisions"))] = None,
        sheet: Annotated[Path | None, typer.Option(help=speech.say("conflate.sheet"))] = None,
    ) -> None:
        from yike.model.city import City
        from yike.sources.conflation import conflate_city, decision_sheet, read_decisions, write_decisions

        known = read_decisions(decisions) if decisions else None
        with progress(speech, speech.say("conflate.working")):
            before = City.load(folder, check=True)
            city, result = conflate_city(before, decisions=known)
            written = sheet or folder.with_name(f"{folder.name}-decisions.csv")
            write_decisions(decision_sheet(result.pairs, known=known), written)
            city.save(folder)
        facts = {"before": len(before.facilities), "after": len(city.facilities), "sheet": written, "hash": city.hash}
        facts["not_found"] = len(result.decisions_not_found)
        speech.tell([speech.say("conflate.done", **facts)], facts)


def _add_check(app: typer.Typer, speech: Speech) -> None:
    @app.command("check", help=speech.say("check.help"))
    def check(
        folder: Annotated[Path, typer.Argument(metavar="DIR", help=speech.say("city.argument"))],
        standard: Annotated[str, typer.Option(help=speech.say("standard.option"))] = "pudong-2021",
        fail_under: Annotated[float | None, typer.Option(help=speech.say("check.fail_under"))] = None,
        out: Annotated[Path | None, typer.Option("-o", "--out", help=speech.say("check.out"))] = None,
        day: Annotated[str, typer.Option(help=speech.say("check.day"))] = "",
        rules: Annotated[Path | None, typer.Option(help=speech.say("check.rules"))] = None,
    ) -> None:
        from yike.analysis.quality import WARNING, check_city
        from yike.model.city import City, stored_hash
        from yike.reports.quality_table import checked_quality

        city = City.load(folder)
        lines = check_city(city, stated_hash=stored_hash(folder))
        facts: dict[str, object] = {"lines": [line.facts() for line in lines]}
        with progress(speech, speech.say("check.working")):
            words, figures, sound = checked_quality(
                city, standard=standard, fail_under=fail_under, out=out, day=day, rules=rules, lang=speech.lang
            )
        speech.tell([*(line.words(speech.lang) for line in lines), *words], facts | figures)
        if not sound or any(line.level == WARNING and line.code == "hash_differs" for line in lines):
            raise typer.Exit(GATED)


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
        explain: Annotated[str, typer.Option(help=speech.say("diagnose.explain"))] = "auto",
        min_quality: Annotated[float | None, typer.Option(help=speech.say("diagnose.min_quality"))] = None,
        report: Annotated[bool, typer.Option(help=speech.say("diagnose.report"))] = True,
        fail_under: Annotated[float | None, typer.Option(help=speech.say("diagnose.fail_under"))] = None,
    ) -> None:
        from yike.reports.result import diagnose_folder, gate, summary

        with progress(speech, speech.say("diagnose.working")) as tell:
            diagnosis = diagnose_folder(
                folder, standard, out, zone=zone, horizon_s=60 * horizon_min, explain=explain, min_quality=min_quality,
                report_langs=(speech.lang,) if report else (), on_progress=tell,
            )
        words, facts = summary(diagnosis, out, lang=speech.lang, report=report)
        speech.tell(words, facts)
        if fail_under is not None and not gate(diagnosis, fail_under):
            raise typer.Exit(GATED)

    @app.command("report", help=speech.say("report.help"))
    def report(out: Out) -> None:
        from yike.reports.result import write_reports

        with progress(speech, speech.say("report.working")):
            paths = write_reports(out)
        speech.tell([str(path) for path in paths], {"reports": paths})

    @app.command("replay", help=speech.say("replay.help"))
    def replay(
        evidence: Annotated[Path, typer.Argument(metavar="EVIDENCE", help=speech.say("replay.argument"))],
        city: Annotated[Path | None, typer.Option(help=speech.say("replay.city"))] = None,
    ) -> None:
        from yike.reports.evidence import replay as repeat

        with progress(speech, speech.say("replay.working")) as tell:
            diagnosis = repeat(evidence, city=city, on_progress=tell)
        facts = {"result_hash": diagnosis.hash(), "equal": True}
        speech.tell([speech.say("replay.done", **facts)], facts)


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


def main() -> None:
    """Run the command line and exit with its code; errors go to stderr, one line each."""
    arguments = sys.argv[1:]
    lang = "en"
    try:
        speech = _speech(arguments)
        lang = speech.lang
        code = build_app(speech)(args=arguments, prog_name="yike", standalone_mode=False)
    except YikeError as error:
        _stop(error.words(lang), error.exit_code)
    except USAGE_ERROR as error:
        _stop(_usage_words(error, lang), BAD_INPUT)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains when it flushes at the end
        raise SystemExit(GATED) from None
    except OSError as error:
        _stop(text("error.system", lang, path=error.filename or "yike", reason=error.strerror or error), BAD_INPUT)
    except (KeyboardInterrupt, typer.Abort):
        _stop(text("cli.stopped", lang), INTERRUPTED)
    if code == INTERRUPTED:  # some versions of the parser turn the key press into this code
        _stop(text("cli.stopped", lang), INTERRUPTED)
    raise SystemExit(code if isinstance(code, int) else 0)


def _stop(words: str, code: int) -> NoReturn:
    typer.echo(words, err=True)
    raise SystemExit(code) from None


def _usage_words(error: Exception, lang: str) -> str:
    """Say what is wrong with the command line in one line; a group without a command says its help."""
    message = str(error.format_message() if hasattr(error, "format_message") else error)
    command = getattr(getattr(error, "ctx", None), "command_path", "yike")
    if "\n" in message or not message:
        return message
    return text("error.command", lang, message=f"{message.rstrip('.')}.", command=command)
