"""A model behind HTTP: `realage serve`.

`app` has the addresses, `handler` answers requests, `bodies` reads photos from them, `batches` has the model look at
the photos of several requests at once, `answers` is the JSON, `telemetry` counts, `middleware` is around all of it, and
`page` is what a browser shows at `/`. `command` starts the server; `protocol` closes connections that ask nothing. No
photo is stored or logged. Imports core, photos and inference.
"""
