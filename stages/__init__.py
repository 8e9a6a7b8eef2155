"""The pipeline's stages, one module each, run as `python -m stages.NAME`; `dvc.yaml` puts them in order."""

from realage.dvc_stage import remember_inputs

# Python comes here before it reads a stage's own code, so an edit in between cannot go unseen.
remember_inputs()
