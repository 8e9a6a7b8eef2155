"""The names that commands had in release 0.1, which do what `realage COMMAND` does; and `join_data`."""
