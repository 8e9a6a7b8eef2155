"""The network: backbone, pretrained weights, heads, the model that answers in years, and its file.

A new head goes into `heads`. Imports core, and from photos the params of a model's photos.
"""
