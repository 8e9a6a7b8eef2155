"""The network: backbone, pretrained weights, heads, the model that predicts ages in years, and the model file.

A new head goes into `heads`. Imports core and, from photos, the params of a model's photos.
"""
