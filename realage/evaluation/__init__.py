"""Evaluation of a model: measures of its errors in years, their intervals, and charts of them.

`saliency` maps which region of a photo an age comes from. A new measure goes into `metrics` (its interval is one of
`intervals`), a new chart into `charts`. Imports core, splits and charts.
"""
