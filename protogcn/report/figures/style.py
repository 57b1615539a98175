"""One look for all figures, and files that are the same bytes for the same data."""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from protogcn.errors import ConfigError
from protogcn.files.contracts import writing

# The colours of Okabe and Ito, which readers of every kind of colour vision can tell apart.
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
PURPLE, SKY, YELLOW = "#CC79A7", "#56B4E9", "#E69F00"
INK, GREY, PALE = "#222222", "#8C8C8C", "#DDDDDD"
BETTER, WORSE = BLUE, ORANGE
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
# No date and no version: what is drawn decides the bytes.
_METADATA = {
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    ".svg": {"Date": None, "Creator": None},
}


@contextmanager
def in_style() -> Iterator[None]:
    """Draw and save figures in the common look; what is set outside stays as it is."""
    with rc_context(_LOOK):
        yield


def save_figure(figure: Figure, paths: Iterable[Path]) -> None:
    """Write a figure to files whose endings say how, each whole or not at all.

    Raises:
        ConfigError: an ending that is none of .png, .pdf and .svg.
        ContractError: a file cannot be written.
    """
    for path in paths:
        if path.suffix not in _METADATA:
            raise ConfigError(f"{path}: a figure ends in one of {', '.join(_METADATA)}.")
        buffer = io.BytesIO()
        figure.savefig(buffer, format=path.suffix[1:], metadata=_METADATA[path.suffix])
        with writing(path, needed=buffer.tell()) as file:
            file.write(buffer.getbuffer())


def fitted(text: str, length: int) -> str:
    """Return a name on one line, cut to at most ``length`` letters."""
    text = " ".join(text.split())
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"
