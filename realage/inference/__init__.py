"""A model in use: photos in, ages out, with the exported ONNX file or, where Keras is installed, the `.keras` file.

`age_model` has the class that programs use. `sources` decodes what they give it, `views` frames the faces, and
`onnx_engine` and `keras_engine` run the network. `facts` is what a model file says of itself. `named`, `stream`,
`rows`, `gate` and `outputs` are for many photos on a command line. Neither TensorFlow, DVC nor pandas is loaded for an
ONNX file. Imports core, photos and, for a `.keras` file alone, network and calibration.
"""
