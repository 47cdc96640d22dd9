"""How a run of the command line speaks: its language, words or JSON, and a bar on a terminal while it works."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import typer

from yike.texts import text


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


@contextmanager
def progress(speech: Speech, words: str) -> Iterator[Callable[[str, float], None]]:
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
