"""Running a function as a program and as a DVC stage: errors in one line, inputs that must not change, DVC's records.

All that knows how DVC runs a stage is here. Imports core. Stages, project and cli import it; other packages do not.
"""
