"""Adapt a trained model to a new source of photos with a few labelled ones: `realage adapt`.

`source` reads and checks the labelled photos. There are two kinds of change: `correction`, a monotone function of the
predicted age, and `head`, another last layer on the same features. `choice` picks one by cross-validation and measures
it without optimism. `adapted` does all of it and writes the model; `command` checks the arguments first. Imports core,
photos, labels, splits, network and evaluation.
"""
