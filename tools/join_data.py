"""`python -m tools.join_data` of release 0.1 was removed: with labels.csv in Git, Git merges the labels."""

import sys

if __name__ == "__main__":
    sys.exit("error: tools.join_data was removed: keep labels.csv in Git and the photos in DVC (docs/merging.md)")
