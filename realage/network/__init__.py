"""The network: backbone, pretrained weights, heads, the model that predicts ages in years, and the model file.

A new head goes into `heads`. An exported form of a model (ONNX, say) belongs in a module beside `model_file`, with the
check that it gives the same ages. Imports core and, from photos, the params of a model's photos.
"""
