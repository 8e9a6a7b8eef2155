"""All sections of `params.yaml`; each class is defined beside the code that reads it."""

from realage.core.params import Section
from realage.evaluation.metrics import EvaluateParams
from realage.exploration.params import EdaParams
from realage.export.params import ExportParams
from realage.labels.dataset import DatasetParams, SampleParams
from realage.labels.params import ValidateParams
from realage.network.backbones import ModelParams
from realage.network.recipe import TrainParams
from realage.photos.params import PrepareParams
from realage.report.params import ReportParams
from realage.splits.assign import SplitParams

SECTIONS: dict[str, type[Section]] = {
    "dataset": DatasetParams,
    "sample": SampleParams,
    "validate": ValidateParams,
    "split": SplitParams,
    "eda": EdaParams,
    "prepare": PrepareParams,
    "model": ModelParams,
    "train": TrainParams,
    "evaluate": EvaluateParams,
    "export": ExportParams,
    "report": ReportParams,
}
