"""The searches side by side: ours, scipy, pandana and cityseer; every pair is checked for equal answers first."""

from __future__ import annotations

import numpy as np
from scipy.sparse.csgraph import dijkstra

from benchmarks import peers, questions
from benchmarks.questions import QUARTER_DS, Question
from benchmarks.ratios import Figure, Ratio, alternate, median_seconds, seconds_of
from yike.analysis.attachment import attach
from yike.analysis.circles import reach_outlines
from yike.kernels import UNREACHED

_SAMPLE = 200
_PANDANA_ROUNDING_DS = 0.06  # it keeps thousandths of its unit and sums them
_PANDANA_OTHERS = 0.01
_PEER_CLASSES = 5


def nearest_against_scipy(question: Question, size: str, *, goals: tuple[float | None, float | None]) -> list[Ratio]:
    """Nearest of all classes at every node within 15 minutes, on one thread and on two."""
    matrix = questions.scipy_graph(question.graph.inward)
    check_nearest(question, matrix)
    return [
        alternate(
            f"nearest of {len(question.classes)} classes at every node, size {size}, {on(threads)}, scipy",
            lambda threads=threads: questions.nearest_of_classes(question, threads=threads),
            lambda: questions.scipy_nearest(question, matrix),
            goal=goal,
        )
        for threads, goal in zip((1, 2), goals, strict=True)
    ]


def on(threads: int) -> str:
    """Say how many threads."""
    return "1 thread" if threads == 1 else f"{threads} threads"


def check_nearest(question: Question, matrix: object) -> None:
    """Refuse to time unequal answers: every label must equal scipy's, whole number for whole number."""
    ours = questions.nearest_of_classes(question, threads=2)
    theirs = questions.scipy_nearest(question, matrix)
    whole = np.where(np.isinf(theirs), int(UNREACHED), theirs)
    if not np.array_equal(ours, whole):
        raise SystemExit(f"{np.count_nonzero(ours != whole)} nearest times differ from scipy's")


