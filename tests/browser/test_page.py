"""What a reader can do with the page, in a real browser; every visit checks that it stays quiet."""

from itertools import pairwise

import pytest

from tests.made.page_results import CLASSES

TABLE = "#table-nano_xsub_2ens table"
COMPARISON = "#comparison"


def choose(visit, task, run, other):
    visit.page.select_option("#task", task)
    visit.page.select_option("#run", run)
    visit.page.select_option("#other", other)


def test_a_click_sorts_a_table_by_number_and_a_second_one_turns_it_round(visit_anywhere):
    visit_anywhere.shows(TABLE, 1, ["j", "b", "fused"])
    visit_anywhere.heading(TABLE, 4).click()
    visit_anywhere.shows(TABLE, 4, ["9.38", "81.25", "100.00"])
    visit_anywhere.heading(TABLE, 4).click()
    visit_anywhere.shows(TABLE, 1, ["fused", "j", "b"])
    assert visit_anywhere.heading(TABLE, 4).get_attribute("aria-sort") == "descending"


def test_signed_numbers_sort_and_missing_ones_come_last_downwards(visit):
    for _ in range(2):
        visit.heading(TABLE, 5).click()
    visit.shows(TABLE, 5, ["+0.4", "-1.2", ""])


def test_the_keyboard_sorts_too(visit):
    visit.heading(TABLE, 1).locator("[role=button]").focus()
    visit.page.keyboard.press("Enter")
    visit.shows(TABLE, 1, ["b", "fused", "j"])


def test_two_runs_are_compared_class_by_class(visit_anywhere):
    choose(visit_anywhere, "nano_xsub", "protogcn/j", "stgcnpp/j")
    visit_anywhere.shows(COMPARISON, 1, [CLASSES[1], CLASSES[0], CLASSES[3], CLASSES[2]])
    visit_anywhere.shows(COMPARISON, 2, ["+50.0", "+25.0", "0.0", "\u221250.0"])
    visit_anywhere.shows(COMPARISON, 3, ["100.0", "75.0", "100.0", "50.0"])
    visit_anywhere.shows(COMPARISON, 4, ["50.0", "50.0", "100.0", "100.0"])
    visit_anywhere.shows(COMPARISON, 5, ["4"] * 4)
    assert visit_anywhere.column(COMPARISON, 6) == [
        f"{CLASSES[0]}: 2 \u2192 0", f"{CLASSES[1]}: 2 \u2192 1", "", f"{CLASSES[0]}: 0 \u2192 2",
    ]  # fmt: skip
    assert [visit_anywhere.heading(COMPARISON, n).inner_text().split()[0] for n in (3, 4)] == [
        "protogcn/j", "stgcnpp/j",
    ]  # fmt: skip
    assert visit_anywhere.page.inner_text("#summary") == (
        "protogcn/j: 81.25 %, stgcnpp/j: 75.00 % of 16 clips (+6.25 points)."
        " 2 classes better, 1 the same, 1 worse."
    )


def test_what_differs_between_two_runs_is_told(visit):
    choose(visit, "nano_xsub", "protogcn/j", "stgcnpp/b")
    assert "settings.batch 5 against 7" in visit.page.inner_text("#settings")
    choose(visit, "nano_xsub", "stgcnpp/j", "stgcnpp/b")
    assert visit.page.inner_text("#settings") == "Nothing else differs."


def test_another_task_has_its_own_runs_and_classes(visit):
    visit.page.select_option("#task", "nano_xview")
    assert visit.page.locator("#run option").all_inner_texts() == ["protogcn/j"]
    assert sorted(visit.column(COMPARISON, 1)) == ["x", "y"]


def test_a_class_is_found_by_a_part_of_its_name(visit):
    visit.page.fill("#find", "<SCRIPT>")
    visit.shows(COMPARISON, 1, [CLASSES[1]])
    visit.page.fill("#find", "nothing like it")
    visit.shows(COMPARISON, 1, ["No class has this name."])


def test_names_that_are_html_are_shown_as_text(visit):
    assert CLASSES[1] in visit.column(TABLE, 6)
    assert set(visit.column(COMPARISON, 1)) == set(CLASSES)
    assert visit.page.evaluate("typeof window.hacked") == "undefined"
    assert visit.page.locator("main script, table img").count() == 0


def test_a_table_leads_to_the_settings_of_its_runs(visit):
    visit.page.click("text=nano_xsub/stgcnpp/b >> nth=0")
    assert visit.page.evaluate("document.querySelector(':target').innerText").startswith(
        "nano_xsub/stgcnpp/b"
    )


def test_nothing_but_its_own_frame_is_wider_than_the_window(visit_anywhere):
    wider = visit_anywhere.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wider <= 0
    assert visit_anywhere.page.evaluate(
        "document.querySelector('#table-wide .scroll').scrollWidth > window.innerWidth"
    )


def test_text_is_large_enough_to_read(visit_anywhere):
    sizes = visit_anywhere.page.evaluate(
        "[...document.querySelectorAll('td, th, p, a, label, select, figcaption')]"
        ".map((element) => parseFloat(getComputedStyle(element).fontSize))"
    )
    assert min(sizes) >= 13


def test_it_can_be_read_without_seeing_it(visit):
    levels = visit.page.evaluate(
        "[...document.querySelectorAll('h1, h2, h3')].map((heading) => +heading.tagName[1])"
    )
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert visit.page.locator("img:not([alt]), img[alt='']").count() == 0
    assert visit.page.locator("select, input").count() == visit.page.locator("label").count()
    assert visit.page.get_attribute("html", "lang") == "en"


def test_print_has_the_settings_and_no_controls(visit):
    visit.page.emulate_media(media="print")
    visit.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert visit.page.locator("details[open]").count() == 1
    assert not visit.page.locator("form").is_visible()
    assert not visit.page.locator("nav").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_ink_stands_out_from_paper(chromium, page_file, scheme):
    page = chromium.new_page(color_scheme=scheme)
    page.goto(page_file.as_uri())
    ink, paper = page.evaluate(
        "(({color, backgroundColor}) => [color, backgroundColor])(getComputedStyle(document.body))"
    )
    page.close()
    assert contrast(ink, paper) > 7


def contrast(*colours):
    """Return WCAG's contrast of two colours given as rgb(r, g, b)."""
    luminances = []
    for colour in colours:
        parts = [int(part) / 255 for part in colour[4:-1].split(",")]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        luminances.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    low, high = sorted(luminances)
    return (high + 0.05) / (low + 0.05)


def test_its_policy_stops_a_request_and_a_foreign_script(chromium, page_file):
    """The page asks for nothing, and could not: also what slipped in would be stopped."""
    page = chromium.new_page()
    page.goto(page_file.as_uri())
    page.evaluate(
        "window.stopped = [];"
        "document.addEventListener('securitypolicyviolation',"
        " ({effectiveDirective}) => window.stopped.push(effectiveDirective))"
    )
    page.evaluate("fetch('http://127.0.0.1:9/').catch(() => {})")
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'hacked = 1'}))"
    )
    page.wait_for_function("window.stopped.length === 2")
    assert set(page.evaluate("window.stopped")) == {"connect-src", "script-src-elem"}
    assert page.evaluate("typeof window.hacked") == "undefined"
    page.close()
