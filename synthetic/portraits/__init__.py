"""Illustrated portraits: many cues depend on the age, all other features are random."""

import numpy as np

from synthetic.portraits.canvas import Pen
from synthetic.portraits.features import paint_brows, paint_eyes, paint_glasses, paint_mouth, paint_nose
from synthetic.portraits.hair import hair_colour, paint_beard, paint_hair, paint_hair_behind
from synthetic.portraits.head import head_outline, paint_bust, paint_ears, paint_skin, paint_texture
from synthetic.portraits.life import cues_at
from synthetic.portraits.person import draw_person, draw_shot
from synthetic.portraits.photo import develop, paint_wall_shapes, wall
from synthetic.portraits.pose import place_body, place_head, unit_pixels
from synthetic.portraits.skin import tones_of
from synthetic.portraits.wrinkles import paint_wrinkles


def draw_portrait(age: float, rng: np.random.Generator) -> np.ndarray:
    """Draw someone who is `age` years old (0..100): uint8 RGB (H, W, 3), H and W between 96 and 240 pixels.

    Generators in the same state give the same person in the same pose at any age.
    """
    person, shot, cues = draw_person(rng), draw_shot(rng), cues_at(age, rng)
    tones = tones_of(person, cues)
    pixels = wall(shot)
    body = Pen(pixels, lambda points: place_body(points, shot), unit_pixels(shot))
    head = Pen(pixels, lambda points: place_head(points, shot), unit_pixels(shot))
    face = head.mask(head_outline(person, cues))

    paint_wall_shapes(body, shot, rng)
    paint_hair_behind(head, person, cues)
    paint_bust(body, cues, tones, shot)
    paint_ears(head, person, cues, tones)
    paint_skin(head, face, person, cues, tones, shot)
    paint_texture(head, face, cues, tones, person, rng)
    paint_wrinkles(head, face, cues, tones, shot)
    paint_nose(head, person, cues, tones, shot)
    paint_mouth(head, person, cues, tones, shot)
    paint_beard(head, face, person, cues)
    paint_eyes(head, person, cues, tones, shot)
    paint_hair(head, person, cues, rng)
    paint_brows(head, person, cues, hair_colour(person, cues), shot)
    paint_glasses(head, cues, shot)
    return develop(pixels, shot, rng)
