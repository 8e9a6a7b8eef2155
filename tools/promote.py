"""`python -m tools.promote`, the name of `realage promote` in release 0.1."""

from realage.cli import main

if __name__ == "__main__":
    main("promote")
