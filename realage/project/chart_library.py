"""Write the chart library of `dvc plots` as one script, which .dvc/plots.html loads in place of a CDN's."""

import sys
from pathlib import Path

import vl_convert

VEGA_LITE = "5.20"  # DVC's templates are written for Vega-Lite 5


def write_chart_library(file: Path) -> None:
    """`file` will define `window.vegaEmbed`, as DVC's pages call it."""
    file.write_text(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", VEGA_LITE), encoding="utf-8")


if __name__ == "__main__":
    write_chart_library(Path(sys.argv[1]))
