"""The embedded sample: synthetic portraits of a known age. Stage `sample` draws it. This package is not installed."""
