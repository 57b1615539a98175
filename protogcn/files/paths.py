"""Where every file of the results lies, relative to the folder that the workflow runs in.

With names in braces instead of names, the same functions give the rules their patterns.
"""

import hashlib

DATASET = "results/data/{dataset}"
PREPARED = DATASET + "/{preparation}"
RUN = "results/runs/{dataset}/{split}/{model}/{stream}"
VAL_SCORES = "val_scores.npz"  # in the folder of a run, beside scores.npz
# Tables and figures: names of files in results/, without their endings.
ENSEMBLE = "{task}_{ensemble}"
PAIRS_OF_ENSEMBLE = ENSEMBLE + "_pairs"
WEIGHTS = ENSEMBLE + "_weights"
FOLDS = ENSEMBLE + "_folds"
PAIRS_OF_TABLE = "{table}_pairs"
SCHEMES = ENSEMBLE + "_schemes"
RELIABILITY = ENSEMBLE + "_reliability"
CONFUSION = ENSEMBLE + "_confusion"
STREAMS = ENSEMBLE + "_streams"
WORTH = ENSEMBLE + "_worth"
LEARNING_CURVES = "{task}_{model}_learning_curves"
CLASS_DIFFERENCES = "{task}_{stream}_{model}_vs_{baseline}"
LONGEST_PART = 120  # bytes of an id between slashes; of a name a file system has 255
CLIP = r".+"  # what a clip may be called in a path: its slashes are folders


def of_dataset(dataset: str) -> str:
    """Return the folder of a dataset."""
    return DATASET.format(dataset=dataset)


def prepared(dataset: str, preparation: str) -> str:
    """Return the folder of a prepared dataset: joints, modalities, ``clips.csv``."""
    return PREPARED.format(dataset=dataset, preparation=preparation)


def of_run(dataset: str, split: str, model: str, stream: str) -> str:
    """Return the folder of a run: its settings, network, history and scores."""
    return RUN.format(dataset=dataset, split=split, model=model, stream=stream)


def result(name: str, ending: str = "") -> str:
    """Return a table, a figure or the page."""
    return f"results/{name}{ending}"


def of_clip(clip: str) -> str:
    """Return a clip's id as it is written in a path.

    That is the id as it is, but for slashes that a path does not keep, parts that would lead
    out of its folder, and those that are too long for the name of a file with all that is added to
    it: ``/a//b`` is ``a/b``, ``../c`` is ``__/c``.
    """
    parts = ["__" if part == ".." else part for part in clip.split("/")]
    return "/".join(_cut(part) for part in parts if part not in ("", "."))


def _cut(part: str) -> str:
    """Return a name, of a long one the beginning and what tells it from others."""
    content = part.encode()
    if len(content) <= LONGEST_PART:
        return part
    digest = hashlib.sha256(content).hexdigest()[:10]
    return f"{content[:40].decode(errors='ignore').rstrip()}~{digest}"


def log(rule: str, *names: str) -> str:
    """Return the log of a job: its rule, and the names that tell it from the rule's others."""
    return f"results/logs/{rule}/{'.'.join(names)}.log"


def benchmark(rule: str, *names: str) -> str:
    """Return the file with the time and the memory that a job took."""
    return f"results/benchmarks/{rule}/{'.'.join(names)}.tsv"
