import time

from protogcn.data.readers.person_slots import slots_of_ids
from protogcn.data.readers.values import Origin


def test_persons_whose_ids_never_return_take_time_in_proportion_to_their_number():
    begin = time.process_time()
    ids, frames = [str(number) for number in range(20_000)], list(range(20_000))
    assert set(slots_of_ids(ids, frames, Origin("a.csv"))) == {0}
    assert set(slots_of_ids(ids, frames[::-1], Origin("a.csv"))) == {0}
    assert time.process_time() - begin < 2  # it was a minute


def test_persons_share_a_slot_only_if_they_never_meet():
    ids, frames = ["a", "a", "b", "c", "c", "d", "e"], [5, 9, 7, 0, 4, 10, 4]
    # a 5-9, b 7, c 0-4, d 10, e 4
    assert slots_of_ids(ids, frames, Origin("a.csv")) == [0, 0, 1, 0, 0, 0, 1]
