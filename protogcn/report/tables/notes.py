"""What a reader has to know of a number: short codes in a csv, sentences below a table."""

from collections.abc import Iterable

NOTES = {
    "tuned_on_test": "the weights are, or look, tuned on the test split; never best or second",
    "learned": "the weights were learned on val clips, which no training of theirs saw",
    "oracle": "the weights were learned on the test labels: a bound, never best or second",
    "selected_best": "the epoch was chosen by its accuracy; never best or second",
    "selected_on_val": "the epoch was chosen by its accuracy on val clips",
    "selected_on_train": "the epoch was chosen by its accuracy on training clips",
    "selected_watched": "the last epoch; the test side was measured while it trained",
    "selected_unknown": "imported; which epoch was scored, and why, is not known",
    "copies": "some test clips have the positions of training clips (leave_out_copies)",
    "mixed_spaces": "some of its streams were imported as probabilities, others are logits",
    "started": "the training started from the weights of another network",
    "other_settings": "scored with other settings than the config has now",
    "incomplete": "fewer repeats than the table asks for",
    "other_clips": "measured on other test clips than the first number of its task",
    "within_clips": "within the noise of clips: not told from the best of its column by McNemar's"
    " test (p 0.05 or more)",
    "within_seeds": "within the noise of seeds: not told from the best of its column by a t test of"
    " the repeats (p 0.05 or more)",
    "within_interval": "inside the 95 % interval of ours",
    "assigned": "from a damaged row of the source, likely but not certainly this cell",
    "corrected": "as the authors' repository has it; the paper's text differs by a misprint",
    "released": "from the authors' fusion scripts, not in the paper",
    "scheme_unknown": "of streams and weights that are not known; ours may be another scheme",
    "other_scheme": "of another scheme than ours: no difference",
    "metric_unknown": "the paper does not say which accuracy this is: no difference",
    "reported_by_pyskl": "as reported by PYSKL",
}

# Codes that replace a number, how they look, and what that means.
SYMBOLS = {
    "missing": "–",
    "not_configured": "–",
    "unreadable": "?",
    "not_reported": "n.r.",
}
LEGENDS = {
    "–": "not measured",
    "?": "unreadable in the source",
    "n.r.": "not reported",
}
# Numbers that had help from the test labels.
UNFAIR = ("tuned_on_test", "oracle", "selected_best")
# What chose the epoch that select best took -> its code.
BEST_CHOSEN_ON = {
    "test": "selected_best",
    "val": "selected_on_val",
    "none": "selected_on_train",
}
# Published numbers that ours cannot be subtracted from.
NOT_COMPARABLE = ("other_scheme", "metric_unknown")


def chosen_on_by(notes: Iterable[str]) -> str:
    """Return the side whose labels chose a number's epoch or weights: none, val, test, unknown."""
    notes = set(notes)
    if notes & set(UNFAIR):
        return "test"
    if "selected_unknown" in notes:
        return "unknown"
    return "val" if notes & {"learned", "selected_on_val"} else "none"
