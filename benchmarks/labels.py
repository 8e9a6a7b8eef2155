"""Time and memory of stage `validate` against plain pandas: `python -m benchmarks.labels [ROWS ...]`.

For each number of rows (default: 1 and 5 million) a label file and a scan of as many photos are made in a temporary
folder. The rival reads the label file with `pandas.read_csv` and checks nothing. Each runs in a process of its own.
Prints seconds of processor time, which a busy machine hardly changes, and peak memory of both. 
The case `sound` has no mistake; in `conflicts` every photo has two rows with different ages; in `suffix` every name
lacks its suffix, so that every row is rejected with the name to write.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from realage.core.files import to_parquet
from realage.core.paths import PARAMS, PHOTOS

CASES = ("sound", "conflicts", "suffix")
RIVAL = "import pandas; pandas.read_csv('labels.csv')"
STAGE = """
from realage.core.errors import UserError
from stages.validate import validate
try:
    validate()
except UserError as error:
    print(error)
"""
PROJECT = Path(__file__).parents[1]


def benchmark() -> None:
    """Print a line for each case and number of rows."""
    for rows in [int(text) for text in sys.argv[1:]] or [1_000_000, 5_000_000]:
        for case in CASES:
            with tempfile.TemporaryDirectory() as folder:
                write_case(Path(folder), case, rows)
                (ours, our_memory), (rival, rival_memory) = (measure(folder, code) for code in (STAGE, RIVAL))
            print(f"{rows:,} rows, {case}: validate {ours:.1f} s, {our_memory:,.0f} MB; read_csv {rival:.1f} s, "
                  f"{rival_memory:,.0f} MB: {ours / rival:.0f} times as long", flush=True)


def write_case(folder: Path, case: str, rows: int) -> None:
    """Write `params.yaml`, `labels.csv` and the scan."""
    params = yaml.safe_load((PROJECT / PARAMS).read_text())
    params["dataset"] = {"labels": "labels.csv", "images": "."}
    (folder / PARAMS).write_text(yaml.safe_dump(params))
    photos = pd.Series(np.arange(rows // 2 if case == "conflicts" else rows)).astype("str").str.zfill(8) + ".jpg"
    named = photos.repeat(2) if case == "conflicts" else photos
    names = named.str.removesuffix(".jpg") if case == "suffix" else named
    labels = pd.DataFrame({"file_name": names.array, "real_age": np.arange(rows) % 97})
    labels.to_csv(folder / "labels.csv", index=False)
    (folder / PHOTOS).parent.mkdir()
    (folder / PHOTOS).write_bytes(to_parquet(_scan(photos)))


def _scan(photos: pd.Series) -> pd.DataFrame:
    """Return the scan of different photos without fault."""
    digest = photos.str[:8].str.zfill(32)
    texts = {"file_name": photos, "content": digest, "rule": "", "detail": "", "photo": digest}
    sizes = {"width": np.int32(200), "height": np.int32(200)}
    return pd.DataFrame({**texts, "perceptual_hash": digest + digest, **sizes})


def measure(folder: str, code: str) -> tuple[float, float]:
    """Run Python code in `folder`; return its seconds of processor time and peak memory in MB."""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=folder, env={"PYTHONPATH": str(PROJECT)})
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"failed: {code}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


if __name__ == "__main__":
    benchmark()
