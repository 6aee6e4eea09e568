"""Review, lock, regenerate and build the assets of a video, with git and DVC."""

__version__ = "0.2.0"
