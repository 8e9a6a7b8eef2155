"""`python -m tools.mend_cache`, the name of `realage mend-cache` in release 0.1."""

from realage.cli import main

if __name__ == "__main__":
    main("mend-cache")
