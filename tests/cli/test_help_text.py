"""`cli.help_text`: docstrings as the terminal wraps them."""

from aiotofupilot.cli.help_text import unwrapped


def test_paragraphs_and_descriptions_become_one_line_each():
    @unwrapped
    def command():
        """Do something.

        The first paragraph is broken
        where the source is.

        Args:
            one: Its description
                goes on.
            two: Another one.
        """

    assert command.__doc__ == (
        "Do something.\n\nThe first paragraph is broken where the source is.\n\n"
        "Args:\n    one: Its description goes on.\n    two: Another one."
    )


def test_a_command_without_a_docstring_stays_so():
    def command():
        pass

    assert unwrapped(command).__doc__ is None
