"""Pictures as bytes, and their two ways into a notebook: stored, and alive."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import ipywidgets
import numpy as np
from IPython.display import display, update_display
from PIL import Image

WIDGET = "application/vnd.jupyter.widget-view+json"

# While the widget is alive, the stored picture right before it is hidden by the widget itself.
HIDE_STILL = (
    "<style>.jp-OutputArea-child:has(> .jp-RenderedImage)"
    ":has(+ .jp-OutputArea-child .dgm-live) { display: none }</style>"
)


def jpeg(picture: np.ndarray) -> bytes:
    """A picture (H, W, 3) for a screen, fast."""
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "jpeg", quality=88, subsampling=0)
    return out.getvalue()


def png(picture: np.ndarray, width: int | None = None) -> bytes:
    """A picture (H, W, 3) for a file, small: scaled down to `width`, in 256 colours."""
    image = Image.fromarray(picture)
    if width and width < image.width:
        height = round(image.height * width / image.width)
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.quantize(256, dither=Image.Dither.NONE).save(out, "png", optimize=True)
    return out.getvalue()


def strip(pictures: Sequence[np.ndarray], width: int, most: int = 900) -> bytes:
    """Pictures in a row where they fit into `most` pixels, else in a column, as a PNG."""
    in_a_row = width * len(pictures) <= most
    joined = np.concatenate(list(pictures), axis=1 if in_a_row else 0)
    return png(joined, width * len(pictures) if in_a_row else width)


def show(picture: bytes, text: str, widget: ipywidgets.DOMWidget, display_id: str) -> None:
    """Two outputs: the picture, which a saved notebook keeps, and the widget.

    The second output has no other form than the live one, so that nbval, which skips that
    form, compares a run with a saved notebook that has dropped it.
    """
    widget.add_class("dgm-live")
    display(_bundle(picture, text), raw=True, display_id=display_id)
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    display({WIDGET: view}, raw=True)


def refresh(picture: bytes, text: str, display_id: str) -> None:
    """Replace the picture of an earlier `show`."""
    update_display(_bundle(picture, text), raw=True, display_id=display_id)


def _bundle(picture: bytes, text: str) -> dict[str, Any]:
    return {"image/png": base64.b64encode(picture).decode(), "text/plain": text}
