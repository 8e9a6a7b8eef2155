"""The one exception for what a user can mend."""


class UserError(Exception):
    """Something that the user can mend. Its text is the one line that they see."""
