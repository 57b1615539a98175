"""The fixtures of the unit tests that are needed here too."""

from tests.unit import conftest as unit

golden = unit.golden
ntu25 = unit.ntu25
one_thread = unit.one_thread
