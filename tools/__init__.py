"""Commands under their names of release 0.1. Each does the same as `realage COMMAND`."""
