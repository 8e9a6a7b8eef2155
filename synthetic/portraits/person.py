"""The person and the shot: everything that does not depend on age."""

from dataclasses import dataclass

import numpy as np

from synthetic.portraits.canvas import mix


def rgb(code: str) -> np.ndarray:
    """Return a six-digit hexadecimal colour as float RGB (3,) in 0..1."""
    return np.array([int(code[i : i + 2], 16) for i in (0, 2, 4)]) / 255


SKINS = [rgb(code) for code in ("f8d9c4", "f0c6a6", "dfa981", "c68a5f", "a1683f", "7b4a2d", "5b3522")]
HAIRS = [rgb(code) for code in ("1f1a1c", "33241e", "4d3222", "6e4526", "8f5c2e", "b98a4e", "d8b473", "9c4423")]
EYES = [rgb(code) for code in ("3b2416", "5a3a1f", "7a5a2c", "5f7a45", "5b88a8", "6f8fa0")]
CLOTHES = [rgb(code) for code in ("2f4858", "33658a", "86bbd8", "f6ae2d", "e4572e", "76b041", "7d5ba6", "e8e4d9",
                                  "c44569", "3d405b", "81b29a", "575366")]
WALLS = [rgb(code) for code in ("d9e4ea", "c7d3c0", "e9d8c3", "b8c4d6", "d7c6d9", "8fa3ad", "a9b89a", "c9a98c",
                                "6f7f8f", "efe6da", "93a8c4", "b58d8d")]


@dataclass(frozen=True)
class HairStyle:
    """A hair style. Lengths are in head units; `ends` is where the sides end (0 the head's middle, 1 the chin)."""

    volume: float
    ends: float
    fringe: float
    parting: float
    curls: float = 0.0
    bun: bool = False


STYLES = {
    "cropped": HairStyle(volume=0.05, ends=-0.12, fringe=0.0, parting=0.0),
    "swept": HairStyle(volume=0.13, ends=-0.02, fringe=0.05, parting=0.34),
    "fringe": HairStyle(volume=0.1, ends=0.0, fringe=0.2, parting=0.05),
    "curly": HairStyle(volume=0.13, ends=0.08, fringe=0.04, parting=0.1, curls=0.1),
    "bob": HairStyle(volume=0.12, ends=0.72, fringe=0.1, parting=0.22),
    "fringed bob": HairStyle(volume=0.12, ends=0.62, fringe=0.22, parting=0.0),
    "long": HairStyle(volume=0.11, ends=1.45, fringe=0.0, parting=0.08),
    "wavy": HairStyle(volume=0.14, ends=1.2, fringe=0.03, parting=0.28, curls=0.07),
    "bun": HairStyle(volume=0.06, ends=0.02, fringe=0.0, parting=0.12, bun=True),
    "afro": HairStyle(volume=0.3, ends=0.3, fringe=0.03, parting=0.0, curls=0.13),
}
MASCULINE_STYLES = ["cropped", "cropped", "swept", "swept", "swept", "fringe", "curly", "afro"]
FEMININE_STYLES = ["swept", "fringe", "curly", "bob", "bob", "fringed bob", "long", "long", "wavy", "wavy", "bun",
                   "afro"]


@dataclass(frozen=True)
class Person:
    """Features of a person other than age. Colours are RGB in 0..1, shares 0..1; sizes are factors around 1."""

    femininity: float
    skin: np.ndarray
    hair: np.ndarray
    eyes: np.ndarray
    style: HairStyle
    mirrored: bool
    baldness: float
    beard: str
    face_width: float
    jaw_width: float
    eye_size: float
    eye_slant: float
    nose_size: float
    mouth_size: float
    lip_size: float
    ear_size: float
    brow_size: float
    freckles: float


@dataclass(frozen=True)
class Shot:
    """One photo session: pose in radians, shifts and zoom as shares of the picture, light, clothes and camera."""

    yaw: float
    pitch: float
    roll: float
    zoom: float
    shift: np.ndarray
    smile: float
    open_mouth: bool
    gaze: float
    glasses: str
    glasses_colour: np.ndarray
    clothes: np.ndarray
    collar: str
    wall: np.ndarray
    second_wall: np.ndarray
    wall_shapes: int
    light_side: float
    light_strength: float
    exposure: float
    warmth: float
    contrast: float
    blur: float
    grain: float
    width: int
    height: int


