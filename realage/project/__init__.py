"""What people do in a clone, around the stages: verify, promote, remove a person, pack a script.

Imports any package but cli.
"""