def check_reach(question: Question) -> int:
    """Compare the reach of a sample of sources with scipy and return the number of pairs compared."""
    matrix = questions.scipy_graph(question.street)
    chosen = question.centres[:: max(1, len(question.centres) // _SAMPLE)][:_SAMPLE]
    ((start, node, time),) = questions.reach(question, chosen, threads=1)
    for number, source in enumerate(chosen):
        theirs = dijkstra(matrix, directed=True, indices=int(source), limit=QUARTER_DS)
        found = slice(start[number], start[number + 1])
        if not np.array_equal(np.flatnonzero(np.isfinite(theirs)), node[found]) or not np.array_equal(
            theirs[node[found]], time[found]
        ):
            raise SystemExit(f"the reach of node {source} differs from scipy's")
    return int(start[-1])


def reach_against_scipy(question: Question, size: str, *, sources: int = _SAMPLE, goal: float | None = None) -> Ratio:
    """Bounded one-to-many of some centres; scipy writes a row of all nodes for each."""
    matrix = questions.scipy_graph(question.street)
    chosen = question.centres[:: max(1, len(question.centres) // sources)][:sources]
    return alternate(
        f"reach of {len(chosen)} centres, size {size}, 1 thread, scipy",
        lambda: questions.reach(question, chosen, threads=1),
        lambda: dijkstra(matrix, directed=True, indices=chosen, limit=QUARTER_DS),
        goal=goal,
    )


def pairs_per_second(question: Question, size: str, *, goal: float | None = None) -> list[Figure]:
    """Bounded one-to-many from every facility, on one thread and on two."""
    sources = question.facilities
    pairs = sum(int(start[-1]) for start, _, _ in questions.reach(question, sources, threads=2))
    figures = []
    for threads in (1, 2):
        seconds = median_seconds(lambda threads=threads: questions.reach(question, sources, threads=threads))
        name = f"reach of {len(sources):,} facilities, size {size}, {on(threads)}: {pairs / 1e6:.1f} M pairs"
        wanted = goal if threads == 2 else None
        figures.append(Figure(f"{name} in {seconds:.3g} s", pairs / seconds / 1e6, "M pairs/s", wanted, least=True))
    return figures


def against_pandana(question: Question, size: str, *, goal: float | None = None) -> tuple[list[Ratio], list[Figure]]:
    """Ask pandana for the reach of all centres and the nearest of five classes; its preparation is told apart."""
    holder = []
    build = seconds_of(lambda: holder.append(peers.pandana_network(question)))
    (network,) = holder
    prepare = seconds_of(lambda: peers.quietly(network.precompute, QUARTER_DS))
    centres = question.centres
    differing = check_pandana(question, network)
    few = range(min(_PEER_CLASSES, len(question.classes)))
    part = Question(question.graph, tuple(question.classes[number] for number in few), centres)
    ratios = [
        alternate(
            f"reach of {len(centres):,} centres, size {size}, ours on 2 threads, pandana `nodes_in_range`",
            lambda: questions.reach(question, centres, threads=2),
            lambda: peers.quietly(network.nodes_in_range, centres, QUARTER_DS),
            goal=goal,
        ),
        alternate(
            f"nearest of {len(few)} classes at every node, size {size}, ours on 2 threads, pandana `nearest_pois`",
            lambda: questions.nearest_of_classes(part, threads=2),
            lambda: peers.pandana_nearest(network, question, few),
        ),
    ]
    figures = [
        Figure(f"pandana builds its network, size {size} (ours: none needed)", build, "s"),
        Figure(f"pandana precomputes ranges, size {size}", prepare, "s"),
        Figure(f"nodes where pandana's nearest time differs from ours, size {size}", 100 * differing, "%"),
    ]
    return ratios, figures


def check_pandana(question: Question, network: object) -> float:
    """Compare the nearest times of one class and return the share of nodes that differ; beyond the cap pandana writes the cap.

    pandana differs at a few nodes of a wide city; its 32-bit coordinates may be why, which is not measured.
    """
    theirs = peers.pandana_nearest(network, question, range(1))[0]
    ours = questions.nearest_of_classes(Question(question.graph, question.classes[:1], question.centres), threads=1)[0]
    share = float((np.abs(np.minimum(ours, QUARTER_DS) - theirs) > _PANDANA_ROUNDING_DS).mean())
    if share > _PANDANA_OTHERS:
        raise SystemExit(f"pandana's nearest times differ from ours at {share:.2%} of the nodes")
    return share


def against_cityseer(question: Question, size: str) -> tuple[list[Ratio], list[Figure]]:
    """Ask cityseer for the nearest of all classes; it counts what is in reach at the same time."""
    holder = []
    build = seconds_of(lambda: holder.append(peers.cityseer_structure(question)))
    nodes, structure = holder[0]
    every = range(len(question.classes))
    ratio = alternate(
        f"nearest of {len(every)} classes at every node, size {size}, ours on 2 threads, cityseer `compute_accessibilities`",
        lambda: questions.nearest_of_classes(question, threads=2),
        lambda: peers.cityseer_nearest(nodes, structure, question, every),
        rounds=3,
    )
    return [ratio], [Figure(f"cityseer builds its network, size {size}", build, "s")]


def outlines(question: Question, size: str, *, goal: float | None = None) -> list[Figure]:
    """Draw the quarter of an hour around every centre on one thread."""
    graph = question.graph
    xy = graph.network.node_xy[question.centres] + 7.0
    points = attach(graph.network, xy, limit_m=graph.connection_limit_m, usable=graph.passable)
    taken = []
    for limits in ([QUARTER_DS], [QUARTER_DS // 3, QUARTER_DS * 2 // 3, QUARTER_DS]):
        seconds = median_seconds(lambda limits=limits: reach_outlines(graph, points, limits=limits, xy=xy, threads=1), rounds=3)
        taken.append(1000 * seconds / len(xy))
    return [
        Figure(f"outline of 15 minutes, {len(xy):,} centres, size {size}, 1 thread, search included", taken[0], "ms each", goal),
        Figure("outlines of 5, 10 and 15 minutes of one centre, 1 thread, search included", taken[1], "ms each"),
    ]
