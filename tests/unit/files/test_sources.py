import os
from pathlib import Path

import pytest

from protogcn.errors import ConfigError, ContractError
from protogcn.files.sources import note_sources, refuse_exchanged_sources


@pytest.fixture
def table(tmp_path):
    """A product of one file and of a folder of two, written after them."""
    (tmp_path / "raw/p1").mkdir(parents=True)
    sources = [tmp_path / "a.pkl", tmp_path / "raw/one.csv", tmp_path / "raw/p1/two.csv"]
    for source in sources:
        source.write_text("first")
    product = tmp_path / "table.csv"
    note_sources(product, [sources[0], tmp_path / "raw"])
    product.write_text("made")
    return product


def _write_with_its_date(path: Path, text: str, *, days_back: int = 0) -> None:
    status = path.stat()
    path.write_text(text)
    back = days_back * 86_400 * 10**9
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns - back))


@pytest.mark.parametrize("text", ["other, longer", "fir5t"])
def test_a_file_exchanged_for_one_of_an_older_date_is_refused_with_what_to_do(table, text):
    _write_with_its_date(table.parent / "a.pkl", text, days_back=3)
    with pytest.raises(ConfigError, match=r"a\.pkl: is not the file that .*remove .*table\.csv"):
        refuse_exchanged_sources(table)


def test_a_file_of_another_date_and_the_same_content_is_no_news(table):
    _write_with_its_date(table.parent / "a.pkl", "first", days_back=3)
    refuse_exchanged_sources(table)


def test_a_newer_file_is_left_to_snakemake(table):
    (table.parent / "a.pkl").write_text("other")
    os.utime(table.parent / "a.pkl", (2e9, 2e9))
    refuse_exchanged_sources(table)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("one.csv", "again", "1 of its 2 files .*one.csv has another date"),
        ("p1/two.csv", "longer than it was", "1 of its 2 files .*two.csv has another size"),
        ("p1/three.csv", "new", "1 of its 2 files .*three.csv is new"),
        ("p1/two.csv", None, "1 of its 2 files .*two.csv is gone"),
    ],
)
def test_a_file_in_a_folder_whose_own_date_stays_is_noticed(table, name, text, words):
    path = table.parent / "raw" / name
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
        os.utime(path, (1e9, 1e9))
    with pytest.raises(ConfigError, match=words):
        refuse_exchanged_sources(table)


def test_dates_that_an_archive_has_rounded_are_no_news(table):
    for path in table.parent.rglob("*.*"):
        os.utime(path, (0, path.stat().st_mtime // 2 * 2))
    refuse_exchanged_sources(table)


def test_hidden_files_links_that_lead_nowhere_and_pipes_are_no_sources(table):
    (table.parent / "raw/p1/.nfs0001").write_text("")
    (table.parent / "raw/p1/nowhere").symlink_to("nothing")
    os.mkfifo(table.parent / "raw/p1/pipe")
    refuse_exchanged_sources(table)


def test_a_product_without_a_note_and_a_note_without_its_product_are_believed(table):
    _write_with_its_date(table.parent / "a.pkl", "other")
    content = table.read_text()
    table.unlink()
    refuse_exchanged_sources(table)
    table.write_text(content)
    (table.parent / ".table.csv.sources.json").unlink()
    refuse_exchanged_sources(table)


def test_a_damaged_note_is_named(table):
    (table.parent / ".table.csv.sources.json").write_text("[")
    with pytest.raises(ContractError, match=r"\.table\.csv\.sources\.json: found a damaged file"):
        refuse_exchanged_sources(table)
