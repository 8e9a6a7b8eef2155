"""`python -m tools.verify`, the name of `realage verify` in release 0.1."""

from realage.cli import main

if __name__ == "__main__":
    main("verify")
