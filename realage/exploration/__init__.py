"""Exploration of the labelled photos: counts by age and group, photo measures, outliers, and charts of them.

A new chart goes into `charts`. Imports core, photos, splits and charts.
"""
