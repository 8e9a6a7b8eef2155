"""Runs a function as a program and as a DVC stage: one-line errors, checks of the inputs, access to DVC's records.

`command` runs the function, `watch` notices code and data that change meanwhile, and `recorded` reads what DVC
recorded. All code that knows how DVC runs a stage is here. Imports core. Only stages, project and cli import it.
"""
