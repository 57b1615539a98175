import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from protogcn.report.figures.reliability import draw_reliability
from protogcn.report.figures.style import in_style
from protogcn.scores.calibration import calibration_of


def test_titles_of_the_two_panels_do_not_run_into_each_other():
    values = np.full((60, 4), [0.7, 0.1, 0.1, 0.1])
    found = calibration_of(values, np.arange(60) % 4)
    with in_style():
        names = ("before temperature", "after temperature")
        figure = draw_reliability(dict.fromkeys(names, found), "6ens on demo_xsub")
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        first, second = (
            axes._left_title.get_window_extent(canvas.get_renderer()) for axes in figure.axes[:2]
        )
    assert "error" in figure.axes[0].get_title(loc="left")
    assert first.x1 < second.x0
