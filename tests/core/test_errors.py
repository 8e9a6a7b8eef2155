"""What is printed cannot write to the terminal, and is otherwise unchanged."""

import sys

import pytest

from realage.core.errors import UserError, printable
from realage.runner.command import run


@pytest.mark.parametrize("text", ["anna.jpg", "Zoë 小 🙂.jpg", "Screenshot 9.41\u202fAM.png", "a\u00a0b"])
def test_letters_and_spaces_are_printed_as_they_are(text):
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred.jpg", "\\x1b[31mred.jpg"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("a\u200fb\u2066c", "a\\u200fb\\u2066c"),
        ("a\r\n\tb\x07\x9b", "a\\r\\n\\tb\\x07\\x9b"),
        ("\udcff\u2028", "\\udcff\\u2028"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text, shown):
    assert printable(text) == shown


@pytest.mark.parametrize("kind", [UserError, FileNotFoundError, PermissionError])
def test_a_file_name_in_an_error_is_escaped(capsys, monkeypatch, kind):
    def fail() -> None:
        name = "\x1b[31m\u202e.jpg"
        raise UserError(name) if kind is UserError else kind(2, "no", name)

    monkeypatch.setattr(sys, "argv", ["realage"])
    with pytest.raises(SystemExit):
        run(fail)
    assert "\\x1b[31m\\u202e.jpg" in capsys.readouterr().err
