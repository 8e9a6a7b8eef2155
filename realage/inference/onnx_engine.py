"""Runs an exported model, an ONNX file, with ONNX Runtime. Nothing in such a file is code that runs by itself."""

from pathlib import Path

import numpy as np
from pydantic import ValidationError

from realage.core.errors import UserError, brief, first_problem
from realage.core.machine import data_workers
from realage.inference.checksum import CHECKSUM, is_intact
from realage.inference.facts import FACTS_VERSION, Facts
from realage.inference.quiet_onnxruntime import onnxruntime
from realage.photos.likeness import FAMILIARITY

LARGEST = 2**31  # bytes; no ONNX file in one piece is larger
METADATA = "realage"  # the key of the facts
INPUT = "photos"
OUTPUTS = ({"age"}, {"age", "spread"}, {"age", "age_lo", "age_hi"}, {"age", "spread", "age_lo", "age_hi"})


class OnnxEngine:
    """An exported model that is loaded."""

    def __init__(self, path: Path) -> None:
        """Load `path`. Raises UserError if it is missing, damaged, or no file that stage `export` wrote."""
        contents = _read(path)
        self._path, self._session = path, _session(path, contents)
        _require_intact(path, contents, self._session)
        self.facts = _facts(path, self._session)
        self._names = [output.name for output in self._session.get_outputs()]
        self.outputs = frozenset(self._names)
        _require_shapes(path, self._session, self.facts.prepare.image_size)

    def answer(self, photos: np.ndarray) -> dict[str, np.ndarray]:
        """Ages in years and familiarity, float32 (n,), by name, of `photos`, uint8 (n, size, size, 3) RGB."""
        try:
            answers = self._session.run(self._names, {INPUT: photos})
        except Exception as error:  # ONNX Runtime has a class of its own for each code
            raise _not_exported(self._path, f"it cannot answer: {brief(error)}") from error
        if any(years.shape != (len(photos),) or years.dtype != np.float32 for years in answers):
            raise _not_exported(self._path, "an output is not one float32 number for each photo")
        return dict(zip(self._names, answers))


def _read(path: Path) -> bytes:
    if path.stat().st_size > LARGEST:
        raise _not_exported(path, "it is larger than 2 GiB")
    return path.read_bytes()


def _session(path: Path, contents: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = data_workers()
    options.log_severity_level = 4  # errors are raised
    try:
        # From bytes: a file that is named could have weights in other files beside it.
        return onnxruntime.InferenceSession(contents, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has a class of its own for each code
        raise _not_exported(path, f"ONNX Runtime cannot load it: {brief(error)}") from error


def _require_intact(path: Path, contents: bytes, session: onnxruntime.InferenceSession) -> None:
    # A file of an earlier release has no checksum.
    if CHECKSUM in session.get_modelmeta().custom_metadata_map and not is_intact(contents):
        raise _not_exported(path, "it was changed since, or is damaged: its checksum is another")


def _facts(path: Path, session: onnxruntime.InferenceSession) -> Facts:
    metadata = session.get_modelmeta().custom_metadata_map
    if METADATA not in metadata:
        raise _not_exported(path, f"it has no metadata '{METADATA}'")
    try:
        facts = Facts.model_validate_json(metadata[METADATA])
    except ValidationError as error:
        raise _not_exported(path, f"metadata '{METADATA}': {first_problem(error)}") from error
    if facts.version > FACTS_VERSION:
        raise UserError(f"{path}: its metadata have version {facts.version}, and this release reads up to "
                        f"{FACTS_VERSION}: install a newer release of realage")
    return facts


def _require_shapes(path: Path, session: onnxruntime.InferenceSession, size: int) -> None:
    inputs, outputs = session.get_inputs(), session.get_outputs()
    found = [(entry.name, entry.type, entry.shape[1:]) for entry in inputs]
    if found != [(INPUT, "tensor(uint8)", [size, size, 3])]:
        raise _not_exported(path, f"its metadata have prepare.image_size {size}, and its inputs are {found}")
    names = [entry.name for entry in outputs]
    if {*names} - {FAMILIARITY} not in OUTPUTS or any(len(entry.shape) != 1 for entry in outputs):
        raise _not_exported(path, f"its outputs are {', '.join(names)}")


def _not_exported(path: Path, reason: str) -> UserError:
    return UserError(f"{path}: not a model that stage 'export' wrote: {reason}: fetch it or export it again")
