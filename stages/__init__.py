"""The pipeline's stages, one module each, run as `python -m stages.NAME`; `dvc.yaml` puts them in order.

A stage reads its params, calls `realage`, and writes its outs. Stages never import each other.
"""

from realage.runner.watch import remember_inputs

# Python comes here before it reads a stage's own code, so an edit in between cannot go unseen.
remember_inputs()
