"""`python -m tools.make_script`, the name of `realage script` in release 0.1."""

from realage.cli import main

if __name__ == "__main__":
    main("script")
