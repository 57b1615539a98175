"""One bit flipped in every kind of file between stages."""

import random

import pytest

from tests.abuse.believed_files import write_believed


@pytest.fixture(scope="module")
def believed(trained_nano, tmp_path_factory):
    return write_believed(trained_nano, tmp_path_factory.mktemp("believed"))


def test_a_flipped_bit_is_found_or_changes_nothing(believed, campaign):
    for name, file in believed.items():
        whole = file.path.read_bytes()
        before = file.content()
        for seed in range(campaign.tries(push=20, nightly=200, release=2000)):
            place = random.Random(f"{name} {seed}").randrange(8 * len(whole))
            damaged = bytearray(whole)
            damaged[place // 8] ^= 1 << place % 8
            outcome = file.outcome(bytes(damaged), before)
            assert outcome in ("refused", "harmless"), (name, seed, outcome)
            campaign.count(outcome)
        assert file.outcome(whole, before) == "harmless"
