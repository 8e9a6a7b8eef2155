"""The report page and the model card, from the metrics and charts of other stages. Imports core, splits, charts and
evaluation."""
