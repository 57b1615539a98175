"""One bit flipped in every kind of file between stages."""

import random


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
