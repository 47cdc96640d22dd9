"""`python -m benchmarks` measures everything and writes a table; `--gate` checks the ratios that must never fall."""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import machine, peers, questions, searches, shanghai, whole
from benchmarks.questions import Question
from benchmarks.ratios import Figure, Ratio
from yike import kernels

PARTS = ("nearest", "reach", "peers", "outlines", "diagnose", "start")
GATES = {"nearest, 1 thread": 1.8, "nearest, 2 threads": 3.2, "reach of centres": 3.5}  # about half of what is measured
RESULTS = shanghai.BUILD / "results.md"
RATIO_HEAD = "| question | times quicker, median | least–most | ours | theirs | goal |\n|---|---|---|---|---|---|"
FIGURE_HEAD = "| figure | measured | goal |\n|---|---|---|"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--gate", action="store_true", help="only ratios against scipy and equal answers, at 1/12 size")
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this part only; may be given several times")
    parser.add_argument("--sizes", default="1/12,1/3,1", help="for diagnose: which of 1/12, 1/3, 1")
    parser.add_argument("--wait", type=float, default=0, help="wait so many minutes at most until the machine is idle")
    given = parser.parse_args(arguments)
    machine.wait_until_idle(60 * given.wait)
    kernels.warm()
    if given.gate:
        return gate()
    report = Report()
    report.head()
    for part in given.only or PARTS:
        report.run(part, given.sizes.split(","))
    report.write(RESULTS)
    return 0


def gate() -> int:
    """Return 1 when an answer or a ratio is not what it must be; one line each."""
    if os.environ.get("YIKE_DATA"):
        question = questions.of_city(shanghai.shanghai(shanghai.SIDES["1/12"]))
    else:
        folder = shanghai.BUILD / "made-2x2"
        if not (folder / "city.yaml").exists():
            shanghai.tiled_city(shanghai.made_tile(130, 140), 2).save(folder)
        question = questions.of_city(folder)
    pairs = searches.check_reach(question)
    print(f"equal to scipy: reach of a sample of centres, {pairs:,} pairs")
    found = searches.nearest_against_scipy(question, "1/12", goals=(None, None))
    found.append(searches.reach_against_scipy(question, "1/12"))
    print(f"equal to scipy: nearest of {len(question.classes)} classes at {question.node_count:,} nodes")
    missed = 0
    for ratio, (name, least) in zip(found, GATES.items(), strict=True):
        kept = ratio.median >= least
        missed += not kept
        print(f"{'kept' if kept else 'MISSED'}: {name}: {ratio.median:.2f}x scipy, at least {least:g}x wanted")
    return 1 if missed else 0


class Report:
    """Collect lines and say each at once, because a run takes minutes."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._full: Question | None = None

    def say(self, *lines: str) -> None:
        """Add lines and print them."""
        self.lines += lines
        print("\n".join(lines), flush=True)

    def head(self) -> None:
        """Say machine, day and what the machine can do now."""
        self.say(f"{datetime.date.today().isoformat()}. {machine.describe()}.", "", f"Calibration: {machine.calibrate()}.", "")

    def ratios(self, rows: Sequence[Ratio]) -> None:
        self.say(RATIO_HEAD, *(row.row() for row in rows), "")

    def figures(self, rows: Sequence[Figure]) -> None:
        self.say(FIGURE_HEAD, *(row.row() for row in rows), "")

    def run(self, part: str, sizes: Sequence[str]) -> None:
        """Measure one part."""
        if part == "diagnose":
            self.diagnose(sizes)
        else:
            getattr(self, part)()

    def full(self) -> Question:
        """Return the question at full size, read once."""
        if self._full is None:
            self._full = questions.of_city(shanghai.shanghai(shanghai.FULL_SIDE))
            nodes, edges = self._full.node_count, len(self._full.street.node)
            self.say(f"Full size: {nodes:,} nodes, {edges:,} directed edges, {len(self._full.facilities):,} facilities.", "")
        return self._full

    def nearest(self) -> None:
        self.ratios(searches.nearest_against_scipy(self.full(), "1", goals=(3.0, 5.0)))

    def reach(self) -> None:
        self.say(f"Equal to scipy on a sample: {searches.check_reach(self.full()):,} pairs.", "")
        self.figures(searches.pairs_per_second(self.full(), "1", goal=25.0))
        if peers.have("pandana"):
            found, figures = searches.against_pandana(self.full(), "1", goal=40.0)
            self.ratios(found)
            self.figures(figures)

    def peers(self) -> None:
        small = questions.of_city(shanghai.shanghai(shanghai.SIDES["1/12"]))
        network = shanghai.read_tile(shanghai.source_file()).network
        counts = shanghai.class_counts(1020, 37)
        real = questions.of_network(network, facilities=int(counts.sum()), centres=500, counts=counts)
        found, figures = [], []
        for size, question in (("1/12", small), ("Porto Alegre", real)):
            found += searches.nearest_against_scipy(question, size, goals=(None, None))
            for name, ask in (("pandana", searches.against_pandana), ("cityseer", searches.against_cityseer)):
                if peers.have(name):
                    more, beside = ask(question, size)
                    found += more
                    figures += beside
        self.ratios(found)
        if figures:
            self.figures(figures)

    def outlines(self) -> None:
        self.figures(searches.outlines(self.full(), "1", goal=1.0))

    def diagnose(self, sizes: Sequence[str]) -> None:
        self._full = None
        steps = ("load", "attach and search", "areas", "gaps", "hash", "write")
        head = f"| size | routes | nodes | seconds | of processor | µs of it a node | peak | {' | '.join(steps)} |"
        self.say(head, "|---" * (7 + len(steps)) + "|")
        for explain in ("none", "all"):
            for size in sizes:
                run = whole.diagnose_apart(shanghai.shanghai(shanghai.SIDES[size]), explain=explain)
                cells = " | ".join(f"{run.get(step, 0.0):.2f}" for step in steps)
                nodes, seconds = run["nodes"], run["total"]
                of_all = f"**{seconds:.1f}** | {run['processor']:.1f} | {1e6 * run['processor'] / nodes:.1f}"
                of_all += f" | {run['peak_gib']:.2f} GiB | {cells}"
                self.say(f"| {size} | {explain}: {run['gaps_rows']:,.0f} | {nodes:,.0f} | {of_all} |")
        self.say("")

    def start(self) -> None:
        demo = whole.demo_diagnosis(shanghai.BUILD / "demo")
        script = str(Path(sys.executable).with_name("yike"))
        self.figures(
            [
                Figure("diagnose of the demo district, load to tables, warm", demo["total"], "s", 3.0),
                Figure("`import yike`, fresh process", whole.start_seconds("-c", "import yike"), "s", 0.5),
                Figure("`yike --help`, fresh process", whole.start_seconds(script, "--help"), "s", 0.5),
            ]
        )

    def write(self, path: Path) -> None:
        """Write all lines as Markdown."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(self.lines) + "\n", "utf-8")
        print(f"written to {path}")


if __name__ == "__main__":
    sys.exit(main())
