"""The names that commands had in release 0.1. They do what `realage COMMAND` does."""
