"""The report page and the model card, from metrics and pictures that other stages wrote. Imports core and charts."""
