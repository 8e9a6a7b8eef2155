"""Evaluation of a model: measures of its errors in years, their intervals, and charts of them.

A new measure goes into `metrics`, a new chart into `charts`. Imports core, splits and charts.
"""
