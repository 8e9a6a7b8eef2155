"""Hair on the head and in the face."""

from types import SimpleNamespace

import cv2
import numpy as np

from synthetic.portraits.canvas import MIRROR, Pen, curve, ellipse, mix, symmetric
from synthetic.portraits.head import half_outline
from synthetic.portraits.person import Person, rgb

WHITE_HAIR = rgb("e9e7e4")
BABY_ENDS = -0.3
STRANDS = 24  # on either side of a middle parting
HALF_WIDTH = 0.75


def hair_colour(person: Person, cues: SimpleNamespace) -> np.ndarray:
    """Return the hair's mean colour, RGB in 0..1: lighter for a child, with age grey and then white."""
    childlike = mix(person.hair, rgb("c79a62"), 0.3 * (1 - cues.growth))
    return mix(childlike, WHITE_HAIR, 0.92 * cues.greying)


def paint_hair_behind(head: Pen, person: Person, cues: SimpleNamespace) -> None:
    """Paint the hair that falls behind the neck."""
    outer = _outer_half(person, cues)
    if outer[-1, 1] > 0.2:
        # Cut off above the brows, as it would show above a bald crown.
        head.lay(head.mask(symmetric(np.maximum(outer, (0, -0.3))), blur=0.01), hair_colour(person, cues) * 0.55)


def paint_hair(head: Pen, person: Person, cues: SimpleNamespace, rng: np.random.Generator) -> None:
    """Paint the hair that frames the face: its mass, with an opening for the face, then its strands."""
    outer = _outer_half(person, cues)
    sparse = 1 - cues.hair_cover
    mass = head.mask(symmetric(outer), *_curls(outer, person, cues, rng), *_bun(person, cues), blur=0.05 * sparse)
    opening = head.mask(_opening(person, cues), blur=0.01 + 0.08 * sparse)
    mask = cv2.subtract(mass, opening)
    colour = hair_colour(person, cues)
    head.lay(mask, colour, cues.hair_cover)
    _paint_strands(head, mask, outer, colour, person, cues, rng)


def _outer_half(person: Person, cues: SimpleNamespace) -> np.ndarray:
    """Return the right half of the hair's outer contour from above the crown down to its end, closed below."""
    skull = half_outline(person, cues)
    style = person.style
    fullness = mix(0.25, 1, cues.hair_length) * mix(0.7, 1, cues.hair_cover) * (1 - 0.45 * _baldness(person, cues))
    volume = (0.02 + style.volume) * fullness
    ends = mix(BABY_ENDS, style.ends, cues.hair_length)
    crown = skull[:4] + skull[:4] * (0.75, 1.0) * volume
    side_x = skull[4, 0] + 0.04 * fullness + 0.4 * volume
    levels = np.linspace(0, 1, 5)[1:]
    drop = np.stack([side_x + 0.05 * np.sin(np.pi * levels) * (ends > 0.3), mix(crown[-1, 1], ends, levels)], axis=1)
    drop[:, 0] -= 0.16 * levels ** (8 if ends > 0.3 else 2)
    return np.concatenate([curve(np.concatenate([crown, drop])), [[0, ends]]])


def _opening(person: Person, cues: SimpleNamespace) -> np.ndarray:
    """Return the outline of the part of the hair's mass that the face shows through."""
    skull = half_outline(person, cues)
    style = person.style
    bald = _baldness(person, cues)
    fringe = style.fringe * cues.hair_length * (1 - bald)
    hairline = mix(-0.5, -0.6, cues.growth) - 0.08 * cues.hairline - 0.15 * (1 - cues.hair_cover) + fringe
    side = skull[4, 0] * mix(0.97, 0.93, cues.hair_length * (style.ends > 0.3))
    # Hair recedes first above the temples, then in the middle.
    middle_y, half_y = hairline - 0.75 * bald**1.5, hairline + 0.04 - 0.85 * bald
    temple_y = -0.3 - 0.22 * bald + 0.5 * fringe
    right = np.array([[style.parting, middle_y], [0.42, half_y], [side * (0.9 + 0.1 * bald), temple_y], [side, 0.0]])
    left = np.array([[0.0, middle_y + 0.02], [0.36, half_y + 0.5 * style.parting * (1 - bald)],
                     [side * (0.9 + 0.1 * bald), temple_y], [side, 0.0]]) * MIRROR
    bottom = max(_outer_half(person, cues)[-1, 1], 0) + 0.6
    hairline_curve = curve(np.concatenate([left[::-1], right]))
    below = np.array([[side * 0.98, 0.6], [side * 0.9, bottom]])
    whole = np.concatenate([hairline_curve, below, below[::-1] * MIRROR])
    return whole * MIRROR if person.mirrored else whole


