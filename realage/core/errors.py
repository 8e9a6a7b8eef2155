"""The exception for errors that a user can fix, and text that is safe to print."""

from unicodedata import category

from pydantic import ValidationError

# Unicode categories of control characters, invisible marks, such as those that turn the reading direction, surrogates,
# private and unassigned characters, and separators of lines. All spaces are allowed: screenshots' names have rare ones.
INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


class UserError(Exception):
    """An error that the user can fix. Its text is printed as one line."""


def brief(error: Exception, length: int = 300) -> str:
    """The first sentence of an error's text, cut at `length` characters. Keras' errors can have hundreds of lines.

    Keras quotes the error that caused another one at the end of its text. Then it is the first sentence of that.
    """
    cause = str(error).rpartition("Exception encountered: ")[2].strip() or type(error).__name__
    text = cause.splitlines()[0].split(". ")[0].rstrip(" :.")
    return text if len(text) <= length else f"{text[:length]} ..."


def first_problem(error: ValidationError) -> str:
    """The key of the first invalid value in data that a program wrote, and what is wrong with it."""
    problem = error.errors()[0]
    return f"{'.'.join(map(str, problem['loc'])) or 'all of it'}: {problem['msg']}"


def printable(text: str) -> str:
    """Return `text` with all characters of INVISIBLE escaped, so that it is safe to print in a terminal."""
    return text if is_visible(text) else "".join(map(_escaped, text))


def is_visible(text: str) -> bool:
    """Return whether `text` has no character of INVISIBLE."""
    # str.isprintable is fast, but False for all spaces except one.
    return text.isprintable() or not any(category(character) in INVISIBLE for character in text)


def _escaped(character: str) -> str:
    return character if is_visible(character) else character.encode("unicode_escape").decode()
