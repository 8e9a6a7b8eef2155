"""Wrinkles, which deepen with age."""

from types import SimpleNamespace

import numpy as np

from synthetic.portraits.canvas import Pen, both_sides
from synthetic.portraits.person import Shot
from synthetic.portraits.skin import Tones


def paint_wrinkles(head: Pen, mask: np.ndarray, cues: SimpleNamespace, tones: Tones, shot: Shot) -> None:
    """Paint all wrinkles inside `mask`, the head's outline, with the depths that their cues give."""
    for lines, depth, width in _wrinkles(cues, shot):
        head.stroke(lines, width * 2.6, tones.shade, 0.85 * depth, 0.022, mask)
        head.stroke([line + (0, width * 0.9) for line in lines], width, tones.light, 0.5 * depth, 0.008, mask)
        head.stroke(lines, width * (0.55 + 0.3 * depth), tones.line, 0.3 * depth**0.5 + 0.4 * depth, 0.004, mask)


def _wrinkles(cues: SimpleNamespace, shot: Shot) -> list[tuple[list[np.ndarray], float, float]]:
    """Return groups of lines, each with its depth (0..1) and its width in head units."""
    smile = max(shot.smile, 0)
    return [
        (_forehead(cues), cues.forehead_lines, 0.026),
        (_frown(cues), cues.forehead_lines * 0.8, 0.026),
        (_crows_feet(cues), cues.crows_feet, 0.022),
        (_bags(cues), cues.eye_bags, 0.03),
        (_nose_folds(cues, smile), cues.nose_folds, 0.036),
        (_mouth_lines(cues), cues.mouth_lines, 0.034),
        (_lip_lines(cues), 0.45 * cues.cheek_lines, 0.014),
        (_cheek_lines(cues), 0.45 * cues.cheek_lines, 0.022),
    ]


def _forehead(cues: SimpleNamespace) -> list[np.ndarray]:
    low = cues.eye_height - cues.brow_gap - 0.13
    half = 0.26 + 0.16 * cues.forehead_lines
    return [
        np.array([[-half, y + 0.015], [-half / 2, y - 0.015], [0, y + 0.01], [half / 2, y - 0.015], [half, y + 0.015]])
        for y, half in ((low, half * 0.9), (low - 0.105, half), (low - 0.21, half * 0.8))
    ]


def _frown(cues: SimpleNamespace) -> list[np.ndarray]:
    y = cues.eye_height - cues.brow_gap
    return both_sides([[0.055, y - 0.06], [0.045, y + 0.02], [0.06, y + 0.09]])


def _crows_feet(cues: SimpleNamespace) -> list[np.ndarray]:
    x, y = cues.eye_distance + cues.eye_width + 0.03, cues.eye_height + 0.01
    reach = 0.09 + 0.08 * cues.crows_feet
    return [
        line
        for rise in (-0.1, 0.0, 0.1)
        for line in both_sides([[x, y + rise * 0.25], [x + reach * 0.5, y + rise * 0.6], [x + reach, y + rise]])
    ]


def _bags(cues: SimpleNamespace) -> list[np.ndarray]:
    x, wide = cues.eye_distance, cues.eye_width
    y = cues.eye_height + cues.eye_opening * 0.8 + 0.035
    drop = 0.05 + 0.045 * cues.eye_bags
    return both_sides([[x - wide * 0.95, y - 0.01], [x - wide * 0.4, y + drop * 0.8], [x + wide * 0.3, y + drop],
                       [x + wide * 0.95, y + 0.01]])


def _nose_folds(cues: SimpleNamespace, smile: float) -> list[np.ndarray]:
    x, y = cues.nose_width * 1.25, cues.nose_height - 0.04
    end = cues.mouth_width + 0.05 + 0.03 * smile
    mouth = cues.mouth_height
    return both_sides([[x, y], [x + 0.09, y + 0.09], [end, mouth - 0.06], [end + 0.01, mouth + 0.05]])


def _mouth_lines(cues: SimpleNamespace) -> list[np.ndarray]:
    x, y = cues.mouth_width, cues.mouth_height + 0.05
    return both_sides([[x + 0.02, y], [x + 0.04, y + 0.08], [x + 0.03, y + 0.18]])


def _lip_lines(cues: SimpleNamespace) -> list[np.ndarray]:
    y = cues.mouth_height - 0.035
    return [np.array([[x, y - 0.07], [x * 1.02, y - 0.03], [x * 1.04, y + 0.01]]) for x in np.linspace(-0.15, 0.15, 7)]


def _cheek_lines(cues: SimpleNamespace) -> list[np.ndarray]:
    y = cues.nose_height
    return [
        line
        for x in (0.44, 0.54)
        for line in both_sides([[x, y - 0.02], [x + 0.03, y + 0.14], [x - 0.02, y + 0.3]])
    ]
