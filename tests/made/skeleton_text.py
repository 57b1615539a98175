"""Hand-made raw files for the tests."""

INFO = "0 1 1 1 1 0 0.1 0.2 2"
REST = "283.03 224.29 1027.2 581.27 -0.25 0.12 0.95 -0.09 2"


def joint_lines(scale=1.0, rest=REST):
    return [f"{scale * j:.4f} {scale * j + 0.5:.4f} {-scale * j:.4f} {rest}" for j in range(25)]


def make_lines(frames):
    """Each frame is a list of (body id, scale)."""
    lines = [str(len(frames))]
    for bodies in frames:
        lines.append(str(len(bodies)))
        for body_id, scale in bodies:
            lines += [f"{body_id} {INFO}", "25", *joint_lines(scale)]
    return lines


def make_text(frames, newline="\n"):
    return (newline.join(make_lines(frames)) + newline).encode()
