"""What readers derived, converted or guessed -> one line for each kind, with how many clips."""

_SHOWN = 5


class Notes:
    """The names of clips, by what was done to them.

    A reader adds to it while it reads; a command prints its lines afterwards.
    """

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}

    def add(self, sentence: str, name: str) -> None:
        """Note that ``sentence``, without its end, is true of a clip."""
        self._names.setdefault(sentence, []).append(name)

    def lines(self) -> list[str]:
        """Return a sentence of each kind: how many clips, and the first of them."""
        lines = []
        for sentence, names in self._names.items():
            more = ", ..." if len(names) > _SHOWN else ""
            clips = "1 clip" if len(names) == 1 else f"{len(names):,} clips"
            lines.append(f"{sentence} ({clips}: {', '.join(names[:_SHOWN])}{more}).")
        return lines
