"""Photos as other cameras and websites give them: grey, of other contrast or colour, blurred, small, compressed.

Sources, by key of `train.augment`:

- `grayscale`, `blur`: SimCLR (Chen et al. 2020, ICML), whose standard deviations of 0.1 to 2 pixels at 224 pixels are
  shares of the side here.
- `contrast_range`, `saturation_range`: the colour jitter of SimCLR and AdaFace, as Pillow's ImageEnhance defines it.
- `low_resolution`: AdaFace (Kim et al. 2022, CVPR), for faces. It draws 0.2 to 1 of the side; we leave out both ends.
- `jpeg`: Wang et al. 2020 (CVPR, "CNN-generated images are surprisingly easy to spot"), with qualities 30 to 100. Blur,
  low resolution and JPEG are among the corruptions by which Hendrycks and Dietterich (2019, ICLR) measure robustness.
"""

from typing import NamedTuple

import cv2
import numpy as np

from realage.network.recipe import AugmentParams

LUMA = (0.299, 0.587, 0.114)  # of R, G, B: ITU-R BT.601, as in Pillow and OpenCV
DEVIATIONS = (0.1 / 224, 2 / 224)  # of the Gaussian, shares of the longer side
SCALES = (0.3, 0.9)  # shares of the side
QUALITIES = (20, 80)  # of JPEG


class Degradation(NamedTuple):
    """What to do to one photo; the defaults leave it as it is."""

    contrast: float = 1.0  # factor of each pixel's distance from the mean grey
    saturation: float = 1.0  # factor of each pixel's distance from its own grey; 0 makes the photo grey
    deviation: float = 0.0  # of a Gaussian blur, share of the longer side
    scale: float = 1.0  # share of the side that the photo is shrunk to, before it is enlarged again
    quality: int | None = None  # of JPEG


def draw_degradation(params: AugmentParams, random: np.random.Generator) -> Degradation:
    """Draw a degradation. It takes the same numbers from `random` for all params: keys do not affect each other."""
    contrast, saturation = (random.uniform(1 - x, 1 + x) for x in (params.contrast_range, params.saturation_range))
    deviation, scale = random.uniform(*DEVIATIONS), random.uniform(*SCALES)
    quality = int(random.integers(*QUALITIES, endpoint=True))
    chances = (params.grayscale, params.blur, params.low_resolution, params.jpeg)
    is_grey, is_blurred, is_small, is_compressed = random.random(4) < chances
    return Degradation(
        contrast=contrast,
        saturation=0.0 if is_grey else saturation,
        deviation=deviation if is_blurred else 0.0,
        scale=scale if is_small else 1.0,
        quality=quality if is_compressed else None,
    )


def degrade(photo: np.ndarray, degradation: Degradation) -> np.ndarray:
    """Degrade one photo: float32 RGB, (height, width, 3) -> the same shape and dtype.

    Values are in [0, 255] up to what contrast, saturation and cubic interpolation add, which is not clipped here.
    """
    contrast, saturation, deviation, scale, quality = degradation
    if (contrast, saturation) != (1, 1):
        photo = _recolour(photo, contrast, saturation)
    if deviation:
        photo = cv2.GaussianBlur(photo, (0, 0), deviation * max(photo.shape[:2]), borderType=cv2.BORDER_REPLICATE)
    if scale != 1:
        photo = _shrink_and_enlarge(photo, scale)
    if quality is not None:
        photo = _compress(photo, quality)
    return photo


def _recolour(photo: np.ndarray, contrast: float, saturation: float) -> np.ndarray:
    """Pillow's ImageEnhance.Color and Contrast as one linear map of (R, G, B); both keep the mean grey."""
    mean_grey = np.dot(LUMA, cv2.mean(photo)[:3])
    saturate = saturation * np.eye(3) + (1 - saturation) * np.array(LUMA)
    return cv2.transform(photo, np.column_stack([contrast * saturate, np.full(3, (1 - contrast) * mean_grey)]))


def _shrink_and_enlarge(photo: np.ndarray, scale: float) -> np.ndarray:
    height, width = photo.shape[:2]
    small = (max(1, round(scale * width)), max(1, round(scale * height)))
    shrunk = cv2.resize(photo, small, interpolation=cv2.INTER_AREA)
    return cv2.resize(shrunk, (width, height), interpolation=cv2.INTER_CUBIC)


def _compress(photo: np.ndarray, quality: int) -> np.ndarray:
    pixels = np.clip(np.rint(photo), 0, 255).astype(np.uint8)
    _, file = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR_RGB), dtype=np.float32)
