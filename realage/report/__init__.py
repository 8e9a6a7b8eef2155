"""The report page and the model card, from the metrics and tables of other stages.

`charts` has the charts of the page alone. Imports core, splits, charts and evaluation.
"""
