"""`python -m realage.compare_data`, the name of `realage compare-data` in release 0.1."""

from realage.cli import main

if __name__ == "__main__":
    main("compare-data")
