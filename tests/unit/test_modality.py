import numpy as np
import pandas as pd
import pytest

from protogcn import modality as stage
from protogcn.arrays import open_array, writing_array
from protogcn.bones import compute_modality
from protogcn.config import MODALITIES
from protogcn.contracts import digest_of, save_table
from protogcn.errors import ConfigError, ContractError
from protogcn.modality import write_modalities
from protogcn.preparation import prepare
from protogcn.sampling import scoring_frames


def released_val(values, frames=100):
    """The rest of the released val pipeline: one crop, padded to two persons."""
    crop = values[:, scoring_frames(values.shape[1], frames, 1)[0]].astype(np.float32)
    return np.concatenate([crop, np.zeros_like(crop)])[None, :2]  # (1, 2, L, V, C)


def end_to_end(keypoints, name, skeleton):
    """(M, T, V, C) -> modality (M, T, V, C)."""
    frames = keypoints.transpose(1, 0, 2, 3)
    return compute_modality(frames, name, skeleton, [len(frames) - 1]).transpose(1, 0, 2, 3)


@pytest.mark.parametrize("case", ["A", "B", "D"])
@pytest.mark.parametrize("name", MODALITIES)
def test_float16_equals_the_released_pipeline_bit_for_bit(golden, ntu25, name, case):
    centred = prepare(golden[f"in_{case}"], "centred", ntu25)
    found = released_val(end_to_end(centred, name, ntu25))
    np.testing.assert_array_equal(found, golden[f"val_{name}_{case}"], strict=True)


@pytest.mark.parametrize("case", ["A", "B", "D"])
@pytest.mark.parametrize("name", MODALITIES)
def test_float32_stays_within_two_thousandths_of_it(golden, ntu25, name, case):
    centred = prepare(golden[f"in_{case}"].astype(np.float32), "centred", ntu25)
    found = released_val(end_to_end(centred, name, ntu25))
    np.testing.assert_allclose(found, golden[f"val_{name}_{case}"], rtol=0, atol=2e-3)


@pytest.fixture
def joints():
    return np.random.default_rng(3).normal(size=(7, 2, 25, 3))


@pytest.mark.parametrize("name", MODALITIES)
def test_commutes_with_rotation(joints, ntu25, name):
    turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    before = compute_modality(joints @ turn, name, ntu25, [6])
    after = compute_modality(joints, name, ntu25, [6]) @ turn
    np.testing.assert_allclose(before, after, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", MODALITIES)
def test_commutes_with_swapping_sides(joints, ntu25, name):
    before = compute_modality(joints[:, :, ntu25.swap], name, ntu25, [6])
    after = compute_modality(joints, name, ntu25, [6])[:, :, ntu25.swap]
    np.testing.assert_array_equal(before, after)


def test_bones_of_a_toy_skeleton(toy5):
    joints = np.zeros((1, 1, 5, 3))
    joints[0, 0, :, 0] = [1, 3, 7, 8, 20]
    bones = compute_modality(joints, "b", toy5, [0])
    two_step = compute_modality(joints, "k", toy5, [0])
    assert bones[0, 0, :, 0].tolist() == [0, 2, 4, 5, 19]
    # Joints 1 and 4 hang on the root: their grandparent would pass it.
    assert two_step[0, 0, :, 0].tolist() == [0, 0, 6, 7, 0]


def test_motion_is_the_step_to_the_next_frame_and_zero_at_each_clips_end(toy5):
    joints = np.zeros((5, 1, 5, 3))
    joints[:, 0, 2, 1] = [1, 4, 9, 100, 101]
    motion = compute_modality(joints, "jm", toy5, [2, 4])
    assert motion[:, 0, 2, 1].tolist() == [3, 5, 0, 1, 0]


def test_a_clip_of_one_frame_has_no_motion(toy5):
    assert not compute_modality(np.ones((1, 1, 5, 3)), "km", toy5, [0]).any()


def test_unknown_modality_is_refused(toy5):
    with pytest.raises(ConfigError, match="'v': expected one of j, b, k, jm, bm, km"):
        compute_modality(np.ones((1, 1, 5, 3)), "v", toy5, [0])


@pytest.fixture
def written(tmp_path, toy5):
    """Joints of 40 clips of 1 to 9 frames on disk, and the same in memory."""
    generator = np.random.default_rng(5)
    lengths = generator.integers(1, 10, 40)
    joints = generator.normal(size=(lengths.sum(), 2, 5, 3)).astype(np.float32)
    table = pd.DataFrame(
        {
            "clip": [f"c{number}" for number in range(40)],
            "label": 0,
            "first_frame": np.r_[0, lengths.cumsum()[:-1]],
            "num_frames": lengths,
            "persons": 1,
            "xsub": "train",
        }
    )
    save_table(tmp_path / "clips.csv", table)
    with writing_array(tmp_path / "joints.npy", (2, 5, 3)) as writer:
        writer.append(joints)
        writer.finish({"clips": digest_of(tmp_path / "clips.csv")})
    return tmp_path, joints, lengths.cumsum() - 1


@pytest.mark.parametrize("frames_at_once", [1, 17, 10_000])
def test_written_modalities_do_not_depend_on_the_batches(
    written, toy5, frames_at_once, monkeypatch
):
    folder, joints, ends = written
    monkeypatch.setattr(stage, "_FRAMES_AT_ONCE", frames_at_once)
    outputs = {name: folder / f"{name}.npy" for name in MODALITIES}
    write_modalities(folder / "joints.npy", folder / "clips.csv", toy5, outputs)
    for name, path in outputs.items():
        found, _ = open_array(path)
        np.testing.assert_array_equal(found, compute_modality(joints, name, toy5, ends))


def test_workers_change_no_byte(written, toy5, monkeypatch):
    folder, _, _ = written
    monkeypatch.setattr(stage, "_FRAMES_AT_ONCE", 17)
    files = {}
    for workers in (1, 3):
        outputs = {name: folder / f"{name}-{workers}.npy" for name in MODALITIES}
        write_modalities(
            folder / "joints.npy", folder / "clips.csv", toy5, outputs, workers=workers
        )
        files[workers] = [path.read_bytes() for path in outputs.values()]
    assert files[1] == files[3]


def test_joints_and_clips_must_belong_together(written, toy5):
    folder, _, _ = written
    (folder / "clips.csv").write_text((folder / "clips.csv").read_text().replace("c0,", "x0,"))
    with pytest.raises(ContractError, match=r"is not the table .*joints\.npy was written with"):
        write_modalities(folder / "joints.npy", folder / "clips.csv", toy5, {})
