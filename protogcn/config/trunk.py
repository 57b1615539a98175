"""A joint layout -> the joints of its trunk that HD-GCN's hierarchies start from.

Source: HD-GCN (Lee et al., ICCV 2023), whose joints for NTU RGB+D this rule gives.
"""

from collections import deque

from protogcn.config.skeleton import Skeleton
from protogcn.errors import ConfigError

MOST_ROOTS = 3


def trunk_root(where: str, skeleton: Skeleton, number: int) -> int:
    """Return one of ``trunk_roots``, counted from 1.

    Raises:
        ConfigError: there are fewer; ``where`` is the setting that asks for it.
    """
    found = trunk_roots(skeleton)
    if number > len(found):
        names = ", ".join(skeleton.joints[joint] for joint in found)
        raise ConfigError(
            f"{where}: found {number}, but the trunk of skeletons.{skeleton.name} has {len(found)}"
            f" to start from ({names}); expected 1{f' to {len(found)}' if len(found) > 1 else ''}."
        )
    return found[number - 1]


def trunk_roots(skeleton: Skeleton) -> list[int]:
    """Return up to three joints of the trunk, from where the legs are to where the arms are.

    The ends of the trunk are the two joints in no pair beside which whole pairs are that carry the
    most joints; the arms' end has the head beside it. A layout whose pairs tell no two ends, such
    as that of a stick or a hand, has the root of its bone tree alone.
    """
    near: dict[int, set[int]] = {joint: set() for joint in range(skeleton.num_joints)}
    for child, parent in skeleton.edges:
        near[child].add(parent)
        near[parent].add(child)
    paired = {joint for pair in skeleton.pairs for joint in pair}

    def behind(joint: int, before: int) -> int:
        """Count the joints of the limb that begins with ``joint``."""
        seen, waiting = {before, joint}, [joint]
        while waiting:
            new = near[waiting.pop()] - seen
            seen |= new
            waiting.extend(new)
        return len(seen) - 1

    carried = {
        joint: sum(
            behind(left, joint) + behind(right, joint)
            for left, right in skeleton.pairs
            if {left, right} <= near[joint]
        )
        for joint in range(skeleton.num_joints)
        if joint not in paired
    }
    ends = sorted((joint for joint in carried if carried[joint]), key=lambda j: -carried[j])[:2]
    if len(ends) < 2:
        return [joint for joint, parent in enumerate(skeleton.parents) if joint == parent]
    path = _path(near, *ends)
    if near[path[0]] - paired - set(path):  # the head is beside it
        path.reverse()
    middle = [path[len(path) // 2]] if len(path) > 2 else []
    return path if len(path) <= MOST_ROOTS else [path[0], *middle, path[-1]]


def _path(near: dict[int, set[int]], first: int, last: int) -> list[int]:
    before, waiting = {first: first}, deque([first])
    while last not in before:
        joint = waiting.popleft()
        for other in near[joint] - before.keys():
            before[other] = joint
            waiting.append(other)
    path = [last]
    while path[-1] != first:
        path.append(before[path[-1]])
    return path[::-1]
