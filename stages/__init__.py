"""The pipeline's stages, one module each, run as `python -m stages.NAME` in the order of `dvc.yaml`.

A stage reads its params, calls `realage`, and writes its outs. Stages do not import each other.
"""

from realage.runner.watch import remember_inputs

# This runs before a stage's own module is imported, so that every later edit is noticed.
remember_inputs()
