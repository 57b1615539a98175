"""The campaign against lost work, wrong numbers and hostile files: one file for each family of faults.

Faults come from outside: signals, full disks, bytes. ``make abuse TIER=push|nightly|release`` runs it;
docs/reliability.md has what nightly found.
"""
