"""The bust and the bare head: clothes, neck, ears, the outline of the skull and the shading of its skin."""

from types import SimpleNamespace

import cv2
import numpy as np

from synthetic.portraits.canvas import Pen, both_sides, curve, ellipse, mix, symmetric
from synthetic.portraits.person import Person, Shot, rgb
from synthetic.portraits.skin import Tones

# The right half of the outline from the crown to the chin, in head units.
INFANT = np.array([[0, -1], [0.46, -0.92], [0.79, -0.6], [0.88, -0.18], [0.86, 0.2], [0.84, 0.5], [0.64, 0.8],
                   [0.29, 0.955], [0, 0.985]])
ADULT = np.array([[0, -1], [0.4, -0.92], [0.66, -0.64], [0.73, -0.24], [0.71, 0.1], [0.665, 0.42], [0.52, 0.74],
                  [0.22, 0.97], [0, 1.0]])
LEAN = np.array([[0, 0], [0, 0], [-0.02, 0], [-0.015, 0], [0.0, 0], [-0.085, 0], [-0.06, 0.01], [0, 0.04], [0, 0.05]])
SAGGING = np.array([[0, 0], [0, 0], [-0.015, 0], [-0.02, 0], [-0.01, 0], [0.03, 0.05], [0.12, 0.08], [0.08, 0.035],
                    [0, 0.02]])


def half_outline(person: Person, cues: SimpleNamespace) -> np.ndarray:
    """Return the right half of the head's outline, (9, 2), from the crown to the chin."""
    half = mix(INFANT, ADULT, cues.growth) + LEAN * cues.leanness + SAGGING * cues.sagging
    half[:, 0] *= person.face_width
    half[5:8, 0] *= mix(1, person.jaw_width, cues.growth) * np.array([0.4, 1, 1]) + np.array([0.6, 0, 0])
    return half


def head_outline(person: Person, cues: SimpleNamespace) -> np.ndarray:
    """Return the closed, smooth outline of the head, (M, 2)."""
    return curve(symmetric(half_outline(person, cues)), closed=True)


def paint_bust(body: Pen, cues: SimpleNamespace, tones: Tones, shot: Shot) -> None:
    """Paint shoulders, clothes and neck."""
    neck, shoulder = cues.neck_width, cues.shoulder_width
    drop = np.array([0.0, cues.neck_length])
    torso = drop + symmetric(np.array([[0, 1.2], [neck + 0.02, 1.2], [neck + 0.1, 1.3], [shoulder * 0.75, 1.45],
                                [shoulder, 1.75], [shoulder * 1.08, 2.6], [0, 2.6]]))
    torso_mask = body.mask(curve(torso, closed=True))
    body.lay(torso_mask, shot.clothes)
    sleeve = np.array([[shoulder * 0.62, 1.75], [shoulder * 0.7, 2.1], [shoulder * 0.68, 2.5]]) + drop
    body.stroke(both_sides(sleeve), 0.05, shot.clothes * 0.7, 0.6, 0.02, torso_mask)
    throat = symmetric(np.array([[0, 0.4], [neck, 0.4], [neck * 0.97, 1.1], [neck + 0.05, 1.27], [0, 1.3]])) + drop
    neckline = _neckline(neck, shot.collar) + drop
    neck_mask = cv2.max(body.mask(throat), cv2.min(body.mask(neckline), torso_mask))
    hem = body.mask(throat * (1.05, 1) + (0, 0.04), neckline * (1.06, 1) + (0, 0.03), blur=0.02)
    body.lay(hem, shot.clothes * 0.55, 0.7, torso_mask)
    body.lay(neck_mask, mix(tones.base, tones.shade, 0.25))
    body.fill(ellipse(0, 0.86, neck * 1.5, 0.34), tones.shade, 0.95, 0.06, neck_mask)
    body.stroke(both_sides([[neck * 0.75, 0.95], [neck * 0.5, 1.15], [neck * 0.12, 1.34]] + drop), 0.05, tones.line,
                0.1 + 0.5 * cues.sagging, 0.012, neck_mask)
    body.stroke([np.array([[-neck, y], [0, y + 0.07], [neck, y]]) + drop for y in (1.1, 1.2)], 0.03,
                tones.line, 0.5 * cues.sagging, 0.008, neck_mask)
    if shot.collar == "shirt":
        for lapel in both_sides([[neck * 0.9, 1.12], [neck + 0.16, 1.28], [neck + 0.02, 1.62], [0.0, 1.56]] + drop):
            body.fill(lapel, mix(shot.clothes, np.ones(3), 0.25))
            body.stroke([lapel[[0, 3, 2, 1]]], 0.02, shot.clothes * 0.6, 0.7)


def _neckline(neck: float, collar: str) -> np.ndarray:
    if collar == "crew":
        return ellipse(0, 1.2, neck + 0.08, 0.17)
    return np.array([[-neck, 1.15], [neck, 1.15], [0.0, 1.62]])


