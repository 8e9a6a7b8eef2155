"""The one exception for what a user can mend."""


class UserError(Exception):
    """Something that the user can mend. Its text is the one line that they see."""


def printable(text: str) -> str:
    """`text` with an escape for each character that a terminal might obey or hide."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
