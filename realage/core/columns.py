"""Names of table columns that several modules use."""

FILE_NAME = "file_name"  # of a photo, relative to dataset.images
REAL_AGE = "real_age"  # years, as labelled
SUBJECT = "subject"  # the person in the photo
SPLIT = "split"
PERSON = "person"  # a running number: a hash of a name can be guessed
PHOTO = "photo"  # hash of the photo's pixels
PERCEPTUAL_HASH = "perceptual_hash"
NEAR_DUPLICATE_OF = "near_duplicate_of"
PREDICTED_AGE = "predicted_age"  # years
PREDICTED_SPREAD = "predicted_spread"  # years
PREDICTED_LO, PREDICTED_HI = "predicted_lo", "predicted_hi"  # years: the ends of the calibrated interval
FACES_FOUND, EYE_DISTANCE = "faces", "eye_distance"  # faces found in the photo; pixels between the largest one's eyes
INTERVAL_PART = "interval_part"  # what a photo does for the intervals: calibrate or judge
