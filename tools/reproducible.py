"""`python -m tools.reproducible`, the name of `realage reproducible` in release 0.1."""

from realage.cli import main

if __name__ == "__main__":
    main("reproducible")
