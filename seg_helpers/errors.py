"""What all errors of the package have in common: they are sentences for people, and show themselves as such."""

import builtins
import os


class SegError(Exception):
    """What whoever called can mend: the message says where, what and how, and a trace would say no more."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows in place of a trace."""
        return [f"{type(self).__name__}: {self}"]


def in_notebook() -> bool:
    """Whether a person sits before a notebook: not a terminal, nor a page that is made, which sets SEG_PAGE."""
    return hasattr(builtins, "get_ipython") and "SEG_PAGE" not in os.environ


def setting(name: str) -> str:
    """How a path is given, e.g. `data="…"` in a notebook and `DATA=…` on a command line: for advice."""
    return f'{name}="…"' if in_notebook() else f"{name.upper()}=…"
