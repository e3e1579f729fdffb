"""`python -m seg_helpers.training` is `seg train`, for launchers that start a module: `accelerate launch -m …`."""

import sys

from seg_helpers import cli


def main(arguments: list[str] | None = None) -> int:
    """Trains what is asked for; returns the exit status."""
    return cli.main(["train", *(sys.argv[1:] if arguments is None else arguments)])


if __name__ == "__main__":
    sys.exit(main())
