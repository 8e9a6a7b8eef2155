"""New photos compared with a model's training photos: `realage watch`.

`comparison` measures by how much each distribution has changed, `findings` puts it into words, `page` writes it as
HTML, and `command` does it for a folder. Imports core, photos and inference.
"""
