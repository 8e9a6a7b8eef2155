"""Labels that are most likely wrong: `realage suspects`.

`folds` divides the photos so that no person is in two folds. `training` trains a network on all folds but one and asks
it for the ages in that one. `search` does so for each fold and keeps what is finished. `ranking` orders the labels by
how little they fit, `sheet` shows the photos of the first; `command` checks the arguments first. Imports core, photos,
splits, network, charts, training and calibration.
"""
