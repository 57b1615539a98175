import numpy as np

from protogcn.scores.fusion import predicted_classes


def test_the_last_of_equal_scores_is_predicted():
    assert predicted_classes(np.array([[1, 1, 0], [0, 2, 1], [3, 3, 3]])).tolist() == [1, 1, 2]
