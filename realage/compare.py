"""`python -m realage.compare`, the name of `realage compare` in release 0.1."""

from realage.cli import main

if __name__ == "__main__":
    main("compare")
