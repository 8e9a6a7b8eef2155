"""Characters that no one can see: control characters, zero-width spaces, marks of text direction and their like."""

from unicodedata import category

CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # of Unicode


def invisible_in(text: str) -> list[str]:
    """Return the different invisible characters of `text`, such as 'U+200B', in order of appearance."""
    # str.isprintable is quick, but False for all spaces but one, such as those in the names of screenshots.
    if text.isprintable():
        return []
    return [f"U+{ord(letter):04X}" for letter in dict.fromkeys(text) if category(letter) in CATEGORIES]


def without_invisible(text: str) -> str:
    """Return `text` without its invisible characters."""
    return text if text.isprintable() else "".join(letter for letter in text if category(letter) not in CATEGORIES)
