"""A joint layout -> its head, hands, hip and feet, which the method GAP compares with texts.

Source: GAP's lists for NTU RGB+D; for other layouts the rule that gives nearly the same ones.
"""

from collections.abc import Mapping, Sequence

from protogcn.config.skeleton import Skeleton
from protogcn.errors import ConfigError

PARTS = ("head", "hand", "hip", "foot")


def body_parts(skeleton: Skeleton, *, bones: bool) -> list[list[int]]:
    """Return the joints of each of ``PARTS``.

    A layout declares them (``parts``, and ``bone_parts`` for modalities of bones), or has limbs
    whose names say ``arm`` and ``leg``: hands and feet are these; of all other joints those are the
    hip's that are no further from the legs than from the arms, and the joints where legs begin.

    Args:
        skeleton: the layout.
        bones: for a modality of bones.

    Raises:
        ConfigError: it declares neither.
    """
    declared = (skeleton.bone_parts if bones else None) or skeleton.parts
    if declared:
        return [list(declared[name]) for name in PARTS]
    arms = _limbs(skeleton, "arm")
    legs = _limbs(skeleton, "leg")
    if not (arms and legs):
        raise ConfigError(
            f"skeletons.{skeleton.name}: network gap needs to know head, hands, hip and feet;"
            f" declare parts: {{{', '.join(f'{name}: [...]' for name in PARTS)}}}, or limbs whose"
            " names have arm and leg in them."
        )
    trunk = [j for j in range(skeleton.num_joints) if j not in {*arms, *legs}]
    of_legs, of_arms = (_begins(skeleton, limbs) for limbs in (legs, arms))
    hip = [j for j in trunk if _hops(skeleton, j, of_legs) <= _hops(skeleton, j, of_arms)]
    head = [joint for joint in trunk if joint not in hip]
    return [head, arms, sorted({*hip, *of_legs}), legs]


def _limbs(skeleton: Skeleton, word: str) -> list[int]:
    groups = zip(skeleton.limb_names, skeleton.limbs, strict=True)
    return sorted({joint for name, limb in groups if word in name for joint in limb})


def _begins(skeleton: Skeleton, limb: Sequence[int]) -> list[int]:
    return [joint for joint in limb if skeleton.parents[joint] not in limb]


def _hops(skeleton: Skeleton, joint: int, others: Sequence[int]) -> int:
    """Return how many bones a joint is away from the nearest of others."""
    near: Mapping[int, set[int]] = {each: set() for each in range(skeleton.num_joints)}
    for child, parent in enumerate(skeleton.parents):
        near[child].add(parent)
        near[parent].add(child)
    reached, hops = {joint}, 0
    while not reached & {*others}:
        reached |= {other for each in reached for other in near[each]}
        hops += 1
    return hops
