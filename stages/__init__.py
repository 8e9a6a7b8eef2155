"""The pipeline's stages, one module each, run as `python -m stages.NAME`; `dvc.yaml` puts them in order."""
