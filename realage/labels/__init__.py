"""The label file: where it is, how it is read, and the rules that reject a row. Imports core and photos."""
