"""Draw the picture of the job graph in the README: ``python docs/dag.py docs/dag.svg``."""

import argparse
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")
from matplotlib import pyplot as plt

TARGET = "results/demo_xsub_6ens.csv"


def rule_edges() -> dict[str, set[str]]:
    """Ask Snakemake for the rules behind the six-stream table: rule -> rules it waits for."""
    text = subprocess.run(
        [sys.executable, "-m", "snakemake", "--rulegraph", "mermaid-js", "--forceall", TARGET],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    names = dict(re.findall(r"(id\d+)\[(\w+)\]", text))
    edges: dict[str, set[str]] = {name: set() for name in names.values()}
    for source, sink in re.findall(r"(id\d+) --> (id\d+)", text):
        edges[names[sink]].add(names[source])
    return edges


def without_shortcuts(edges: dict[str, set[str]]) -> dict[str, set[str]]:
    """Leave out an edge where a longer way leads to the same rule."""

    def behind(rule: str) -> set[str]:
        return edges[rule].union(*map(behind, edges[rule]))

    return {
        rule: {s for s in sources if not any(s in behind(other) for other in sources)}
        for rule, sources in edges.items()
    }


def draw(edges: dict[str, set[str]], path: Path) -> None:
    """Draw the rules from left to right, in the order of the data."""
    depth: dict[str, int] = {}
    for rule in TopologicalSorter(edges).static_order():
        depth[rule] = max((depth[source] + 1 for source in edges[rule]), default=0)
    for rule in sorted(depth, key=depth.get, reverse=True):  # a source stands next to its first use
        uses = [depth[sink] - 1 for sink, sources in edges.items() if rule in sources]
        depth[rule] = min(uses, default=depth[rule])
    place: dict[str, tuple[float, float]] = {}
    for column in range(max(depth.values()) + 1):
        # Rules that write settings down stand below the path of the data.
        rules = sorted((r for r in depth if depth[r] == column), key=lambda r: ("resolve" in r, r))
        for row, rule in enumerate(rules):
            place[rule] = (column * 2.3, -row * 0.8)
    figure, axes = plt.subplots(figsize=(10, 1.6))
    for rule, (x, y) in place.items():
        side = "resolve" in rule
        axes.text(
            x, y, rule.replace("_", "\n"), ha="center", va="center", fontsize=10,
            color="#1b1f24", zorder=2,
            bbox={
                "boxstyle": "round,pad=0.45", "linewidth": 1,
                "edgecolor": "#9aa4b0" if side else "#2a6fb0",
                "facecolor": "#f3f5f7" if side else "#dcebf9",
            },
        )  # fmt: skip
        for source in edges[rule]:
            axes.annotate(
                "", (x - 0.72, y), (place[source][0] + 0.72, place[source][1]),
                arrowprops={"arrowstyle": "-|>", "color": "#5a6672", "shrinkA": 0, "shrinkB": 0},
            )  # fmt: skip
    axes.set_xlim(-1, max(x for x, _ in place.values()) + 1)
    axes.set_ylim(min(y for _, y in place.values()) - 0.45, 0.45)
    axes.set_axis_off()
    figure.savefig(path, bbox_inches="tight", facecolor="white", metadata={"Date": None})


def main() -> None:
    """Draw the graph of the repository that this runs in."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path)
    mpl.rcParams["svg.hashsalt"] = "dag"  # the same graph gives the same file
    mpl.rcParams["svg.fonttype"] = "path"
    draw(without_shortcuts(rule_edges()), parser.parse_args().picture)


if __name__ == "__main__":
    main()
