"""Names that nobody means well, and what may become of them: as data, or as a part of a path."""

import re

# As the name of a class, a method, a stream of a table or a clip: taken as it is, to the letter.
TAKEN = (
    "../x", "../../etc/passwd", "/etc/x", "a/../../b", "~root", "C:\\x", "a/b", ".hidden", "-x", "--help", "-rf *",
    "$(touch X)", "`touch X`", "; touch X", "| touch X", "&& touch X", "a\\", "'", '"', "'; touch X; '", "$HOME",
    "${HOME}", "%s%n", "{}", "{input}", "{wildcards.dataset}", "{{x}}", "{0.__class__}", "!!python/object:os.system",
    "=1+1", "+1+1", "-2+3", "@SUM(A1)", "'=1+1", "a;=1+1", "=cmd|' /C calc'!A0", "<script>touch(X)</script>",
    "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", '" onmouseover="x', "<!--", "]]>", "&lt;b&gt;",
    "\\input{/etc/passwd}", "\\write18{touch X}", "50%", "$x_{", "a & b # _ ^ ~", "|a|b|", "NA", "null", "nan", "007",
    "1e5", "True", "a,b", "é", "日本語", "👩‍🔬", "Straße", "STRASSE", "#", "a b", "[x](javascript:x)", "x" * 200, "é" * 100,
)  # fmt: skip
# Refused in whatever place, in one sentence.
REFUSED = (
    "",
    "a\0b",
    "a\nb",
    "a\r",
    "\t=1",
    "\x1b[2J",
    "\x9b31m",
    "\u202egnp",
    "\u2066x",
    "\u2028",
    "y" * 201,
)
AS_PATH = re.compile(r"[a-z0-9][a-z0-9_-]{0,40}")  # of the taken ones 007 and 1e5
