"""Eyes, brows, nose and mouth."""

from types import SimpleNamespace

import cv2
import numpy as np

from synthetic.portraits.canvas import Pen, both_sides, curve, ellipse, mix
from synthetic.portraits.person import Person, Shot, rgb
from synthetic.portraits.skin import Tones

EYE_WHITE = rgb("f6f1ec")
LASHES = rgb("2a1d1a")
PUPIL = rgb("120d0d")


def paint_eyes(head: Pen, person: Person, cues: SimpleNamespace, tones: Tones, shot: Shot) -> None:
    """Paint both eyes; with age the opening narrows and the upper lid droops at its outer corner."""
    for side in (-1, 1):
        _paint_eye(head, side, person, cues, tones, shot)


def _paint_eye(head: Pen, side: int, person: Person, cues: SimpleNamespace, tones: Tones, shot: Shot) -> None:
    flip = np.array([side, 1.0])
    middle = np.array([cues.eye_distance, cues.eye_height])
    wide = cues.eye_width * person.eye_size
    opening = cues.eye_opening * person.eye_size * (1 - 0.18 * max(shot.smile, 0))
    droop = 0.035 * cues.sagging - person.eye_slant
    inner, outer = np.array([-wide, 0.012]), np.array([wide, droop])
    upper = np.array([inner, [-wide * 0.5, -opening * 0.85], [0.05 * wide, -opening],
                      [wide * 0.6, -opening * 0.7 + droop], outer])
    lower = np.array([outer, [wide * 0.55, opening * 0.65 + droop / 2], [0, opening * 0.8],
                      [-wide * 0.6, opening * 0.5], inner])
    upper, lower = (upper + middle) * flip, (lower + middle) * flip
    almond = head.mask(np.concatenate([curve(upper), curve(lower)]))
    head.lay(almond, mix(EYE_WHITE, rgb("dccab0"), 0.5 * cues.pallor))
    iris_x, iris_y = middle * flip + (shot.gaze * 0.05, -0.1 * opening)
    radius = 0.6 * wide * mix(1.05, 0.88, cues.growth)
    head.fill(ellipse(iris_x, iris_y, radius, radius), person.eyes * 0.55, within=almond)
    faded = mix(person.eyes, rgb("9aa3a6"), 0.25 * cues.pallor)
    head.fill(ellipse(iris_x, iris_y + 0.01, radius * 0.84, radius * 0.84), faded, within=almond)
    head.fill(ellipse(iris_x, iris_y, radius * 0.45, radius * 0.45), PUPIL, within=almond)
    head.stroke([upper + (0, 0.015)], 0.05, LASHES, 0.35, 0.012, almond)
    glint = ellipse(iris_x + 0.035 * (1 if shot.light_side > 0 else -1), iris_y - 0.035, 0.02, 0.022)
    head.fill(glint, np.ones(3), 0.95)
    lash_weight = 0.022 + 0.018 * person.femininity
    head.stroke([upper], lash_weight, LASHES, 0.9)
    head.stroke([lower], 0.014, tones.line, 0.6)
    lid = upper - (0, 0.045 + 0.02 * (1 - cues.sagging))
    lid[[0, -1], 1] += 0.02
    head.stroke([lid], 0.02 + 0.03 * cues.sagging, tones.line, 0.3 + 0.4 * cues.sagging, 0.006)


def paint_brows(head: Pen, person: Person, cues: SimpleNamespace, hair: np.ndarray, shot: Shot) -> None:
    """Paint the eyebrows in the colour `hair`: faint for a baby, low and drooping in old age."""
    wide = cues.eye_width * 1.25
    y = cues.eye_height - cues.brow_gap - 0.02 * shot.smile
    x = cues.eye_distance
    thick = (0.045 + 0.035 * cues.brow_weight) * person.brow_size
    brow = np.array([[x - wide, y + 0.035], [x - wide * 0.4, y - 0.015], [x + wide * 0.35, y - 0.02],
                     [x + wide * 1.05, y + 0.05 + 0.06 * cues.sagging]])
    head.stroke(both_sides(brow), thick, hair * 0.85, 0.25 + 0.65 * cues.brow_weight, 0.008)


