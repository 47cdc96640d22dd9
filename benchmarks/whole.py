"""Whole runs in processes of their own: `diagnose` from a saved folder to tables, the start of the package, the demo."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

_MODULE = "benchmarks.whole"
_FIRST_STEP = "load"


def diagnose_folder(folder: Path, out: Path, *, threads: int, explain: str) -> dict[str, float]:
    """Diagnose a saved city and write its tables; return the seconds of each step, the nodes and the peak memory."""
    from yike.analysis.diagnosis import diagnose
    from yike.model.city import City
    from yike.model.standard import Standard
    from yike.reports.tables import write_tables

    started = time.process_time()
    begin = time.perf_counter()
    marks = [(_FIRST_STEP, begin)]

    def tell(step: str, share: float) -> None:
        if step != marks[-1][0]:
            marks.append((step, time.perf_counter()))

    city = City.load(folder)
    marks.append(("attach and search", time.perf_counter()))
    diagnosis = diagnose(city, Standard.load("pudong-2021"), threads=threads, explain=explain, on_progress=tell)
    marks.append(("write", time.perf_counter()))
    write_tables(diagnosis, out, crs=city.crs)
    end = time.perf_counter()
    steps: dict[str, float] = {}
    for (name, start), (_, stop) in zip(marks, [*marks[1:], ("", end)], strict=True):
        label = "attach and search" if "/" in name else "hash" if name == "done" else name
        steps[label] = steps.get(label, 0.0) + stop - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        **steps,
        "total": end - begin,
        "processor": used.ru_utime + used.ru_stime - started,
        "nodes": city.networks["walk"].node_count,
        "gaps_rows": len(diagnosis.gaps),
        "peak_gib": used.ru_maxrss / 2**20,
    }


def diagnose_apart(folder: Path, *, threads: int = 2, explain: str = "all") -> dict[str, float]:
    """Run `diagnose_folder` in a fresh process with compiled kernels at hand."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", _MODULE, str(folder), out, str(threads), explain]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def start_seconds(*arguments: str, rounds: int = 7) -> float:
    """Return the median seconds that a fresh process needs, after one to warm the file cache."""
    taken = []
    for _ in range(rounds + 1):
        begin = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        taken.append(time.perf_counter() - begin)
    return float(np.median(taken[1:]))


def demo_diagnosis(folder: Path) -> dict[str, float]:
    """Make the demo district if it is not there and diagnose it twice; return the second, warm run."""
    from yike.sources.demo import demo_city

    if not (folder / "city.yaml").exists():
        demo_city().save(folder)
    diagnose_apart(folder)
    return diagnose_apart(folder)


if __name__ == "__main__":
    city, target, count, which = sys.argv[1:]
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    print(json.dumps(diagnose_folder(Path(city), Path(target), threads=int(count), explain=which)))
