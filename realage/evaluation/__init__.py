"""Evaluation of a model: measures of its errors in years, their intervals, and charts of them.

`saliency` maps which region of a photo an age comes from. A new measure goes into `metrics`, and its 95% interval is
computed by a function of `intervals`. A new chart goes into `charts`. Imports core, splits and charts.
"""
