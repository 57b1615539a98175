import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch

from protogcn.errors import ContractError, SupersededError, UnreadableError
from protogcn.models.checkpoint import load_checkpoint, save_checkpoint
from protogcn.training.resume import ResumeFile
from protogcn.training.run_owner import Owner


@pytest.fixture
def path(tmp_path):
    save_checkpoint(tmp_path / "c.pt", {"model": {"w": torch.arange(4096.0)}, "epoch": 2})
    return tmp_path / "c.pt"


def test_checkpoint_reads_back(path):
    content = load_checkpoint(path, {"model": dict, "epoch": int})
    assert content["epoch"] == 2
    assert torch.equal(content["model"]["w"], torch.arange(4096.0))


def test_missing_entry_is_named(path):
    with pytest.raises(ContractError, match=r"c\.pt: lacks history, expected"):
        load_checkpoint(path, {"model": dict, "history": list})


def test_flipped_bits_are_found(path):
    whole = path.read_bytes()
    for place in range(len(whole) // 4, len(whole) // 2, 1001):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(ContractError, match=r"c\.pt"):
            load_checkpoint(path, {"model": dict})


def test_flipped_bits_of_the_archives_own_tables_are_found(path):
    """One of an entry's attributes makes torch leave its tensor unread."""
    whole = path.read_bytes()
    tables = whole.index(b"PK\x01\x02")
    for place in range(tables, len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        path.write_bytes(damaged)
        try:
            content = load_checkpoint(path, {"model": dict})
        except ContractError:
            continue
        assert place >= len(whole) - 80  # in the digest's own name
        assert torch.equal(content["model"]["w"], torch.arange(4096.0))


def test_a_checkpoint_of_an_older_version_is_read_unless_an_entry_is_said_to_be_a_folder(tmp_path):
    path = tmp_path / "c.pt"
    torch.save({"model": {"w": torch.arange(9.0)}}, path)
    assert torch.equal(load_checkpoint(path, {"model": dict})["model"]["w"], torch.arange(9.0))
    whole = bytearray(path.read_bytes())
    whole[whole.index(b"PK\x01\x02") + 38] ^= 0x10  # external attributes of the first entry
    path.write_bytes(whole)
    with pytest.raises(ContractError, match=r"c\.pt: .* in it is damaged"):
        load_checkpoint(path, {"model": dict})


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06", b"not a checkpoint"])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "c.pt").write_bytes(content)
    with pytest.raises(ContractError, match=r"c\.pt"):
        load_checkpoint(tmp_path / "c.pt", {"model": dict})


class _Attack:
    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return os.mkdir, (self.canary,)


def test_a_checkpoint_of_compressed_tensors_is_refused_before_it_is_unpacked(path):
    with zipfile.ZipFile(path) as whole:
        entries = {entry.filename: whole.read(entry) for entry in whole.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in entries.items():
            packed.writestr(name, content)
    with pytest.raises(ContractError, match=r"c\.pt: .* is compressed, expected stored"):
        load_checkpoint(path, {"model": dict})


def test_checkpoint_that_would_run_code_is_refused(tmp_path):
    canary = str(tmp_path / "canary")
    torch.save({"model": _Attack(canary)}, tmp_path / "c.pt")
    with pytest.raises(ContractError, match=r"c\.pt"):
        load_checkpoint(tmp_path / "c.pt", {"model": dict})
    (tmp_path / "d.pt").write_bytes(pickle.dumps(_Attack(canary)))
    with pytest.raises(ContractError, match=r"d\.pt"):
        load_checkpoint(tmp_path / "d.pt", {"model": dict})
    assert not Path(canary).exists()


def state(epoch, **facts):
    empty = {"model": {}, "optimizer": {}, "history": [], "best": None}
    return {"facts": {"batch": 4, **facts}, "epoch": epoch, **empty}


def test_resume_gives_the_newest_generation(tmp_path):
    resume = ResumeFile(tmp_path)
    assert resume.load({"batch": 4}) is None
    resume.save(state(1))
    resume.save(state(2))
    assert resume.load({"batch": 4})["epoch"] == 2
    assert sorted(os.listdir(tmp_path)) == ["resume.prev.pt", "resume.pt"]


def test_damaged_generation_gives_way_to_the_one_before(tmp_path, capsys):
    resume = ResumeFile(tmp_path)
    resume.save(state(1))
    resume.save(state(2))
    (tmp_path / "resume.pt").write_bytes(b"half")
    assert resume.load({"batch": 4})["epoch"] == 1
    assert "resume.pt" in capsys.readouterr().err


def test_damaged_generation_never_takes_a_good_ones_place(tmp_path, monkeypatch):
    """A kill in the save after a damaged newest generation leaves the good previous one."""
    resume = ResumeFile(tmp_path)
    resume.save(state(1))
    resume.save(state(2))
    (tmp_path / "resume.pt").write_bytes(b"half")
    assert ResumeFile(tmp_path).load({"batch": 4})["epoch"] == 1

    def killed(path, content):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("protogcn.training.resume.save_checkpoint", killed)
        resume.save(state(2))
    assert ResumeFile(tmp_path).load({"batch": 4})["epoch"] == 1


def test_entry_of_another_type_is_named(path):
    with pytest.raises(ContractError, match=r"c\.pt: epoch is of type int, expected list"):
        load_checkpoint(path, {"epoch": list})


def test_owner_token_that_is_none_is_one_sentence(tmp_path):
    owner = Owner(tmp_path)
    (tmp_path / "owner.json").write_text("[]")
    with pytest.raises(ContractError, match=r"owner\.json: found a damaged file"):
        owner.check()


def test_killed_between_the_two_renames_nothing_is_lost(tmp_path):
    resume = ResumeFile(tmp_path)
    resume.save(state(1))
    (tmp_path / "resume.pt").rename(tmp_path / "resume.prev.pt")
    assert resume.load({"batch": 4})["epoch"] == 1


def test_state_of_other_settings_is_not_used_and_they_are_named(tmp_path, capsys):
    resume = ResumeFile(tmp_path)
    resume.save(state(1, learning_rate=0.1, epochs=3))
    assert resume.load({"batch": 5, "learning_rate": 0.1, "width": 24}) is None
    assert "with other batch, epochs, width; training starts from the beginning" in (
        capsys.readouterr().err
    )


def test_last_owner_wins_and_the_first_one_stops(tmp_path):
    first = Owner(tmp_path)
    first.check()
    second = Owner(tmp_path)
    second.check()
    with pytest.raises(SupersededError, match="another process took over this run"):
        first.check()


@pytest.mark.parametrize(
    "error",
    [MemoryError(), PermissionError(13, "Permission denied"), OSError(24, "Too many open files"),
     RuntimeError("DefaultCPUAllocator: can't allocate memory")],
)  # fmt: skip
def test_a_state_that_cannot_be_read_now_is_not_thrown_away(tmp_path, monkeypatch, error):
    state = {"facts": {}, "epoch": 1, "model": {}, "optimizer": {}, "history": [], "best": None}
    ResumeFile(tmp_path).save(state)
    ResumeFile(tmp_path).save(state)

    def fail(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", fail)
        with pytest.raises(
            UnreadableError, match=r"resume\.pt: cannot be read now .* may be whole"
        ):
            ResumeFile(tmp_path).load({})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["resume.prev.pt", "resume.pt"]
    assert ResumeFile(tmp_path).load({}) == state


def test_a_folder_that_refuses_a_new_name_is_one_sentence(tmp_path, monkeypatch):
    save_checkpoint(tmp_path / "resume.pt", {})

    def refuse(self, target):
        raise OSError(1, "Operation not permitted")

    saved = Path.replace
    monkeypatch.setattr(
        Path, "replace", lambda self, to: (refuse if "prev" in to.name else saved)(self, to)
    )
    with pytest.raises(
        ContractError, match=r"resume\.pt: could not be renamed to resume\.prev\.pt"
    ):
        ResumeFile(tmp_path).save({})


@pytest.mark.parametrize("lost", [1, 40, 64, 79, 80, 81, 82])
def test_a_file_that_lost_its_end_is_not_taken_for_one_of_an_older_version(path, lost):
    path.write_bytes(path.read_bytes()[:-lost])
    with pytest.raises(ContractError, match=r"c\.pt: (its end is missing|found .* cut short)"):
        load_checkpoint(path, {"model": dict})


def test_a_file_whose_digest_lost_its_name_is_not_taken_for_one_of_an_older_version(path):
    path.write_bytes(path.read_bytes().replace(b"protogcn sha256 ", b"protogcn sha255 "))
    with pytest.raises(ContractError, match=r"c\.pt: its end is missing or damaged; remove it"):
        load_checkpoint(path, {"model": dict})
