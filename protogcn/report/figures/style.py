"""One look for all figures: colours, fonts, lines."""

from collections.abc import Iterator
from contextlib import contextmanager

from matplotlib import rc_context

# The colours of Okabe and Ito, which readers of every kind of colour vision can tell apart.
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
PURPLE, SKY, YELLOW = "#CC79A7", "#56B4E9", "#E69F00"
INK, GREY, PALE = "#222222", "#8C8C8C", "#DDDDDD"
BETTER, WORSE = BLUE, ORANGE
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW, INK)  # of what has none of its own
# A motion has the colour of what moves, and dashes.
COLOUR_OF = {"j": BLUE, "b": ORANGE, "k": GREEN, "jm": BLUE, "bm": ORANGE, "km": GREEN}

_LOOK = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same on every machine
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.labelsize": 8,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "figure.titlesize": 10,
    "figure.titleweight": "bold",
    "grid.color": PALE,
    "grid.linewidth": 0.5,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "text.color": INK,
    "text.parse_math": False,  # class names may hold a dollar sign
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "savefig.bbox": "tight",
    "savefig.pad_inches": 0.08,
    "savefig.dpi": 200,
    "pdf.fonttype": 42,  # text stays text
    "svg.fonttype": "none",
    "svg.hashsalt": "protogcn",
}


@contextmanager
def in_style() -> Iterator[None]:
    """Draw and save figures in the common look; what is set outside stays as it is."""
    with rc_context(_LOOK):
        yield


def fitted(text: str, length: int) -> str:
    """Return a name on one line, cut to at most ``length`` letters."""
    text = " ".join(text.split())
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"
