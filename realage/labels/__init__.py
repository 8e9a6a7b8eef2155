"""The label file: where it is (`dataset`), how it is read (`table`), and which rows are rejected and why (`rules`).

A new rule goes into `rules`; the stage `validate` applies them. Imports core and photos.
"""
