"""The one exception that a person sees."""


class UserError(Exception):
    """A mistake of the user's: its message is one line that names what, where and what to do.

    The command line prints it without a traceback and exits with 2.
    """


class InputError(UserError):
    """One input (a video, say) that cannot be used while others can: `prepare` lists it and exits with 1."""


class AssetMissing(UserError):
    """An asset (weights, a landmark model) is not in the asset folder.

    `asset` is its name and `remedy` the command that gets it.
    """

    def __init__(self, asset: str, needed_for: str):
        self.asset, self.needed_for = asset, needed_for
        self.remedy = f"python -m erlnet assets fetch {asset}"
        super().__init__(f"asset '{asset}' is missing ({needed_for}); get it with: {self.remedy}")
