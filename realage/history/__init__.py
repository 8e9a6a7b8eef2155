"""Comparison of two versions of the project: errors, params and data of Git revisions.

Imports core, splits and labels. It reads the results of the stages and loads no model.
"""
