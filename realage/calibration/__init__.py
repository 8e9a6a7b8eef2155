"""Calibrated intervals: for each photo the ages between which the real one is, with the chance that was asked for.

`interval` has what travels in the model file and gives the intervals, `fit` calibrates. Imports core and network.
"""
