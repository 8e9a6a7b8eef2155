"""Exploration of the labelled photos: counts by age and group, photo measures, outliers, and charts of them.

Imports core, photos, splits and charts.
"""
