"""The machine and what it can do at this moment: without it no figure means anything."""

from __future__ import annotations

import os
import platform
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path

import numpy as np
from numba import njit

from benchmarks.ratios import median_seconds

LIBRARIES = ("numpy", "numba", "scipy", "pandas", "shapely", "contourpy", "pyarrow", "pandana", "cityseer")
_IDLE_LOAD = 1.5
_STREAM_LENGTH = 20_000_000


@njit(nogil=True, cache=True)
def _count(steps: int) -> int:
    value = 1
    for _ in range(steps):
        value = (value * 6364136223846793005 + 1442695040888963407) & 0x7FFFFFFFFFFFFFFF
    return value


@njit(nogil=True, cache=True)
def _triad(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    for i in range(len(a)):
        a[i] = b[i] + 3.0 * c[i]


def describe() -> str:
    """Name processor, cores, memory, system and versions; no host name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = []
    for name in LIBRARIES:
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            versions.append(f"{name} not installed")
    system = f"{platform.system()}, Python {platform.python_version()}"
    return f"{model}, {os.cpu_count()} processors, {memory:.0f} GiB; {system}; {', '.join(versions)}"


def wait_until_idle(at_most_s: float) -> None:
    """Wait until fewer than 1.5 processes ask for the processor, or so many seconds have gone."""
    end = time.monotonic() + at_most_s
    while time.monotonic() < end and os.getloadavg()[0] > _IDLE_LOAD:
        time.sleep(5)


def calibrate() -> str:
    """Measure what two threads gain on plain arithmetic, and how fast memory streams; with the load beside them."""

    def on(threads: int, pieces: int) -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(_count, [60_000_000] * pieces))

    alone, both = median_seconds(lambda: on(1, 2), rounds=3), median_seconds(lambda: on(2, 2), rounds=3)
    a, b, c = (np.ones(_STREAM_LENGTH) for _ in range(3))

    def stream() -> None:
        half = _STREAM_LENGTH // 2
        parts = [(slice(None, half),), (slice(half, None),)]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda part: _triad(a[part], b[part], c[part]), parts))

    gigabytes = 4 * a.nbytes / 1e9  # two arrays read, one read for ownership and written
    speed = gigabytes / median_seconds(stream, rounds=3)
    load = os.getloadavg()[0]
    return f"two threads gain {alone / both:.2f}x on arithmetic; memory streams at {speed:.0f} GB/s; load {load:.1f}"
