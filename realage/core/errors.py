"""The exception for errors that a user can fix."""


class UserError(Exception):
    """An error that the user can fix. Its text is printed as one line."""


def brief(error: Exception, length: int = 300) -> str:
    """The first sentence of an error's text, cut at `length` characters. Keras' errors can have hundreds of lines.

    Keras quotes the error that caused another one at the end of its text. Then it is the first sentence of that.
    """
    cause = str(error).rpartition("Exception encountered: ")[2].strip() or type(error).__name__
    text = cause.splitlines()[0].split(". ")[0].rstrip(" :.")
    return text if len(text) <= length else f"{text[:length]} ..."


def printable(text: str) -> str:
    """Return `text` with all non-printable characters escaped, so that it is safe to print in a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
