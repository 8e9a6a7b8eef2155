"""The label file: where it is (`dataset`), how it is read (`table`), and which rows are rejected and why (`rules`).

`header` judges the beginning of the file before it is parsed, `matching` finds the photo that an almost right name
means, `invisible` names characters that no one can see, and `lookup` searches columns of millions of rows.
A new rule goes into `rules`; `cleaning` applies them all. Imports core and photos.
"""
