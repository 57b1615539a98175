from protogcn.data.sides import without_clips


def test_a_split_without_train_clips_says_how_to_test_on_it():
    sentence = without_clips("xsub", "train")
    assert sentence.startswith("split xsub has no train clip, so nothing can be trained on it")
    assert "checkpoint or scores (docs/imports.md)" in sentence
    assert without_clips("xsub", "test") == "split xsub has no test clip, expected some"
