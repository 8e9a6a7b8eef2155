"""`python -m tools.summary`, the name of `realage summary` in release 0.1."""

from realage.cli import main

if __name__ == "__main__":
    main("summary")
