"""Training: batches of augmented photos, sample weights, the fit, and checkpoints to resume from.

Imports core, photos and network.
"""
