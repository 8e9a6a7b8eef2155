"""Plots as SVG: places in percent, round ticks, and text that is never markup."""

import re

import pytest

from realage.report.svg import LONGEST, Plot, Scale, numbers, rows


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0, 25, "0 5 10 15 20 25"),
        (-3, 98, "0 20 40 60 80"),
        (0, 0.1, "0 0.02 0.04 0.06 0.08 0.1"),
        (0, 1, "0 0.2 0.4 0.6 0.8 1"),
        (7, 7, "6.6 6.8 7 7.2 7.4"),
        (-1e5, 1e5, "-100000 -50000 0 50000 100000"),
    ],
)
def test_ticks_are_round_and_few(low, high, labels):
    assert [label for _, label in numbers(low, high).ticks] == labels.split()


def test_marks_are_in_percent_from_the_left_and_the_top():
    plot = Plot(Scale(10, 20), Scale(0, 4), "a plot")
    plot.dot(12.5, 1, "val", "here")
    plot.bar((0, 15), (0, 1), "test")
    svg = str(plot.svg())
    assert '<circle cx="25%" cy="75%" r="4" class="val"><title>here</title></circle>' in svg
    assert '<rect x="0%" y="75%" width="50%" height="25%" class="test"></rect>' in svg  # cut off at the left


def test_the_first_row_is_at_the_top():
    plot = Plot(Scale(0, 1), rows(["young", "old"]), "two rows")
    assert re.findall(r'y="(\d+)%" dx="-8" dy="4" class="y">(\w+)', str(plot.svg())) == [("25", "young"), ("75", "old")]


def test_text_is_escaped_and_invisible_characters_are_shown():
    plot = Plot(Scale(0, 1), rows(["<b>"]), '"><script>')
    plot.dot(0, 0, "val", "</title><script>\nsecond\u2028\u202eline")
    plot.text(0, 0, "<i>")
    svg = str(plot.svg())
    assert not re.search(r"<(script|b|i)>", svg) and "\u2028" not in svg and "\u202e" not in svg
    assert "&lt;/title&gt;&lt;script&gt;\nsecond\\u2028\\u202eline" in svg


@pytest.mark.parametrize(
    ("points", "path"),
    [
        ([(0, 0), (0.5, float("nan")), (1, 1)], 'd="M0 100L0 100L100 0"'),
        ([(0.5, 0.5)], 'd="M50 50L50 50"'),
        ([(float("inf"), 0)], None),
    ],
)
def test_a_line_leaves_out_what_is_not_finite(points, path):
    plot = Plot(Scale(0, 1), Scale(0, 1), "a line")
    plot.curve(points, "val")
    svg = str(plot.svg())
    assert (path in svg) if path else ("<path" not in svg)


def test_a_long_text_is_cut_off_to_fit_on_a_phone():
    plot = Plot(Scale(0, 1), Scale(0, 1), "a text")
    plot.text(0, 0, "x" * 100)
    assert "x" * (LONGEST - 1) + "…<" in str(plot.svg())
