"""The page as people meet it: in a real browser without a network, on a phone and a desk, in both themes, on paper."""

import importlib.util
import os
import re
from pathlib import Path

import pytest
from browser import browser
from conftest import BROWSER, needs_browser
from small_report import HOSTILE, make

pytestmark = needs_browser
PHONE, DESK = 360, 1400
OPEN_ALL = "document.querySelectorAll('details').forEach((part) => part.open = true)"
PAPER = 688  # CSS pixels between the margins of A4

LINES = """[...document.querySelectorAll('svg[role=img]')].map((plot) =>
  [...plot.querySelectorAll('text')].map((text) => {
    const box = text.getBoundingClientRect();
    return [box.left, box.top, box.right, box.bottom, parseFloat(getComputedStyle(text).fontSize), text.textContent];
  })
)"""
FIRST_DOT = """(() => {
  const dot = document.querySelector('circle[data-photo]');
  dot.scrollIntoView({block: 'center', behavior: 'instant'});
  const box = dot.getBoundingClientRect();
  return [box.x + box.width / 2, box.y + box.height / 2];
})()"""
TIP = "document.getElementById('tip').hidden ? null : document.getElementById('tip').innerText"
CANVAS = "((photo) => photo.hidden ? null : photo.toDataURL().length)(document.querySelector('#tip canvas'))"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The addresses of a page with photos and of one without."""
    folder, group = tmp_path_factory.mktemp("pages"), f"{HOSTILE} of a very long group\u2028</title></script>"
    with pytest.MonkeyPatch.context() as patch:
        make(folder / "photos", patch, group=group)
        make(folder / "none", patch, photos=False, test=False, rejected=False)
    return {name: (folder / name / "reports/index.html").as_uri() for name in ("photos", "none")}


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.mark.parametrize("name", ["photos", "none"])
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_it_fits_asks_for_nothing_and_the_console_is_silent(pages, tab, width, dark, name):
    tab.open(pages[name], width, dark)
    tab.run(OPEN_ALL)
    assert tab.run("document.documentElement.scrollWidth") <= width
    assert tab.requests() == [pages[name]] and tab.complaints() == []
    light, _, _ = map(int, re.findall(r"\d+", tab.run("getComputedStyle(document.body).backgroundColor")))
    assert (light < 60) == dark


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_no_text_of_a_chart_is_small_cut_off_or_on_another(pages, tab, width):
    tab.open(pages["photos"], width)
    plots = tab.run(LINES)
    assert sum(map(len, plots)) > 60
    for texts in plots:
        assert all(size >= 11 and left >= 0 and right <= width for left, _, right, _, size, _ in texts), texts
        for number, (left, top, right, bottom, _, text) in enumerate(texts):
            for left2, top2, right2, bottom2, _, other in texts[:number]:
                apart = left >= right2 or right <= left2 or top >= bottom2 - 2 or bottom - 2 <= top2
                assert apart, (text, other)


@pytest.mark.parametrize("how", ["hover", "tap"])
def test_a_dot_tells_its_figures_and_shows_its_photo(pages, tab, how):
    tab.open(pages["photos"], PHONE if how == "tap" else DESK)
    x, y = tab.run(FIRST_DOT)
    (tab.tap if how == "tap" else tab.move)(x + 1, y + 1)
    assert tab.run(TIP).strip() == f"real age 20\npredicted 71.5\nerror +51.5\n{HOSTILE}"
    assert tab.run(CANVAS) > 2_000
    tab.press("Escape")
    assert tab.run(TIP) is None


def test_without_photos_a_dot_tells_figures_alone(pages, tab):
    tab.open(pages["none"], DESK)
    tab.move(*tab.run(FIRST_DOT.replace("circle[data-photo]", "circle.val:has(title), .square circle.val")))
    assert tab.run(TIP).strip() == "real age 20\npredicted 71.5\nerror +51.5"
    assert tab.run(CANVAS) is None


def test_a_keyboard_walks_through_the_marks_of_a_chart(pages, tab):
    tab.open(pages["photos"], DESK)
    tab.run("[...document.querySelectorAll('h3')].find((title) => title.textContent == 'Learning curve')"
            ".nextElementSibling.querySelector('svg[role=img]').focus()")
    for epoch in ("epoch 1", "epoch 2", "epoch 3", "epoch 1"):
        tab.press("ArrowRight")
        assert tab.run(TIP).strip().startswith(f"{epoch}\ntraining: ")


def test_the_first_stop_of_the_keyboard_skips_to_the_content(pages, tab):
    tab.open(pages["photos"], DESK)
    tab.press("Tab")
    assert tab.run("document.activeElement.getBoundingClientRect().left") >= 0
    target = tab.run("document.activeElement.getAttribute('href')")
    assert tab.run(f"document.querySelector('{target}').tagName") == "SECTION"


def test_it_prints_on_a4_with_all_figures_and_nothing_cut_off(pages, tab):
    tab.open(pages["photos"], PAPER)
    assert re.search(rb"/MediaBox\s*\[0 0 59[45][.\d]* 84[12]", tab.print())
    assert tab.run("document.querySelectorAll('details[open]').length") == 0
    tab.call("Emulation.setEmulatedMedia", media="print")
    try:
        shut = "[...document.querySelectorAll('details table')].filter((table) => !table.checkVisibility())"
        assert tab.run(f"{shut}.length") == 0
        assert tab.run("document.documentElement.scrollWidth") <= PAPER
        wide = f"[...document.querySelectorAll('table, img:not([hidden])')]" \
               f".filter((part) => part.getBoundingClientRect().right > {PAPER}).length"
        assert tab.run(wide) == 0
    finally:
        tab.call("Emulation.setEmulatedMedia", media="")


AXE = importlib.util.find_spec("axe_playwright_python")  # only its copy of axe-core


@pytest.mark.skipif(AXE is None and "REALAGE_REQUIRE_BROWSER" not in os.environ, reason="needs axe-playwright-python")
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_axe_finds_no_violation(pages, tab, width, dark):
    assert AXE and BROWSER, "install axe-playwright-python and Chromium"
    (library,) = Path(AXE.submodule_search_locations[0]).rglob("axe.min.js")
    tab.open(pages["photos"], width, dark)
    tab.run(OPEN_ALL)
    tab.run(library.read_text("utf-8") + "; 0")
    assert tab.run("axe.run().then((found) => found.violations.map((one) => [one.id, one.nodes[0].html]))") == []
