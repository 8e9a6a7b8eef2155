"""Basics for all other packages: errors, files with reproducible bytes, params, names of paths and columns.

Imports no other package of the project.
"""
