"""Predict a person's real age from a face photo: the library behind the pipeline's stages and the command `realage`.

A package may import the packages above it in this list, and those on its own line; `make lint` checks it:

    core                    errors, files, params, paths
    photos                  photos in a folder: decode, measure, find faces, prepare
    labels, splits          the label table; who learns and who judges
    network, charts         the model and its file; how charts look
    training, evaluation, exploration
    report, history, predict
    project, sections       what people do in a clone of the project
    cli                     the command

`runner` runs a function as a program or as a DVC stage. It imports core, and only project, cli and stages import it.
"""
