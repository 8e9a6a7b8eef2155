"""The documentation: a site that needs no network, and pages whose links work on GitHub as well."""

import re
from pathlib import Path

import pytest
from conftest import PROJECT, needs_browser, run_tool, shown
from pymdownx.slugs import slugify

PAGES = [PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES += sorted((PROJECT / "docs").rglob("*.md"))
PACKAGES = sorted(path.parent.name for path in (PROJECT / "realage").glob("*/__init__.py"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    run_tool(PROJECT, "mkdocs", "build", "--strict", "--site-dir", str(folder))
    return folder


def text(page: Path) -> str:
    """A Markdown page without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    return {slugify(case="lower")(heading, "-") for heading in re.findall(r"^#+ (.+)$", text(page), re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_of_the_repository_lead_somewhere(page):
    for target, anchor in re.findall(r"\]\((?!\w+:)([^)\s#]*)#?([^)\s]*)\)", text(page)):
        file = page.parent / target if target else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), f"{target}#{anchor}"


def test_no_page_loads_anything_from_another_host(site):
    foreign = re.compile(r"""<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=["']?(?:https?:)?//[^>]*""")
    for page in site.rglob("*.html"):
        assert not foreign.findall(page.read_text(encoding="utf-8")), page


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_has_its_public_names_on_a_page(site, package):
    page = (site / f"api/{package}.html").read_text(encoding="utf-8")
    names = re.findall(rf'<h\d id="realage\.{package}\.([\w.]+)"', page)
    assert names and not any(part.startswith("_") for name in names for part in name.split("."))


@needs_browser
def test_the_search_works_without_a_server(site):
    found = shown((site / "index.html").as_uri() + "?q=quarantine")
    assert re.search(r'href="[^"]*data\.html[^"]*"[^>]*class="md-search-result__link"', found)
