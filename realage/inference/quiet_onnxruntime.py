"""ONNX Runtime, without the reports on its use that it has sent to Microsoft since release 1.29."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when the library is loaded; nothing is then written or sent

import onnxruntime  # noqa: E402

onnxruntime.disable_telemetry_events()  # on Windows, where the variable is not read
