"""The name of a clip -> the number of the subject who performs in it."""

import re

# NTU's S001C002P003R002A013 and names such as a9_s1_t1 or subject12_wave.
_SUBJECT = re.compile(r"S\d{3}C\d{3}P(\d{3})R\d{3}A\d{3}|(?:.*_)?s(?:ubject)?(\d+)(?:_.*)?")


def subject_of(clip: str) -> str:
    """Return the number of the performer from the name of a clip, or nothing."""
    match = _SUBJECT.fullmatch(clip.rsplit("/", 1)[-1])
    return str(int(next(filter(None, match.groups())))) if match else ""
