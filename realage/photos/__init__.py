"""Photos of a folder: their names, decoded pixels, hashes and measures, faces, and the squares that a model sees.

To spread the work over a cluster, see `parallel`. Imports core.
"""