def _baldness(person: Person, cues: SimpleNamespace) -> float:
    return person.baldness * cues.receding


def _curls(outer: np.ndarray, person: Person, cues: SimpleNamespace, rng: np.random.Generator) -> list[np.ndarray]:
    """Return round locks along the outer contour of curly hair."""
    style = person.style
    sizes = rng.uniform(0.75, 1.2, 100)
    size = style.curls * cues.hair_length * (1 - 0.6 * _baldness(person, cues))
    if size < 0.02:
        return []
    contour = np.concatenate([outer[-2::-1] * MIRROR, outer[1:-1]])
    walked = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(contour, axis=0), axis=1))])
    stops = np.arange(0, walked[-1], 0.95 * size)
    x, y = np.interp(stops, walked, contour[:, 0]), np.interp(stops, walked, contour[:, 1])
    return [ellipse(*spot, size * share, size * share) for *spot, share in zip(x * 0.96, y, sizes)]


def _bun(person: Person, cues: SimpleNamespace) -> list[np.ndarray]:
    size = 0.26 * cues.hair_length
    return [ellipse(0, -1.12 - size * 0.5, size, size * 0.85)] if person.style.bun and size > 0.1 else []


def _paint_strands(
    head: Pen,
    mask: np.ndarray,
    outer: np.ndarray,
    colour: np.ndarray,
    person: Person,
    cues: SimpleNamespace,
    rng: np.random.Generator,
) -> None:
    """Paint dark, light and grey strands from the parting down both sides."""
    parting = person.style.parting * (-1 if person.mirrored else 1)
    strands = []
    for side in (1, -1):
        number = round(STRANDS * (1 - side * parting / HALF_WIDTH))
        shares = (np.arange(number) + rng.uniform(-1, 1, number)) / (number - 1)
        contour = outer[:-1:5] * (side, 1)
        middle = np.stack([np.full(len(contour), parting), np.linspace(-1.0, 0.2, len(contour))], axis=1)
        strands += [mix(middle, contour, share) for share in shares]
    head.stroke(strands[::3], 0.04, colour * 0.66, 0.55 * cues.hair_cover**2, 0.006, mask)
    head.stroke(strands[1::3], 0.03, mix(colour, np.ones(3), 0.18), 0.5 * cues.hair_cover**2, 0.006, mask)
    silver = cues.greying * (1 - cues.greying) * 4
    head.stroke(strands[2::3], 0.03, WHITE_HAIR, 0.75 * silver, 0.004, mask)


def paint_beard(head: Pen, mask: np.ndarray, person: Person, cues: SimpleNamespace) -> None:
    """Paint a beard, a moustache or stubble, none before the late teens."""
    if person.beard == "none" or cues.beard == 0:
        return
    colour = mix(hair_colour(person, cues), WHITE_HAIR, 0.2 * cues.greying)
    mouth, half, nose = cues.mouth_height, cues.mouth_width, cues.nose_height
    moustache = curve(symmetric(np.array([[0, nose + 0.07], [half * 0.6, nose + 0.09], [half * 1.2, mouth + 0.02],
                                          [half * 0.9, mouth - 0.03], [0, mouth - 0.06]])), closed=True)
    if person.beard == "moustache":
        head.fill(moustache, colour, 0.9 * cues.beard, 0.012)
        return
    jaw = curve(symmetric(np.array([[0, mouth + 0.13], [half * 0.9, mouth + 0.1], [half * 1.25, mouth - 0.05],
                                    [0.6, nose + 0.02], [0.74, 0.1], [0.8, 0.6], [0.5, 1.1], [0, 1.15]])), closed=True)
    strength = 0.3 if person.beard == "stubble" else 0.92
    head.lay(head.mask(jaw, moustache, blur=0.025), colour, strength * cues.beard, mask)
