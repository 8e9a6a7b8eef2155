"""Commands in a clone of the project, besides the stages: verify, promote, remove a person, pack a script.

May import every package except cli.
"""
