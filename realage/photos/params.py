"""How photos are prepared: the keys of section `prepare`."""

from typing import Literal

from pydantic import Field

from realage.core.params import Section

MAX_MEGAPIXELS = 50  # a malicious file of that size (WebP) takes a worker 1.1 GB and four seconds


class PrepareParams(Section):
    """Section `prepare`: how photos are cropped and resized for the model."""

    # Do not name a key `size` or `nfiles`: DVC's run cache ignores keys of these names when it looks for an earlier run
    # with the same params, and would check out photos of another size.
    image_size: int = Field(ge=32, le=1_024)  # side of the square, pixels
    # The whole photo, or its largest face, upright, by its box or by its landmarks; the whole photo if none is found.
    crop: Literal["none", "face", "aligned"]
    margin: float = Field(ge=-0.3, le=2)  # share of the face's side that is added on each side of a face
    fit: Literal["pad", "stretch"]  # keep proportions and pad with black, or stretch as Keras' loaders do
    max_megapixels: int = Field(default=MAX_MEGAPIXELS, ge=1, le=1_000)  # million pixels of a decoded photo

    @property
    def finds_faces(self) -> bool:
        """Whether photos are cropped to a face."""
        return self.crop != "none"
