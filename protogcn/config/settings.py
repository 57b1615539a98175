"""The settings of a run and of its network -> nothing, or why they do not go together.

Nothing here imports torch: the whole config is checked before a job starts.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from protogcn.config.options import check_options
from protogcn.config.skeleton import Skeleton
from protogcn.config.start_from import frozen_blocks
from protogcn.config.trunk import trunk_root
from protogcn.errors import ConfigError, nearest

if TYPE_CHECKING:  # building a network needs nothing that reading a config does
    from protogcn.config.resolved import Run

_SIZE = ("width", "blocks", "downsample")
NETWORKS: Mapping[str, tuple[str, ...]] = {
    "protogcn": (*_SIZE, "subsets", "prototypes", "contrast_weight"),
    "stgcnpp": _SIZE,
    "stgcn": _SIZE,
    "ctrgcn": (*_SIZE, "form"),
    "infogcn": (*_SIZE, "k", "noise"),
    "hdgcn": (*_SIZE, "root"),
    "blockgcn": (*_SIZE, "encoding"),
    "skeletongcl": (*_SIZE, "positives", "negatives", "temperature", "projection"),
    "frhead": (*_SIZE, "penalties"),
    "gap": (*_SIZE, "text_weight"),
}
PREPARATIONS = ("centred", "aligned", "first_frame", "own_axes", "raw")
_RESOLVED = ("parts", "texts")  # of gap, which the dataset tells
_PROTOGCN_WIDTH = 24  # six branches and, by default, eight subsets of the same width
_BLOCKGCN_WIDTH = 8  # eight heads, four branches
_NO_SIGN = "which have no sign that swap_style clean could change; use mirror"
_LEAST_WIDTHS = {  # one channel for each branch, and for each head
    "stgcnpp": 6,
    "ctrgcn": 4,
    "infogcn": 8,
    "hdgcn": 4,
    "skeletongcl": 4,
    "frhead": 4,
    "gap": 4,
}


def check_run(run: "Run", origins: Mapping[str, str]) -> None:
    """Refuse settings that do not go together, or not with the joints of the run's dataset.

    Args:
        run: the run.
        origins: for each setting that the config changes for this run, the override that does.

    Raises:
        ConfigError: with the run, the settings, and what to write.
    """
    skeleton, settings = run.dataset.skeleton, run.settings
    try:
        check_preparation(settings["preparation"], skeleton)
    except ConfigError as error:
        others = "raw" if skeleton.in_image or skeleton.centre is None else "centred"
        change = _change(run, origins, "preparation", others)
        raise ConfigError(f"run {run.name}: {error} {change}") from None
    in_image, is_clean = skeleton.in_image, settings["swap_style"] == "clean"
    problems = [
        ("limb_drop", not skeleton.limbs, "declares no limbs"),
        ("swap", not skeleton.pairs, "declares no pairs"),
        ("mirror", not in_image, "is not in_image: no image can be mirrored; use swap"),
        ("mirror", not skeleton.pairs, "declares no pairs"),
        (
            "rotation",
            in_image,
            "holds pixels and scores, which are not turned",
        ),
        ("swap", in_image and is_clean, f"holds pixels, {_NO_SIGN}"),
    ]
    for key, is_wrong, why in problems:
        if settings[key] and is_wrong:
            raise ConfigError(
                f"run {run.name}: {key} is {settings[key]}, but skeletons.{skeleton.name} {why}."
                f" {_change(run, origins, key, 0.0)}"
            )
    check_options(run)
    check_network(f"run {run.name}: model", run.network)
    if run.network["network"] == "hdgcn":
        trunk_root(f"run {run.name}: model.root", skeleton, run.network["root"])
    frozen_blocks(f"run {run.name}", settings.get("freeze", ()), run.network["blocks"])


def check_network(where: str, network: Mapping[str, Any]) -> None:
    """Check the settings of a network, each of which fits the schema.

    Args:
        where: what messages call these settings.
        network: a model's entry of the config, overrides applied.

    Raises:
        ConfigError: a setting is missing, is another network's, or does not fit the others.
    """
    name, width = network["network"], network.get("width")
    known = (*NETWORKS[name], *(_RESOLVED if name == "gap" else ()))
    if foreign := [key for key in network if key not in ("network", *known)]:
        raise ConfigError(
            f"{where}: network {name} has no {' and no '.join(foreign)}, expected"
            f" {', '.join(known)}{nearest(foreign[0], known)}; an override meant for one"
            " model names it in its where."
        )
    if missing := [key for key in NETWORKS[name] if key not in network]:
        raise ConfigError(f"{where}: lacks {', '.join(missing)}, which network {name} needs.")
    if any(block > network["blocks"] for block in network["downsample"]):
        raise ConfigError(
            f"{where}.downsample: names block {max(network['downsample'])}, but there are"
            f" {network['blocks']} blocks."
        )
    if width < (least := _LEAST_WIDTHS.get(name, 1)):
        raise ConfigError(f"{where}.width: found {width}, expected at least {least}.")
    if name == "blockgcn" and width % _BLOCKGCN_WIDTH:
        raise ConfigError(
            f"{where}.width: found {width}, expected a multiple of {_BLOCKGCN_WIDTH}."
        )
    if name != "protogcn":
        return
    if width % _PROTOGCN_WIDTH:
        raise ConfigError(
            f"{where}.width: found {width}, expected a multiple of {_PROTOGCN_WIDTH}."
        )
    if width % network["subsets"]:
        raise ConfigError(
            f"{where}.subsets: found {network['subsets']}, expected a divisor of the width {width}."
        )


def _change(run: "Run", origins: Mapping[str, str], key: str, value: str | float) -> str:
    """Return which override sets what does not fit, and one that sets what does."""
    origin = f"overrides.{origins[key]}" if key in origins else "the section train"
    last = " that comes after it" if key in origins else ""
    return (
        f"It is from {origin}; for this dataset write an override{last}: {{where: {{dataset:"
        f" {run.dataset.name}}}, set: {{{key}: {value}}}}}."
    )


def check_preparation(preparation: str, skeleton: Skeleton) -> None:
    """Raise ConfigError if ``skeleton`` does not declare what ``preparation`` needs."""
    if skeleton.in_image and preparation in PREPARATIONS[:-1]:
        raise ConfigError(
            f"skeletons.{skeleton.name}: holds pixels and scores, which preparation {preparation}"
            " cannot move; expected preparation raw."
        )
    match preparation:
        case "raw":
            needs = {}
        case "centred" | "first_frame":
            needs = {"centre": skeleton.centre}
        case "aligned":
            needs = {
                "centre": skeleton.centre,
                "spine": skeleton.spine,
                "shoulders": skeleton.shoulders,
            }
        case "own_axes":
            needs = {
                "centre": skeleton.centre,
                "spine": skeleton.spine,
                "pair of joints at the bottom of its spine": skeleton.hips,
            }
        case _:
            raise ConfigError(
                f"preparation {preparation!r}: expected one of {', '.join(PREPARATIONS)}."
            )
    if missing := [field for field, value in needs.items() if value is None]:
        raise ConfigError(
            f"skeletons.{skeleton.name}: has no {' and no '.join(missing)},"
            f" preparation {preparation} needs it."
        )
