"""Photos of a folder: names, decoding, hashes, measures, faces, and the prepared squares that a model sees.

A cluster backend goes into `parallel`. Imports core.
"""
