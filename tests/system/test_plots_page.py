"""The page of `dvc plots`, in a real browser with no network."""

import pytest
from conftest import needs_browser, run_module, run_tool, shown

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


@needs_browser
def test_two_commits_are_drawn_in_one_chart_without_a_network(page):
    assert "marks" not in shown(page.as_uri())
    library = page.parent.parent / ".venv/vega.js"
    library.parent.mkdir()
    assert run_module("realage.project.vega", library.parent, str(library)).returncode == 0
    contents = shown(page.as_uri())
    assert contents.count('class="marks"') == CHARTS
    assert "HEAD~1" in contents and contents.count("<img") >= 6


def test_without_its_own_library_the_page_asks_the_network_for_one(page):
    assert "cdn.jsdelivr.net/npm/vega-embed" in page.read_text()
