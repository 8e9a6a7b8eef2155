"""Write the chart library of `dvc plots` as one script, which .dvc/plots.html loads instead of a CDN's."""

import sys
from pathlib import Path

import vl_convert

VEGA_LITE = "5.20"  # DVC's templates are written for Vega-Lite 5


def write_vega(file: Path) -> None:
    """Write `file`, a script that defines `window.vegaEmbed`, which DVC's pages call."""
    file.write_text(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", VEGA_LITE), encoding="utf-8")


if __name__ == "__main__":
    write_vega(Path(sys.argv[1]))
