"""Comparison of two versions of the project: errors, params and data of Git revisions.

Imports core, splits, labels and evaluation. It reads the results of the stages and loads no model.
"""
