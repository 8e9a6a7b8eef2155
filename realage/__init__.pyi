from realage.core.errors import UserError as UserError
from realage.inference.age_model import AgeModel as AgeModel
from realage.inference.age_model import Prediction as Prediction
from realage.photos.limits import PhotoError as PhotoError
