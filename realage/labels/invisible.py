"""Characters that no one can see: control characters, zero-width spaces, marks of text direction and their like."""

from realage.core.errors import is_visible


def invisible_in(text: str) -> list[str]:
    """Return the different invisible characters of `text`, such as 'U+200B', in order of appearance."""
    if is_visible(text):
        return []
    return [f"U+{ord(letter):04X}" for letter in dict.fromkeys(text) if not is_visible(letter)]


def without_invisible(text: str) -> str:
    """Return `text` without its invisible characters."""
    return text if is_visible(text) else "".join(filter(is_visible, text))
