"""NTU's .skeleton files damaged, guided by the lines that they reach."""

from tests.abuse.outside_files import skeleton_reader


def test_a_damaged_skeleton_file_is_a_clip_or_one_sentence_with_its_line(campaign, tmp_path):
    tries = campaign.tries(push=2000, nightly=200_000, release=1_000_000)
    seconds = campaign.seconds(push=5, nightly=300)
    campaign.damage(skeleton_reader(), tmp_path, tries=tries, seconds=seconds)
