"""Texts on the classes of a dataset -> the ``.npz`` of their embeddings that network gap reads.

The encoder is a package of the user's own: ``open_clip`` or ``sentence-transformers``.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from protogcn.config.load import add_configfiles, plan_of
from protogcn.data.class_texts import read_class_texts
from protogcn.errors import ConfigError, nearest
from protogcn.files.texts import save_texts

Encode = Callable[[Sequence[str]], np.ndarray]

_BATCH = 256
_CLIP = "open_clip:ViT-B-32-quickgelu:openai"  # the tower that GAP's authors start from


def encoder_of(name: str) -> Encode:
    """Return the function from n texts to (n, D) float32 that a name stands for.

    Args:
        name: ``open_clip:MODEL:WEIGHTS`` or ``sentence_transformers:MODEL``.

    Raises:
        ConfigError: another name, or the package is not installed.
    """
    match name.split(":"):
        case ["open_clip", model, weights] if model and weights:
            return _open_clip(model, weights)
        case ["sentence_transformers", model] if model:
            return _sentence_transformers(model)
    raise ConfigError(
        f"--encoder: found {name!r}, expected open_clip:MODEL:WEIGHTS, such as {_CLIP}, or"
        " sentence_transformers:MODEL, such as sentence_transformers:all-mpnet-base-v2."
    )


def embeddings_of(texts: Sequence[str], encode: Encode) -> np.ndarray:
    """Return (n, D) float32; equal texts are encoded once.

    Raises:
        ConfigError: the encoder gives something else than a row for each text.
    """
    once = list(dict.fromkeys(texts))
    batches = [once[first : first + _BATCH] for first in range(0, len(once), _BATCH)]
    rows = [np.asarray(encode(batch), np.float32) for batch in batches]
    for batch, found in zip(batches, rows, strict=True):
        if found.shape != (len(batch), *rows[0].shape[1:]) or found.ndim != 2:
            raise ConfigError(
                f"--encoder: gives an array of shape {found.shape} for {len(batch)} texts, expected"
                " a row for each."
            )
    place = {text: number for number, text in enumerate(once)}
    return np.concatenate(rows)[[place[text] for text in texts]]


def _open_clip(model: str, weights: str) -> Encode:
    try:
        import open_clip
    except ImportError:
        raise _missing("open_clip", "open_clip_torch") from None
    with _loading(f"open_clip:{model}:{weights}"):
        network = open_clip.create_model(model, pretrained=weights).eval().requires_grad_(False)
        tokenize = open_clip.get_tokenizer(model)
    return lambda texts: network.encode_text(tokenize(list(texts))).float().cpu().numpy()


def _sentence_transformers(model: str) -> Encode:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise _missing("sentence_transformers", "sentence-transformers") from None
    with _loading(f"sentence_transformers:{model}"):
        network = SentenceTransformer(model)
    return lambda texts: network.encode(list(texts), convert_to_numpy=True)


@contextmanager
def _loading(name: str) -> Iterator[None]:
    """Turn what is raised for an unknown name, or without the internet, into a sentence."""
    try:
        yield
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        found = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ConfigError(f"--encoder {name}: could not be loaded ({found}).") from error


def _missing(module: str, package: str) -> ConfigError:
    return ConfigError(
        f"{module} is not installed, --encoder {module}:... needs it: pip install {package}; or"
        " write the .npz with another encoder (docs/methods.md)."
    )


def main() -> None:
    """Embed the texts of a dataset's classes, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", help="its name in the config")
    parser.add_argument(
        "--descriptions", type=Path, required=True, help="name; head; hand; arm; hip; leg; foot"
    )
    parser.add_argument("--synonyms", type=Path, required=True, help="names, with commas between")
    parser.add_argument(
        "--encoder",
        default=_CLIP,
        help=f"open_clip:MODEL:WEIGHTS or sentence_transformers:MODEL (default: {_CLIP})",
    )
    parser.add_argument(
        "--output", type=Path, help="an .npz (default: the dataset's text_embeddings)"
    )
    add_configfiles(parser)
    parser.add_argument("--directory", type=Path, default=Path(), help="as for snakemake")
    args = parser.parse_args()

    _, plan = plan_of(args.directory, args.configfile)
    if args.dataset not in plan.datasets:
        raise ConfigError(
            f"{args.dataset!r} is no dataset of the config, expected one of"
            f" {', '.join(plan.datasets)}{nearest(args.dataset, plan.datasets)}"
        )
    dataset = plan.datasets[args.dataset]
    if (output := args.output or dataset.text_embeddings) is None:
        raise ConfigError(
            f"datasets.{args.dataset} has no text_embeddings, the file to write; declare it, or"
            " name another with --output."
        )
    texts = read_class_texts(args.descriptions, args.synonyms, dataset.classes)
    for note in texts.notes:
        print(f"Note: {note}")
    names = [name for of_class in texts.synonyms for name in of_class]
    rows = embeddings_of(
        [*(t for part in texts.parts for t in part), *names], encoder_of(args.encoder)
    )
    num_parts = len(texts.parts) * len(dataset.classes)
    parts = rows[:num_parts].reshape(len(texts.parts), len(dataset.classes), -1)
    counts = [len(of_class) for of_class in texts.synonyms]
    save_texts(
        Path(output),
        classes=dataset.classes,
        parts=parts,
        synonyms=rows[num_parts:],
        synonym_class=np.repeat(np.arange(len(counts)), counts),
        encoder=args.encoder,
        part_texts=texts.parts,
        synonym_texts=names,
    )
    print(
        f"{output}: {num_parts} texts on parts and {len(names)} names of {len(counts)} classes,"
        f" each {rows.shape[1]} numbers by {args.encoder}."
    )
