"""The embedded sample: synthetic portraits of a known age. The stage `sample` draws it; it is not installed."""
