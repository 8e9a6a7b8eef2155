"""The exception for errors that a user can fix."""


class UserError(Exception):
    """An error that the user can fix. Its text is printed as one line."""


def printable(text: str) -> str:
    """Return `text` with all non-printable characters escaped, so that it is safe to print in a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
