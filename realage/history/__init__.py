"""Two versions of the project compared: errors, params and data of Git revisions.

Imports core, splits and labels. It reads what stages wrote, and loads no model.
"""
