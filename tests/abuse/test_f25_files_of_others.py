"""Files of every other reader damaged, guided by the lines that they reach."""

import pytest

from tests.abuse.outside_files import clip_readers, score_readers, table_readers

READERS = {reader.name: reader for reader in (*clip_readers(), *table_readers(), *score_readers())}


@pytest.mark.parametrize("name", READERS)
def test_a_damaged_file_of_others_is_read_or_one_sentence(campaign, tmp_path, name):
    tries = campaign.tries(push=100, nightly=200_000, release=1_000_000)
    seconds = campaign.seconds(push=0.05, nightly=18)
    campaign.damage(READERS[name], tmp_path, tries=tries, seconds=seconds)
