"""Commands around the pipeline, for people: none of them is a stage."""
