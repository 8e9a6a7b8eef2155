"""Splits of the photos: training, validation and test, near-duplicates, decades and groups, versions of a split.

Imports core.
"""
