"""Names of table columns that several modules use."""

FILE_NAME = "file_name"  # of a photo, relative to dataset.images
REAL_AGE = "real_age"  # years, as labelled
SUBJECT = "subject"  # the person in the photo
SPLIT = "split"
PHOTO = "photo"  # hash of the photo's pixels
PERCEPTUAL_HASH = "perceptual_hash"
NEAR_DUPLICATE_OF = "near_duplicate_of"
PREDICTED_AGE = "predicted_age"  # years
PREDICTED_SPREAD = "predicted_spread"  # years
