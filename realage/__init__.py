"""Predict a person's real age, in years, from a face photo: the parts that the pipeline's stages are made of."""
