"""Hooks of MkDocs: pages of the project's root join the site, and relative links work there as they do on GitHub."""

import os
import re
from pathlib import Path

from mkdocs.structure.files import File

PROJECT = Path(__file__).resolve().parent.parent
ROOT_PAGES = {"README.md": "start.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
RELATIVE_LINK = re.compile(r"\[([^\]]+)\]\((?!\w+:)([^)\s#]+)(#[^)\s]*)?\)")


def on_files(files, config):
    for name, page in ROOT_PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(PROJECT / name)))


def on_page_markdown(markdown, page, config, files):
    """Point links at pages of the site; a link to another file of the project becomes plain text."""
    source, docs = Path(page.file.abs_src_path), Path(config.docs_dir)

    def in_site(link: re.Match) -> str:
        text, target, anchor = link.groups(default="")
        path = Path(os.path.normpath(source.parent / target))
        if path.is_relative_to(docs):
            goal = path.relative_to(docs)
        elif path.parent == PROJECT and path.name in ROOT_PAGES:
            goal = Path(ROOT_PAGES[path.name])
        else:
            # MkDocs warns about a file that does not exist.
            return text if path.exists() else link[0]
        return f"[{text}]({os.path.relpath(goal, Path(page.file.src_uri).parent)}{anchor})"

    return RELATIVE_LINK.sub(in_site, markdown)
