"""The trained model as one file for other programs: `models/export/age.onnx`.

`convert` writes it, and `command` does so for any model file. `graph` adds to the network what is needed around it, so
that the file alone answers: photos as bytes in, ages and intervals out. `onnx_file` writes it as ONNX with the same
bytes for the same model, `precision` stores its weights in fewer bits, and `parity` compares its answers with those
that were evaluated: a new check of the ONNX file goes there. Imports core, network, calibration, photos and inference.
"""
