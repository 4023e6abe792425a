"""Laws of the plane to choose from by name, and one that the reader draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from dgm_lib import targets
from dgm_lib.demo.controls import Choice, Drawing

DRAWN = "drawn"


class Laws:
    """The parameters `target` and `drawing` of a demo, and what is `exact` about the chosen law.

    `laws` maps names to laws of the plane; to these comes the law that is drawn in a pad, at first
    from the points `drawing` (n, 2). A new drawing is chosen at once. `exact(law)` is called when
    a law is first chosen.
    """

    def __init__(
        self, laws: Mapping[str, Any], exact: Callable[[Any], Any], drawing: Any = None
    ) -> None:
        if not isinstance(laws, Mapping):
            raise ValueError(f"targets must map names to laws of the plane, got {laws!r}")
        self.named = {name: law for name, law in laws.items() if name != DRAWN}
        for name, law in self.named.items():
            if getattr(getattr(law, "box", None), "shape", None) != (2, 2):
                raise ValueError(f"targets must be laws of the plane, got {law!r} for {name!r}")
        first = laws.get(DRAWN, targets.GALLERY[DRAWN]).means if drawing is None else drawing
        self._points, self._exact = first, exact
        self._known: dict[str, Any] = {}
        self._drawn: tuple[Any, Any] | None = None

    def menu(self, first: str | None = None) -> Choice:
        """The control `target`, which begins with the law of this name, or with the first."""
        return Choice([*self.named, DRAWN], first)

    def pad(self, size: int) -> Drawing:
        """The control `drawing`, so many pixels wide."""
        return Drawing(self._points, label="draw a law", size=size, chooses={"target": DRAWN})

    def chosen(self, p: SimpleNamespace) -> Any:
        """What is exact about the law that `p.target` names, or about the drawn one."""
        if p.target != DRAWN:
            if p.target not in self._known:
                self._known[p.target] = self._exact(self.named[p.target])
            return self._known[p.target]
        if self._drawn is None or self._drawn[0] is not p.drawing:
            self._drawn = p.drawing, self._exact(targets.drawn(p.drawing))
        return self._drawn[1]
