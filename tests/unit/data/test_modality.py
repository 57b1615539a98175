import numpy as np
import pandas as pd
import pytest

from protogcn.config.resolved import MODALITIES
from protogcn.data import modality as stage
from protogcn.data.bones import compute_modality
from protogcn.data.modality import write_modalities
from protogcn.errors import ContractError
from protogcn.files.arrays import open_array, writing_array
from protogcn.files.contracts import digest_of
from protogcn.files.csv_table import save_table


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
    monkeypatch.setattr(stage, "ROWS_AT_ONCE", frames_at_once)
    outputs = {name: folder / f"{name}.npy" for name in MODALITIES}
    write_modalities(folder / "joints.npy", folder / "clips.csv", toy5, outputs)
    for name, path in outputs.items():
        found, _ = open_array(path)
        np.testing.assert_array_equal(found, compute_modality(joints, name, toy5, ends))


def test_workers_change_no_byte(written, toy5, monkeypatch):
    folder, _, _ = written
    monkeypatch.setattr(stage, "ROWS_AT_ONCE", 17)
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
    with pytest.raises(ContractError, match=r"joints\.npy: was written with another clip table"):
        write_modalities(folder / "joints.npy", folder / "clips.csv", toy5, {})
