"""`python -m tools.remove_person`, the name of `realage remove-person` in release 0.1."""

from realage.cli import main

if __name__ == "__main__":
    main("remove-person")
