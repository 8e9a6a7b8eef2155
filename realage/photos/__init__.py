"""Photos of a folder: names, decoding, hashes, measures, faces, and the prepared squares that a model sees.

To spread the work over a cluster, see `parallel`. Imports core.
"""
