"""Joint layouts: a declaration of names and parents, and everything derived from it.

Shapes: V joints.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from protogcn.config.facts import skeleton_facts
from protogcn.config.joint_tree import parents_of
from protogcn.errors import ConfigError


@dataclass(frozen=True)
class Skeleton:
    """One joint layout. Indices are 0-based; the root is its own parent.

    Attributes:
        name: what the config calls it.
        joints: V joint names.
        parents: for each joint the next joint towards the root.
        centre: the joint that preparation moves to the origin; None leaves positions as they are.
        pairs: (left, right) joints, exchanged by the swap augmentation.
        limbs: groups of joints, one of which the limb-drop augmentation sets to zero.
        spine: (bottom, top) joints that the ``aligned`` preparation turns to the z axis.
        shoulders: (left, right) joints that it turns to the x axis.
        edges: (child, parent) graph edges; by default those of the bone tree.
        in_image: whether the channels are x and y in pixels and the score of a pose estimator,
            instead of x, y, z.
        midpoints: (joint, first, second): the last joints, which no raw file has, each in the
            middle of two others; computed in this order.
    """

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]
    centre: int | None
    pairs: tuple[tuple[int, int], ...]
    limbs: tuple[tuple[int, ...], ...]
    spine: tuple[int, int] | None
    shoulders: tuple[int, int] | None
    edges: tuple[tuple[int, int], ...]
    in_image: bool
    midpoints: tuple[tuple[int, int, int], ...]

    @classmethod
    def from_mapping(cls, name: str, entry: Mapping[str, Any]) -> "Skeleton":
        """Check one ``skeletons`` entry of the config and build it.

        Raises:
            ConfigError: the entry is not one tree over its joints, or an index is out of range.
        """
        where = f"skeletons.{name}"
        joints = tuple(entry["joints"])
        if twice := [joint for joint in dict.fromkeys(joints) if joints.count(joint) > 1]:
            raise ConfigError(
                f"{where}.joints: {', '.join(twice)} appears twice, expected different names."
            )
        parents = parents_of(where, joints, entry["parents"])
        limbs = tuple(tuple(limb) for limb in entry.get("limbs", {}).values())
        pairs = tuple(tuple(pair) for pair in entry.get("pairs", ()))
        midpoints = tuple(tuple(midpoint) for midpoint in entry.get("midpoints", ()))
        groups = {
            "centre": [entry[key] for key in ("centre",) if entry.get(key) is not None],
            "pairs": [joint for pair in pairs for joint in pair],
            "limbs": [joint for limb in limbs for joint in limb],
            "spine": entry.get("spine", ()),
            "shoulders": entry.get("shoulders", ()),
            "edges": [joint for edge in entry.get("edges", ()) for joint in edge],
            "midpoints": [joint for midpoint in midpoints for joint in midpoint],
        }
        for field, members in groups.items():
            for joint in members:
                if not 0 <= joint < len(joints):
                    raise ConfigError(
                        f"{where}.{field}: joint {joint} does not exist,"
                        f" the layout has joints 0 to {len(joints) - 1}."
                    )
        if twice := [joint for joint in groups["pairs"] if groups["pairs"].count(joint) > 1]:
            raise ConfigError(
                f"{where}.pairs: joint {twice[0]} ({joints[twice[0]]}) appears twice, expected each"
                " joint in one pair at most."
            )
        added = sorted(joint for joint, _, _ in midpoints)
        if added != list(range(len(joints) - len(midpoints), len(joints))):
            raise ConfigError(
                f"{where}.midpoints: makes the joints {added}, expected the last"
                f" {len(midpoints)} of the {len(joints)}, each once."
            )
        bones = tuple((joint, parent) for joint, parent in enumerate(parents) if joint != parent)
        return cls(
            name=name,
            joints=joints,
            parents=parents,
            centre=entry.get("centre"),
            pairs=pairs,
            limbs=limbs,
            spine=tuple(entry["spine"]) if "spine" in entry else None,
            shoulders=tuple(entry["shoulders"]) if "shoulders" in entry else None,
            edges=tuple(tuple(edge) for edge in entry["edges"]) if "edges" in entry else bones,
            in_image=entry.get("in_image", False),
            midpoints=midpoints,
        )

    def to_mapping(self) -> dict[str, Any]:
        """Return the entry that ``from_mapping`` builds this layout from."""
        entry: dict[str, Any] = {
            "joints": list(self.joints),
            "parents": list(self.parents),
            "pairs": [list(pair) for pair in self.pairs],
            "limbs": {str(number): list(limb) for number, limb in enumerate(self.limbs)},
            "edges": [list(edge) for edge in self.edges],
        }
        for field in ("centre", "spine", "shoulders"):
            value = getattr(self, field)
            if value is not None:
                entry[field] = list(value) if isinstance(value, tuple) else value
        if self.in_image:
            entry["in_image"] = True
        if self.midpoints:
            entry["midpoints"] = [list(midpoint) for midpoint in self.midpoints]
        return entry

    @property
    def num_joints(self) -> int:
        """V."""
        return len(self.joints)

    @property
    def num_raw_joints(self) -> int:
        """How many joints, the first ones, the raw files have."""
        return self.num_joints - len(self.midpoints)

    @cached_property
    def bone_partners(self) -> np.ndarray:
        """(V,): the joint that the bone of each joint starts at; the root's is the root."""
        return np.array(self.parents)

    @cached_property
    def two_step_partners(self) -> np.ndarray:
        """(V,): each joint's grandparent; itself where that would pass the root.

        Source: the released k-bone pairs are the second ancestors in the bone tree; joints next
        to the root, and the root, are paired with themselves, so their row is zero.
        """
        parents = self.bone_partners
        joints = np.arange(self.num_joints)
        is_root = parents == joints
        return np.where(is_root[parents], joints, parents[parents])

    @cached_property
    def swap(self) -> np.ndarray:
        """(V,): the permutation that exchanges left and right; an involution."""
        order = np.arange(self.num_joints)
        for left, right in self.pairs:
            order[left], order[right] = right, left
        return order


def built_in_skeletons() -> dict[str, Skeleton]:
    """Return the layouts that need no config entry: ntu25 and coco20."""
    return {name: Skeleton.from_mapping(name, item) for name, item in skeleton_facts().items()}
