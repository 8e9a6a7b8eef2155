"""Predict a person's real age from a face photo: the library behind the pipeline's stages and the command `realage`.

A package may import the packages on the lines above its own; `make lint` checks it:

    core                                errors, files, params, names of paths and columns
    photos                              find, decode, measure and prepare photos; share the work out (`parallel`)
    labels, splits                      the label file and the rules for its rows; which photos train, which judge
    network, charts                     the model, its heads and its file; how charts look
    training, evaluation, exploration   the fit; errors in years and their charts; the data set and its charts
    calibration                         intervals that are meant to hold the real age
    inference                           a model file in use: photos in, ages out, with Keras or ONNX Runtime
    export                              the trained model as one ONNX file
    report, history, predict            report page and model card; two commits compared; ages of photos
    adaptation                          a model corrected for a new source of photos
    suspects                            labels that are most likely wrong
    service                             a model behind HTTP, and a page to try it
    drift                               new photos compared with the training photos
    sections, sources                   all sections of params.yaml; whether a data path in it is an output of a stage
    project                             commands in a clone (verify, promote ...)
    cli                                 the command

A subcommand is a function in `cli` that imports `command.py` of its topic's package, or a module of `project` for what
needs DVC or Git. `runner` runs a function as a program or as a DVC stage. It imports core, and only project, cli and
stages import it.
`compare` and `compare_data`, like the package `tools`, keep commands of release 0.1: `python -m realage.compare`.

For programs that use a model, this package itself has `AgeModel`, `Prediction` and the errors that they raise.
"""

from importlib import import_module

PUBLIC = {
    "AgeModel": "realage.inference.age_model",
    "Prediction": "realage.inference.age_model",
    "PhotoError": "realage.photos.limits",
    "UserError": "realage.core.errors",
}


def __getattr__(name: str) -> object:
    # Imported late: stages of the pipeline import this package too, and need none of it.
    if name in PUBLIC:
        return getattr(import_module(PUBLIC[name]), name)
    raise AttributeError(f"module 'realage' has no attribute {name!r}")