def paint_ears(head: Pen, person: Person, cues: SimpleNamespace, tones: Tones) -> None:
    """Paint the ears, which grow with age. The head is painted over their inner halves."""
    size = cues.ear_size * person.ear_size
    x = half_outline(person, cues)[4, 0]
    middle = (cues.eye_height + cues.nose_height) / 2 + 0.3 * (cues.ear_size - 0.19)
    ear = curve([[x - 0.1, middle - size * 0.8], [x + 0.06, middle - size], [x + 0.13, middle - size * 0.5],
                 [x + 0.08, middle + size * 0.4], [x + 0.03, middle + size], [x - 0.1, middle + size * 0.8]],
                closed=True)
    for outline in both_sides(ear):
        head.fill(outline, mix(tones.base, tones.shade, 0.3))
    hollow = np.array([[x + 0.02, middle - size * 0.6], [x + 0.085, middle - size * 0.55],
                       [x + 0.04, middle + size * 0.3]])
    head.stroke(both_sides(hollow), 0.04, tones.line, 0.5, 0.008)


def paint_skin(
    head: Pen, mask: np.ndarray, person: Person, cues: SimpleNamespace, tones: Tones, shot: Shot
) -> None:
    """Paint the bare face inside `mask`, the head's outline: light and shade, cheeks, temples."""
    head.lay(mask, tones.base)
    _paint_light(head, mask, person, cues, tones, shot)
    eye, nose, mouth = cues.eye_height, cues.nose_height, cues.mouth_height
    cheek_x = mix(0.5, 0.42, cues.growth)
    for cheek in both_sides(ellipse(cheek_x, nose + 0.03, 0.2, 0.15)):
        head.fill(cheek, tones.blush, 0.5 * cues.blush, 0.08, mask)
    # A lean face is hollow under the cheekbones and at the temples.
    hollow_cheek = curve([[0.72, nose - 0.12], [0.5, nose + 0.1], [0.38, mouth + 0.08], [0.56, mouth]], closed=True)
    for hollow in both_sides(hollow_cheek):
        head.fill(hollow, tones.shade, 0.5 * cues.leanness, 0.06, mask)
    for temple in both_sides(ellipse(0.68, eye - 0.24, 0.08, 0.2)):
        head.fill(temple, tones.shade, 0.35 * cues.leanness, 0.05, mask)
    for socket in both_sides(ellipse(cues.eye_distance, eye - 0.03, cues.eye_width * 1.25, 0.13)):
        head.fill(socket, tones.shade, 0.16 + 0.3 * cues.leanness, 0.05, mask)
    # Jowls: sagging cheeks cast a shadow beside the chin.
    for jowl in both_sides([[0.3, mouth + 0.06], [0.33, mouth + 0.17], [0.42, mouth + 0.24], [0.56, mouth + 0.18]]):
        head.stroke([jowl], 0.1, tones.shade, 0.7 * cues.sagging, 0.035, mask)
    head.fill(ellipse(0, mouth + 0.11, 0.14, 0.035), tones.shade, 0.4, 0.025, mask)


def _paint_light(
    head: Pen, mask: np.ndarray, person: Person, cues: SimpleNamespace, tones: Tones, shot: Shot
) -> None:
    outline = head_outline(person, cues)
    lit = head.mask(outline * (0.9, 0.93) + (0.16 * shot.light_side, -0.05), blur=0.1)
    head.lay(255 - lit, tones.shade, 0.35 + 0.35 * shot.light_strength, mask)
    middle = ellipse(0.12 * shot.light_side, cues.eye_height - 0.42, 0.34, 0.16)
    head.fill(middle, tones.light, 0.3 + 0.3 * shot.light_strength, 0.1, mask)
    cheek_x = mix(0.48, 0.4, cues.growth)
    for side in (-1, 1):
        lit_cheek = ellipse(side * cheek_x, cues.nose_height - 0.1, 0.13, 0.07)
        head.fill(lit_cheek, tones.light, 0.25 + 0.3 * max(0, side * shot.light_side), 0.05, mask)


def paint_texture(
    head: Pen, mask: np.ndarray, cues: SimpleNamespace, tones: Tones, person: Person, rng: np.random.Generator
) -> None:
    """Paint uneven skin: freckles, age spots and coarse, blotchy patches."""
    blotches = _scattered(70, (0.02, 0.05), 0.95, rng)
    spots = _scattered(16, (0.018, 0.045), 0.6, rng)
    freckles = _freckles(cues, rng)
    head.lay(head.mask(*blotches[::2], blur=0.012), tones.shade, 0.3 * cues.texture, mask)
    head.lay(head.mask(*blotches[1::2], blur=0.012), tones.light, 0.25 * cues.texture, mask)
    head.lay(head.mask(*spots, blur=0.006), mix(tones.line, rgb("7a4a2a"), 0.4), 0.6 * cues.spots, mask)
    head.lay(head.mask(*freckles, blur=0.004), tones.line, 0.3 * person.freckles, mask)


def _scattered(number: int, sizes: tuple[float, float], bottom: float, rng: np.random.Generator) -> list[np.ndarray]:
    places, radii = rng.uniform([-0.62, -0.85], [0.62, bottom], (number, 2)), rng.uniform(*sizes, number)
    return [ellipse(x, y, r, r * 0.8) for (x, y), r in zip(places, radii, strict=True)]


def _freckles(cues: SimpleNamespace, rng: np.random.Generator) -> list[np.ndarray]:
    places = rng.normal([0.34, cues.nose_height - 0.1], [0.12, 0.06], (24, 2))
    sides = np.where(np.arange(24) % 2, 1, -1)
    return [ellipse(x * side, y, 0.011, 0.011) for (x, y), side in zip(places, sides, strict=True)]