def draw_person(rng: np.random.Generator) -> Person:
    """Draw a random person."""
    femininity = float(np.clip(rng.normal(rng.choice([0.12, 0.88]), 0.12), 0, 1))
    complexion = rng.beta(0.9, 1.2) * (len(SKINS) - 1.001)
    skin = mix(SKINS[int(complexion)], SKINS[int(complexion) + 1], complexion % 1)
    # Fair hair only with fair skin: the darker the skin, the fewer colours are used of the list.
    hair_choices = len(HAIRS) if complexion < 1.5 else 4 if complexion < 3 else 2
    eye_choices = len(EYES) if complexion < 2 else 2
    style = rng.choice(FEMININE_STYLES if femininity > 0.5 else MASCULINE_STYLES)
    return Person(
        femininity=femininity,
        skin=skin * rng.uniform(0.97, 1.03),
        hair=np.clip(HAIRS[rng.integers(hair_choices)] * rng.uniform(0.85, 1.15), 0, 1),
        eyes=EYES[rng.integers(eye_choices)],
        style=STYLES[style],
        mirrored=bool(rng.random() < 0.5),
        baldness=float(np.clip(rng.normal(0.75 - 0.7 * femininity, 0.25), 0, 1)),
        beard=str(rng.choice(["none", "none", "stubble", "moustache", "full"])) if femininity < 0.5 else "none",
        face_width=rng.normal(1 - 0.03 * femininity, 0.025),
        jaw_width=rng.normal(1.06 - 0.1 * femininity, 0.03),
        eye_size=rng.normal(0.98 + 0.06 * femininity, 0.03),
        eye_slant=rng.normal(0, 0.012),
        nose_size=rng.normal(1.05 - 0.08 * femininity, 0.06),
        mouth_size=rng.normal(1, 0.06),
        lip_size=rng.normal(0.95 + 0.15 * femininity + 0.05 * complexion, 0.08),
        ear_size=rng.normal(1, 0.06),
        brow_size=rng.normal(1.2 - 0.4 * femininity, 0.1),
        freckles=float(complexion < 1.5 and rng.random() < 0.25),
    )


def draw_shot(rng: np.random.Generator) -> Shot:
    """Draw a random shot."""
    width = int(np.exp(rng.uniform(np.log(96), np.log(224))))
    return Shot(
        yaw=float(np.clip(rng.normal(0, 0.14), -0.32, 0.32)),
        pitch=float(np.clip(rng.normal(0, 0.05), -0.12, 0.12)),
        roll=float(np.clip(rng.normal(0, 0.06), -0.16, 0.16)),
        zoom=rng.uniform(0.92, 1.1),
        shift=np.clip(rng.normal(0, 0.02, 2), -0.05, 0.05),
        smile=rng.uniform(-0.1, 1.0),
        open_mouth=bool(rng.random() < 0.35),
        gaze=float(np.clip(rng.normal(0, 0.3), -0.7, 0.7)),
        glasses=str(rng.choice(["none", "round", "square"], p=[0.8, 0.1, 0.1])),
        glasses_colour=rng.choice([rgb("221f22"), rgb("5a3320"), rgb("7d7f86"), rgb("7a2331")]),
        clothes=CLOTHES[rng.integers(len(CLOTHES))],
        collar=str(rng.choice(["crew", "vee", "shirt"])),
        wall=WALLS[rng.integers(len(WALLS))],
        second_wall=WALLS[rng.integers(len(WALLS))],
        wall_shapes=int(rng.choice([0, 0, 5, 9])),
        light_side=rng.uniform(-1, 1),
        light_strength=rng.uniform(0.2, 1.0),
        exposure=rng.uniform(0.88, 1.1),
        warmth=rng.normal(0, 0.025),
        contrast=rng.uniform(0.9, 1.08),
        blur=float(np.clip(rng.normal(0.2, 0.25), 0, 0.75)),
        grain=abs(rng.normal(0, 0.008)),
        width=width,
        height=int(width * rng.choice([1.0, rng.uniform(1.0, 1.07)])),
    )
