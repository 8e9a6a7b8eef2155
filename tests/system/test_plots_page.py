"""The page of `dvc plots`, in a real browser with no network."""

import os
import shutil
import subprocess

import pytest
from conftest import run_module, run_tool

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHARTS = 7  # among dvc.yaml's plots; the others are pictures


@pytest.fixture
def page(clone, tmp_path):
    """The page that compares a commit with the one before it, in which the model erred less."""
    curve = clone / "plots/training.csv"
    header, *rows = curve.read_text().splitlines()
    curve.write_text("\n".join([header, *rows[:-1], ""]))
    run_tool(clone, "git", "commit", "-qam", "a shorter training")
    run_tool(clone, "dvc", "plots", "diff", "HEAD~1", "HEAD")
    return clone / "dvc_plots/index.html"


def drawn(page) -> str:
    """The page's contents after its scripts have run."""
    assert BROWSER, "install Chromium"
    offline = ["--headless", "--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=60000"]
    return subprocess.run([BROWSER, *offline, "--dump-dom", page.as_uri()], capture_output=True, text=True).stdout


@pytest.mark.skipif(BROWSER is None and "REALAGE_REQUIRE_BROWSER" not in os.environ, reason="no Chromium here")
def test_two_commits_are_drawn_in_one_chart_without_a_network(page):
    assert "marks" not in drawn(page)
    library = page.parent.parent / ".venv/vega.js"
    library.parent.mkdir()
    assert run_module("realage.project.chart_library", library.parent, str(library)).returncode == 0
    contents = drawn(page)
    assert contents.count('class="marks"') == CHARTS
    assert "HEAD~1" in contents and contents.count("<img") >= 6


def test_without_its_own_library_the_page_asks_the_network_for_one(page):
    assert "cdn.jsdelivr.net/npm/vega-embed" in page.read_text()
