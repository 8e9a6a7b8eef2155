"""The study behind presets/faces.yaml: its trials, the script that runs them, and the results."""
