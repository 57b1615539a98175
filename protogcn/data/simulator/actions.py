"""The twelve actions of the demo, as a right-handed person does them.

Four pairs are alike on purpose: sitting down and standing up differ in the order of the
postures, clapping and rubbing hands, waving and raising a hand in what the hands do while they
are up, drinking and phoning in a hand's width. Two actions are done by two.
"""

from protogcn.data.simulator.motions import Motion, Posture, Role, Swing


def _both(posture: Posture) -> dict[str, float]:
    """Give the postures of the right limbs to the left ones too."""
    return {
        f"{side}_{name}": value for side in ("left", "right") for name, value in posture.items()
    }


_RIGHT_HAND, _CHEST = 11, 20
_REST: Posture = {}
_SEATED = {
    **_both({"leg_forward": 84, "knee": 86, "arm_forward": 30, "arm_sideways": 12, "elbow": 45}),
    "lean": 3,
}
_HALF_SEATED = {
    **_both({"leg_forward": 62, "knee": 68, "arm_forward": 42, "arm_sideways": 12, "elbow": 25}),
    "lean": 36,
}
_RAISED = {
    "right_arm_forward": 59,
    "right_arm_sideways": 71,
    "right_arm_inward": -66,
    "right_elbow": 100,
}
_HIGH = {
    "right_arm_forward": 52,
    "right_arm_sideways": 84,
    "right_arm_inward": -76,
    "right_elbow": 86,
}
_MOUTH = {
    "right_arm_forward": 78,
    "right_arm_sideways": 66,
    "right_arm_inward": -30,
    "right_elbow": 118,
}
_EAR = {
    "right_arm_forward": 48,
    "right_arm_sideways": 108,
    "right_arm_inward": -92,
    "right_elbow": 128,
}
_CUP = {"right_arm_forward": 20, "right_elbow": 85}
_CLAP = _both({"arm_forward": 30, "arm_sideways": 17, "arm_inward": 20, "elbow": 110})
_RUB = _both({"arm_forward": 20, "arm_sideways": 14, "arm_inward": 34, "elbow": 102})
_SHAKE = {
    "right_arm_forward": 48,
    "right_arm_sideways": 8,
    "right_arm_inward": 30,
    "right_elbow": 50,
    "lean": 6,
}
_DRAWN = _both({"arm_forward": 6, "arm_sideways": 23, "arm_inward": 10, "elbow": 130})
_PUSH = {
    **_both({"arm_forward": 77, "arm_sideways": 20, "arm_inward": 10, "elbow": 22}),
    "lean": 16,
    "right_leg_forward": 22,
    "right_knee": 24,
    "left_leg_forward": -14,
    "advance": 0.22,
}
_STUMBLE = {
    "lean": -14,
    "nod": 12,
    **_both({"arm_forward": 34, "arm_sideways": 30, "elbow": 46}),
    "left_leg_forward": -20,
    "right_leg_forward": 16,
    "right_knee": 12,
    "advance": -0.32,
}
_CROUCH = {
    **_both({"leg_forward": 52, "knee": 92, "foot": 38, "arm_forward": -35, "elbow": 15}),
    "lean": 34,
}
_LEAP = {**_both({"arm_forward": 115, "elbow": 25, "foot": -40}), "lift": 0.24}

MOTIONS: tuple[Motion, ...] = (
    Motion(
        "sitting down",
        (Role(((0.12, _REST), (0.45, _HALF_SEATED), (0.72, _SEATED), (1.0, _SEATED))),),
    ),
    Motion(
        "standing up",
        (Role(((0.0, _SEATED), (0.25, _SEATED), (0.52, _HALF_SEATED), (0.85, _REST))),),
    ),
    Motion(
        "waving a hand",
        (
            Role(
                ((0.05, _REST), (0.28, _RAISED), (0.8, _RAISED), (1.0, _REST)),
                (
                    Swing("right_arm_inward", 27, 1.7, 0.25, 0.85),
                    Swing("right_wrist", 18, 1.7, 0.25, 0.85, 0.9),
                ),
            ),
        ),
    ),
    Motion(
        "shaking hands",
        (
            Role(
                ((0.05, _REST), (0.33, _SHAKE), (0.75, _SHAKE), (1.0, _REST)),
                (Swing("right_elbow", 9, 2.2, 0.33, 0.75),),
                contact=_RIGHT_HAND,
            ),
            Role(
                ((0.08, _REST), (0.35, _SHAKE), (0.74, _SHAKE), (1.0, _REST)),
                (Swing("right_elbow", 9, 2.2, 0.33, 0.75),),
                contact=_RIGHT_HAND,
            ),
        ),
    ),
    Motion(
        "raising a hand",
        (Role(((0.05, _REST), (0.3, _HIGH), (0.78, _HIGH), (1.0, _REST))),),
    ),
    Motion(
        "drinking water",
        (
            Role(
                (
                    (0.0, _CUP),
                    (0.12, _CUP),
                    (0.38, _MOUTH),
                    (0.55, {**_MOUTH, "nod": -14}),
                    (0.72, _MOUTH),
                    (1.0, _CUP),
                ),
            ),
        ),
    ),
    Motion(
        "making a phone call",
        (
            Role(
                ((0.0, _CUP), (0.12, _CUP), (0.4, {**_EAR, "look": -8}), (0.85, _EAR), (1.0, _CUP)),
            ),
        ),
    ),
    Motion(
        "clapping",
        (
            Role(
                ((0.02, _REST), (0.2, _CLAP), (0.84, _CLAP), (1.0, _REST)),
                (
                    Swing("left_arm_inward", 22, 2.3, 0.16, 0.86),
                    Swing("right_arm_inward", 22, 2.3, 0.16, 0.86),
                ),
            ),
        ),
    ),
    Motion(
        "rubbing hands",
        (
            Role(
                ((0.02, _REST), (0.2, _RUB), (0.84, _RUB), (1.0, _REST)),
                (
                    Swing("left_elbow", 13, 2.1, 0.16, 0.86, 0.5),
                    Swing("right_elbow", 13, 2.1, 0.16, 0.86),
                ),
            ),
        ),
    ),
    Motion(
        "kicking",
        (
            Role(
                (
                    (0.1, _REST),
                    (0.4, {"right_leg_forward": -24, "right_knee": 62, "lean": 8, "left_knee": 10}),
                    (
                        0.58,
                        {
                            "right_leg_forward": 66,
                            "right_knee": 8,
                            "lean": -10,
                            "left_arm_forward": 32,
                            "right_arm_forward": -22,
                        },
                    ),
                    (0.85, _REST),
                ),
            ),
        ),
    ),
    Motion(
        "jumping",
        (
            Role(
                (
                    (0.1, _REST),
                    (0.38, _CROUCH),
                    (0.55, _LEAP),
                    (0.7, {**_CROUCH, "lean": 22}),
                    (0.92, _REST),
                ),
            ),
        ),
    ),
    Motion(
        "pushing someone",
        (
            Role(
                ((0.08, _REST), (0.34, _DRAWN), (0.52, _PUSH), (0.62, _PUSH), (0.95, _REST)),
                contact=_RIGHT_HAND,
            ),
            Role(((0.46, _REST), (0.68, _STUMBLE), (1.0, {"advance": -0.3})), contact=_CHEST),
        ),
    ),
)
CLASS_NAMES: tuple[str, ...] = tuple(motion.name for motion in MOTIONS)
