"""The tracks of the bodies in one recording -> the bytes of a raw NTU ``.skeleton`` file.

Shapes: T frames, V joints, C channels.
"""

from collections.abc import Sequence

import numpy as np

from protogcn.data.simulator.sensor import Track

# Kinect v2: focal length and image centre of the depth and colour cameras, in pixels.
_DEPTH = (365.0, 256.0, 212.0)
_COLOUR = (1060.0, 960.0, 540.0)
# x y z in metres, depth x y, colour x y, a quaternion that nobody reads, the tracking state.
_JOINT_LINE = "%.6f %.6f %.6f %d %d %d %d 1 0 0 0 %d\r\n"
_INFO_LINE = "%d 0 1 1 1 1 0 %.3f %.3f 2\r\n"


def format_skeleton_text(
    tracks: Sequence[Track], num_frames: int, empty: Sequence[int] = ()
) -> bytes:
    """Return the content of a file: ASCII lines that end in CR LF, as NTU's do.

    Args:
        tracks: of the bodies; a frame lists the ones that were followed in it, in this order.
        num_frames: T.
        empty: frames in which nobody was recognised; they list no body.
    """
    blocks: list[list[str]] = [[] for _ in range(num_frames)]
    for track in tracks:
        for frame, block in enumerate(_format_bodies(track), start=track.start):
            if frame not in empty:
                blocks[frame].append(block)
    lines = [f"{num_frames}\r\n"]
    for frame in blocks:
        lines.append(f"{len(frame)}\r\n")
        lines.extend(frame)
    return "".join(lines).encode("ascii")


def _format_bodies(track: Track) -> list[str]:
    x, y, z = np.moveaxis(track.joints, -1, 0)  # (T, V) each
    columns = [x, y, z]
    for focal, middle_x, middle_y in (_DEPTH, _COLOUR):
        columns += [middle_x + focal * x / z, middle_y - focal * y / z]
    values = np.stack([*columns, track.states], axis=-1)  # (T, V, 8)
    lean = (track.joints[:, 20] - track.joints[:, 0])[:, (0, 2)]  # (T, 2)
    template = f"{_INFO_LINE}{values.shape[1]}\r\n{_JOINT_LINE * values.shape[1]}"
    rows = values.reshape(len(values), -1).tolist()
    return [
        template % (track.identifier, *tilt, *row)
        for tilt, row in zip(lean.tolist(), rows, strict=True)
    ]
