"""Groups of photos by what the face detector found in them: how many faces, and how far apart the eyes are."""

import pandas as pd

from realage.core.columns import EYE_DISTANCE, FACES_FOUND
from realage.splits.groups import NO_GROUP

# Pixels of the original photo. A detector's landmarks are too rough for finer steps.
STEPS = {"0 to 19": 0, "20 to 39": 20, "40 to 79": 40, "80 or more": 80}


def groups_by_face(found: pd.DataFrame) -> dict[str, pd.Series]:
    """Return each row's group by number of faces and by eye distance; nothing if no face was looked for.

    `found` has columns `faces` and `eye_distance` (pixels), empty where `realage.photos.framing.Framed` has None.
    """
    if found[FACES_FOUND].isna().all():
        return {}
    faces = found[FACES_FOUND].clip(upper=2).map({0: "none", 1: "one", 2: "several"})
    eyes = pd.cut(found[EYE_DISTANCE].astype("float64"), [*STEPS.values(), float("inf")], right=False, labels=[*STEPS])
    return {
        "faces found": faces.astype(object).fillna(NO_GROUP),
        "eye distance in pixels": eyes.astype(object).fillna(NO_GROUP),
    }
