"""How wrong a model is: measures of the errors in years, their intervals, and charts of them.

A new measure goes into `metrics`. Imports core, splits and charts.
"""
