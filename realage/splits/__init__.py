"""Which photos train a model and which judge it: splits, near-duplicates, decades and groups, versions of a split.

Imports core.
"""