def paint_nose(head: Pen, person: Person, cues: SimpleNamespace, tones: Tones, shot: Shot) -> None:
    """Paint the nose: flat for a baby, with a bridge later, and longer and broader with age."""
    half = cues.nose_width * person.nose_size
    tip = cues.nose_height
    dark_side = -1 if shot.light_side > 0 else 1
    top = cues.eye_height - 0.02
    flank = np.array([[0.075, top - 0.1], [0.05, top + 0.08], [0.06, tip - 0.16], [half * 0.9, tip - 0.07]])
    head.stroke([flank * (dark_side, 1)], 0.075, tones.shade, 0.2 + 0.6 * cues.nose_bridge, 0.02)
    ridge = np.array([[0, top - 0.03], [0, top + 0.1], [0, tip - 0.12]])
    head.stroke([ridge], 0.06, tones.light, 0.55 * cues.nose_bridge, 0.018)
    head.fill(ellipse(0, tip + 0.035, half * 1.15, 0.035), tones.shade, 0.6, 0.02)
    head.fill(ellipse(0, tip - 0.06, half * 0.62, half * 0.5), tones.light, 0.6, 0.022)
    head.fill(ellipse(0, tip - 0.03, half * 0.8, half * 0.45), tones.blush, 0.3, 0.03)
    wing = np.array([[half * 0.72, tip - 0.095], [half * 1.08, tip - 0.045], [half * 0.95, tip + 0.012],
                     [half * 0.62, tip + 0.008]])
    head.stroke(both_sides(wing), 0.024, tones.line, 0.5 + 0.2 * cues.nose_bridge, 0.004)
    for nostril in both_sides(ellipse(half * 0.45, tip + 0.008, half * 0.26, 0.016)):
        head.fill(nostril, tones.line * 0.6, 0.8, 0.004)


def paint_mouth(head: Pen, person: Person, cues: SimpleNamespace, tones: Tones, shot: Shot) -> None:
    """Paint the lips, thinner with age. An open smile shows teeth, except for a baby."""
    half = cues.mouth_width * person.mouth_size * (1 + 0.12 * shot.smile)
    lip = cues.lip_thickness * person.lip_size
    y = cues.mouth_height
    lift = 0.07 * shot.smile - 0.03 * cues.sagging
    gap = 0.075 * (0.5 + 0.5 * shot.smile) * shot.open_mouth
    left, right = np.array([-half, y - lift]), np.array([half, y - lift])
    top = curve([left, [-half * 0.5, y - 0.2 * lift - lip * 0.55], [-half * 0.16, y - lip * 0.95], [0, y - lip * 0.7],
                 [half * 0.16, y - lip * 0.95], [half * 0.5, y - 0.2 * lift - lip * 0.55], right])
    seam = curve([left, [-half * 0.5, y - 0.1 * lift], [0, y + 0.01], [half * 0.5, y - 0.1 * lift], right])
    side_y, middle_y = y + 0.3 * lift + gap * 0.8, y + gap + 0.2 * lift
    jaw = curve([left, [-half * 0.5, side_y], [0, middle_y + 0.01], [half * 0.5, side_y], right])
    bottom = curve([left, [-half * 0.5, side_y + lip * 0.85], [0, middle_y + lip * 1.35],
                    [half * 0.5, side_y + lip * 0.85], right])
    head.fill(np.concatenate([top, seam[::-1]]), tones.lips * 0.9, 0.95, 0.004)
    head.fill(np.concatenate([jaw, bottom[::-1]]), tones.lips, 0.95, 0.004)
    head.fill(ellipse(0, middle_y + lip * 0.7, half * 0.35, lip * 0.22 + 0.004), np.ones(3), 0.3, 0.01)
    if shot.open_mouth:
        inside = head.mask(np.concatenate([seam, jaw[::-1]]))
        head.lay(inside, rgb("6b2229"))
        head.fill(np.concatenate([seam, seam[::-1] + (0, gap * 0.62)]), rgb("f7f2e8"), cues.teeth, 0.003, inside)
    head.stroke([seam[::3]], 0.022, tones.line * 0.7, 0.85, 0.003)
    corner = right + np.array([[-0.01, -0.02], [0.015, 0.0], [0.01, 0.025]])
    head.stroke(both_sides(corner), 0.02, tones.line, 0.45, 0.005)


def paint_glasses(head: Pen, cues: SimpleNamespace, shot: Shot) -> None:
    """Paint a pair of glasses, round or square."""
    if shot.glasses == "none":
        return
    x, y = cues.eye_distance, cues.eye_height + 0.015
    wide, tall = (0.21, 0.2) if shot.glasses == "round" else (0.235, 0.165)
    lens = ellipse(0, 0, 1, 1)
    if shot.glasses == "square":
        lens = np.sign(lens) * np.abs(lens) ** 0.5
    lens = lens * (wide, tall) + (x, y)
    rim = (lens - (x, y)) * 1.13 + (x, y)
    glass = head.mask(*both_sides(lens))
    head.lay(glass, rgb("dfeaf2"), 0.1)
    frame = cv2.subtract(head.mask(*both_sides(rim)), glass)
    head.lay(frame, shot.glasses_colour, 0.95)
    bridge = np.array([[wide - x, y - 0.05], [0, y - 0.09], [x - wide, y - 0.05]])
    head.stroke([bridge], 0.05, shot.glasses_colour, 0.95)
    arm = np.array([[x + wide, y - 0.06], [x + wide + 0.1, y - 0.07], [0.78, y - 0.05]])
    head.stroke(both_sides(arm), 0.04, shot.glasses_colour, 0.9)
