"""Draw bars, lines and grids with matplotlib on a picture whose words are set elsewhere."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from gitassets.errors import ProviderError

if TYPE_CHECKING:
    from PIL.Image import Image

DPI = 100
_importing = threading.Lock()


@dataclass(frozen=True)
class Box:
    left_px: float
    top_px: float
    width_px: float
    height_px: float


def can_plot() -> bool:
    return find_spec("matplotlib") is not None


def require_matplotlib() -> None:
    """Raise ProviderError if matplotlib is not installed."""
    if not can_plot():
        raise ProviderError("Charts need matplotlib, which is not installed", "Install it: `pip install matplotlib`.")


class Plot:
    """A plot without any words in a box of the image, on which it is laid once it is complete."""

    def __init__(self, image: Image, box: Box) -> None:
        self._image, self._box = image, box

    def __enter__(self) -> Any:
        """Return matplotlib's axes. Their coordinates count from the lower left corner of the image."""
        figure_class = load_matplotlib()
        width, height = self._image.size
        self._figure = figure_class(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="none")
        box = self._box
        bottom = 1 - (box.top_px + box.height_px) / height
        axes = self._figure.add_axes((box.left_px / width, bottom, box.width_px / width, box.height_px / height))
        axes.set_axis_off()
        return axes

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            return
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from PIL import Image

        canvas: Any = FigureCanvasAgg(self._figure)
        canvas.draw()
        drawn = Image.frombytes("RGBA", canvas.get_width_height(), bytes(canvas.buffer_rgba()))
        self._image.paste(drawn.convert("RGB"), (0, 0), drawn.getchannel("A"))


def load_matplotlib() -> Any:
    """Import matplotlib's Figure. The list of fonts that it writes goes into a folder that is gone at the end."""
    # It would say on standard error that it makes that list.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    with _importing, tempfile.TemporaryDirectory() as folder:
        before = os.environ.get("MPLCONFIGDIR")
        os.environ["MPLCONFIGDIR"] = folder
        try:
            from matplotlib.figure import Figure
        finally:
            if before is None:
                del os.environ["MPLCONFIGDIR"]
            else:
                os.environ["MPLCONFIGDIR"] = before
    return Figure
