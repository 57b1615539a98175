"""A headless Chromium of the system, and one page that all tests of this folder open."""

import json
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.made.page_results import CLASSES, scores_of

WIDTHS = {"desktop": (1400, 900), "phone": (390, 844)}
# Clips of each class in order of CLASSES, and what each run took them for.
CONFUSIONS = {
    ("protogcn", "j"): [[0, 0, 0, 1], [1, 1, 1, 1], [2, 2, 0, 0], [3, 3, 3, 3]],
    ("stgcnpp", "j"): [[0, 0, 1, 1], [1, 1, 0, 0], [2, 2, 2, 2], [3, 3, 3, 3]],
    ("stgcnpp", "b"): [[0, 1, 1, 1], [1, 0, 0, 0], [2, 0, 0, 0], [3, 2, 2, 2]],
}
REPOSITORY = Path(__file__).parents[2]


def missing():
    """Return why no browser can be driven here, or None."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "needs playwright: make test-browser installs it"
    if shutil.which("chromium") is None:
        return "needs Debian's chromium: apt install chromium"
    return None


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium():
    """The browser, with nothing of its own to ask the network for."""
    if (reason := missing()) is not None:
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Tests run as root in containers, where Chromium's sandbox cannot be set up.
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def page_file(tmp_path_factory):
    """The page of three runs, two tables and two figures, made by the command of the rule."""
    folder = tmp_path_factory.mktemp("page")
    scores = []
    for (model, stream), confusions in CONFUSIONS.items():
        scores.append(folder / f"{model}.{stream}.npz")
        scores_of(model, stream, confusions, batch=5 if model == "protogcn" else 7).save(scores[-1])
    scores.append(folder / "other.npz")
    scores_of("protogcn", "j", [[0], [1, 0]], classes=("x", "y"), split="xview").save(scores[-1])
    table = folder / "nano_xsub_2ens.csv"
    table.write_text(
        "stream,weight,clips,top1,gain,note\n"
        f"j,2,16,81.25,+0.4,{CLASSES[1]}\nb,1,16,9.38,,short\nfused,,16,100.00,-1.2,{'long words ' * 9}\n"
    )
    wide = folder / "wide.csv"
    wide.write_text("\n".join(",".join(f"{row}{n:02}.5" for n in range(40)) for row in range(1, 9)))
    picture, caption = folder / "bars.svg", folder / "bars.txt"
    picture.write_text(
        "<svg xmlns='http://www.w3.org/2000/svg' width='1800' height='300'>"
        "<rect width='1700' height='200' fill='teal'/></svg>"
    )
    caption.write_text("Accuracy of each class.")
    table_runs = {"nano_xsub_2ens": ["nano_xsub/protogcn/j", "nano_xsub/stgcnpp/b"]}
    command = [
        sys.executable, "-m", "protogcn", "report", "--tables", table, wide, "--figures", picture,
        "--captions", caption, "--scores", *scores, "--table-runs", json.dumps(table_runs),
        "--dag", REPOSITORY / "docs/dag.svg", "--page", folder / "report.html",
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, text=True, cwd=REPOSITORY)
    return folder / "report.html"


class Visit:
    """The page as one visitor sees it, and what it did behind their back."""

    def __init__(self, context, address):
        self.heard, self.requests = [], []
        self.page = context.new_page()
        self.page.on("console", lambda message: self.heard.append(message.text))
        self.page.on("pageerror", lambda error: self.heard.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(address)
        self.page.wait_for_selector("#comparison tbody tr")

    def column(self, table, number):
        """Return the texts of one column of a table as it stands now."""
        return [text.strip() for text in self._cells(table, number).all_inner_texts()]

    def shows(self, table, number, texts):
        """Wait until a column has these texts: sorting ends some time after a click."""
        from playwright.sync_api import expect

        cells = self._cells(table, number)
        expect(cells).to_have_text(texts, use_inner_text=True, timeout=30_000)

    def _cells(self, table, number):
        return self.page.locator(f"{table} tbody tr > :nth-child({number})")

    def heading(self, table, number):
        """Return the heading of a column."""
        return self.page.locator(f"{table} thead th").nth(number - 1)


@contextmanager
def visiting(chromium, page_file, size):
    """Open the page in a window of a size; at the end, it must have stayed quiet."""
    width, height = WIDTHS[size]
    context = chromium.new_context(viewport={"width": width, "height": height})
    context.set_default_timeout(90_000)  # the machine may be busy
    visitor = Visit(context, page_file.as_uri())
    yield visitor
    context.close()
    assert visitor.heard == []
    # The page itself, its pictures, and the library that it carries.
    assert {url.split(":")[0] for url in visitor.requests} <= {"file", "data", "blob"}
    assert [url for url in visitor.requests if url.startswith("file")] == [page_file.as_uri()]


@pytest.fixture
def visit(chromium, page_file):
    """A fresh visit at a desk."""
    with visiting(chromium, page_file, "desktop") as visitor:
        yield visitor


@pytest.fixture(params=WIDTHS)
def visit_anywhere(request, chromium, page_file):
    """A fresh visit at a desk, and one with a phone."""
    with visiting(chromium, page_file, request.param) as visitor:
        yield visitor
