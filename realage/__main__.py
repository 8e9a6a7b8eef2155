"""`python -m realage`: the command `realage`, where it is not on the PATH."""

from realage.cli import main

if __name__ == "__main__":
    main()
