"""How age changes a face: each cue is linear between knots (age in years: value).

Lengths are in head units; all else is a strength from 0 (absent) to 1 (full).
"""

from types import SimpleNamespace

import numpy as np

LIFE = {
    # Growth: from a big cranium over a small face to adult proportions.
    "growth": {0: 0.0, 1: 0.14, 3: 0.33, 7: 0.55, 12: 0.76, 16: 0.91, 20: 1.0},
    "eye_height": {0: 0.28, 1: 0.25, 3: 0.2, 7: 0.14, 12: 0.08, 20: 0.0},
    "eye_distance": {0: 0.385, 3: 0.36, 7: 0.34, 12: 0.325, 19: 0.31},
    "eye_width": {0: 0.188, 3: 0.18, 7: 0.168, 12: 0.156, 20: 0.14, 35: 0.134, 60: 0.127, 90: 0.115},
    "eye_opening": {0: 0.145, 3: 0.134, 7: 0.118, 12: 0.104, 20: 0.087, 30: 0.076, 45: 0.063, 60: 0.053, 90: 0.038},
    "brow_gap": {0: 0.255, 7: 0.235, 19: 0.215, 30: 0.2, 45: 0.182, 60: 0.168, 90: 0.155},
    "brow_weight": {0: 0.1, 3: 0.35, 10: 0.6, 19: 0.85, 40: 1.0, 60: 0.95, 90: 0.75},
    "nose_height": {0: 0.495, 3: 0.47, 7: 0.445, 12: 0.43, 19: 0.42, 40: 0.435, 60: 0.455, 90: 0.495},
    "nose_width": {0: 0.082, 3: 0.088, 10: 0.1, 19: 0.118, 45: 0.13, 70: 0.145, 95: 0.16},
    "nose_bridge": {0: 0.0, 5: 0.15, 12: 0.45, 19: 0.75, 45: 0.95, 70: 1.0},
    "mouth_height": {0: 0.715, 3: 0.7, 7: 0.69, 19: 0.68, 60: 0.695, 90: 0.72},
    "mouth_width": {0: 0.155, 3: 0.185, 7: 0.215, 12: 0.24, 19: 0.265, 60: 0.275, 90: 0.265},
    "lip_thickness": {0: 0.062, 7: 0.064, 19: 0.07, 30: 0.06, 45: 0.045, 60: 0.032, 75: 0.021, 95: 0.012},
    "ear_size": {0: 0.17, 7: 0.18, 19: 0.19, 45: 0.21, 70: 0.24, 95: 0.28},
    "neck_width": {0: 0.27, 3: 0.27, 8: 0.3, 13: 0.34, 20: 0.41, 30: 0.44},
    "shoulder_width": {0: 0.74, 3: 0.86, 8: 1.04, 13: 1.24, 20: 1.52, 30: 1.6},
    "blush": {0: 1.0, 4: 0.85, 12: 0.6, 20: 0.42, 35: 0.25, 60: 0.12, 90: 0.05},
    "teeth": {0: 0.0, 0.7: 0.0, 2.5: 1.0},
    # Hair: grows in, greys, recedes, thins.
    "hair_cover": {0: 0.35, 0.6: 0.55, 2: 0.9, 3.5: 1.0, 45: 1.0, 65: 0.92, 85: 0.78, 100: 0.65},
    "hair_length": {0: 0.0, 1: 0.06, 2.5: 0.4, 5: 0.85, 8: 1.0},
    "greying": {30: 0.0, 38: 0.1, 47: 0.32, 57: 0.62, 67: 0.88, 78: 1.0},
    "receding": {20: 0.0, 28: 0.12, 40: 0.38, 55: 0.68, 75: 1.0},
    "hairline": {16: 0.0, 25: 0.25, 40: 0.55, 60: 0.8, 90: 1.0},
    "beard": {16: 0.0, 20: 0.6, 26: 1.0},
    # Wear: lines, folds, sagging and spots.
    "leanness": {17: 0.0, 25: 0.3, 35: 0.6, 50: 0.85, 70: 1.0},
    "forehead_lines": {24: 0.0, 32: 0.2, 42: 0.46, 55: 0.74, 75: 1.0},
    "crows_feet": {24: 0.0, 33: 0.24, 45: 0.54, 60: 0.82, 80: 1.0},
    "nose_folds": {17: 0.0, 25: 0.16, 35: 0.38, 48: 0.63, 65: 0.88, 85: 1.0},
    "eye_bags": {20: 0.0, 30: 0.22, 42: 0.48, 58: 0.78, 80: 1.0},
    "mouth_lines": {36: 0.0, 48: 0.3, 62: 0.66, 85: 1.0},
    "cheek_lines": {52: 0.0, 65: 0.4, 90: 1.0},
    "neck_length": {0: -0.2, 1: -0.17, 3: -0.11, 8: -0.04, 14: 0.02, 20: 0.06, 55: 0.06, 75: 0.01, 95: -0.06},
    "sagging": {32: 0.0, 45: 0.24, 60: 0.56, 75: 0.82, 95: 1.0},
    "texture": {16: 0.0, 30: 0.18, 45: 0.42, 65: 0.75, 90: 1.0},
    "spots": {38: 0.0, 52: 0.25, 68: 0.65, 90: 1.0},
    "pallor": {20: 0.0, 45: 0.25, 70: 0.7, 95: 1.0},
}


# Standard deviation of the age that a cue shows about the person's age, as a share of that age.
STRAY = 0.04
HAIR_STRAY = {"greying": 0.1, "receding": 0.15}


def cues_at(age: float, rng: np.random.Generator) -> SimpleNamespace:
    """Return the value of each cue of `LIFE` for a person of `age` years, each at a slightly different age."""
    cues = {}
    for name, knots in LIFE.items():
        own_age = age * (1 + HAIR_STRAY.get(name, STRAY) * np.clip(rng.normal(), -2, 2))
        cues[name] = float(np.interp(own_age, list(knots), list(knots.values())))
    return SimpleNamespace(**cues)
