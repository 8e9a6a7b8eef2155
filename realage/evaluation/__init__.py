"""Evaluation of a model: measures of its errors in years, their intervals, and charts of them.

A new measure goes into `metrics`. Imports core, splits and charts.
"""
