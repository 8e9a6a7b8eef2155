"""`python -m stages.evaluate`: a model whose answers are no numbers is not measured."""

from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest

from realage.core.errors import UserError
from stages import evaluate


@pytest.mark.parametrize("answer", [np.nan, np.inf])
def test_predictions_that_are_no_numbers_are_an_error(monkeypatch, answer):
    for name in ("require_indexed", "PhotoDataset"):
        monkeypatch.setattr(evaluate, name, Mock())
    monkeypatch.setattr(evaluate, "read_index", lambda _: pd.DataFrame())
    monkeypatch.setattr(evaluate, "predict_ages", lambda model, photos: pd.DataFrame({"age": [40.0, answer]}))
    rows = pd.DataFrame({"photo": ["a", "b"], "real_age": [41.0, 42.0]})
    with pytest.raises(UserError, match="models/age.keras: it predicts ages that are NaN or infinite"):
        evaluate._predict(Mock(), rows, batch_size=1)
