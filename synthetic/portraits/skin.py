"""The tones of one person's skin."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from synthetic.portraits.canvas import mix
from synthetic.portraits.person import Person, rgb


@dataclass(frozen=True)
class Tones:
    """RGB in 0..1: the skin, its lit and shaded tones, the colour of wrinkle lines, lips and blush."""

    base: np.ndarray
    light: np.ndarray
    shade: np.ndarray
    line: np.ndarray
    lips: np.ndarray
    blush: np.ndarray


def tones_of(person: Person, cues: SimpleNamespace) -> Tones:
    """Return the person's tones. Skin and lips become paler with age."""
    grey = np.full(3, person.skin.mean())
    base = mix(person.skin, mix(grey, rgb("e6d9c0"), 0.35), 0.28 * cues.pallor)
    lip_red = mix(mix(rgb("c2504f"), rgb("b03a4a"), person.femininity), rgb("a9776c"), 0.6 * cues.pallor)
    return Tones(
        base=base,
        light=mix(base, np.ones(3), 0.28),
        shade=base * (0.72, 0.62, 0.6),
        line=base * (0.55, 0.43, 0.4),
        lips=mix(base * (0.86, 0.66, 0.66), lip_red, (0.4 + 0.35 * person.femininity) * (1 - 0.4 * cues.pallor)),
        blush=mix(base, rgb("e8543f"), 0.5),
    )
