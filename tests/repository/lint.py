"""Fail on any advice of ``snakemake --lint`` but one: ``python -m tests.repository.lint``.

It wants a conda environment or a container for each rule; this project has one environment for
all rules, on purpose.
"""

import re
import subprocess
import sys

DECLINED = "Specify a conda environment or container for each rule."


def main() -> None:
    """Run the linter, print what is not declined."""
    answer = subprocess.run(
        [sys.executable, "-m", "snakemake", "--lint"], capture_output=True, text=True, check=False
    )
    text = answer.stdout + answer.stderr
    advice = re.findall(r"^    \* (.*?):?$", text, flags=re.MULTILINE)
    if not advice and answer.returncode != 0:
        sys.exit(text)
    if others := [line for line in advice if line.rstrip(":") != DECLINED]:
        sys.exit("\n".join(["snakemake --lint advises:", *others]))
    print(f"snakemake --lint: nothing but the declined conda advice ({len(advice)} rules).")


if __name__ == "__main__":
    main()
