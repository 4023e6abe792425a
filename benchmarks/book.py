"""The book of a benchmark's results: a JSON file that processes may share, and its table."""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

Row = dict[str, object]

KEY = ("target", "model", "seed", "cpu_s")
METRICS = {  # and how each is shown
    "gap": "{:.4f}",
    "steps_per_s": "{:.0f}",
    "samples_per_s": "{:,.0f}",
    "ess_per_s": "{:,.0f}",
    "rhat": "{:.3f}",
    "mean_z": "{:.1f}",
    "square_z": "{:.1f}",
    "weights_z": "{:.1f}",
    "setup_s": "{:.1f}",
    "kl": "{:.3f}",
    "sw2_ratio": "{:.2f}",
    "mmd2": "{:.2g}",
    "modes": "{:g}",
    "hq": "{:.3f}",
}


class Book:
    """Rows of results, kept in a file if there is one, with the commands that made them."""

    def __init__(
        self,
        path: Path | None,
        command: str,
        machine: dict[str, object],
        models: dict[str, str | None],
    ) -> None:
        self.path = path
        self.content = dict(commands=[], machine=machine, models={}, rows=[])
        if path is not None:
            name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
            self._lock = FileLock(Path(tempfile.gettempdir()) / f"dgm-benchmark-{name}.lock")
        with self._open() as content:
            content["models"] |= models
            if command not in content["commands"]:
                content["commands"].append(command)

    @property
    def rows(self) -> list[Row]:
        """All rows, those of other processes and earlier runs as well."""
        return self.content["rows"]

    def add(self, row: Row) -> None:
        """Write a row down at once, in the place of one that another process had for the same."""
        with self._open() as content:
            others = [old for old in content["rows"] if any(old[name] != row[name] for name in KEY)]
            content["rows"] = [*others, row]

    def has(self, **key: object) -> bool:
        """Whether there is a row for this target, model, seed and budget."""
        return any(all(row[name] == key[name] for name in KEY) for row in self.rows)

    @contextmanager
    def _open(self) -> Iterator[dict]:
        """The content as it stands in the file, to be changed; others wait until it is written."""
        if self.path is None:
            yield self.content
            return
        with self._lock:
            if self.path.exists():
                self.content = json.loads(self.path.read_text(encoding="utf-8"))
            yield self.content
            self.path.parent.mkdir(parents=True, exist_ok=True)
            beside = self.path.with_name(self.path.name + ".tmp")
            beside.write_text(written(self.content), encoding="utf-8")
            os.replace(beside, self.path)


def written(content: dict[str, object]) -> str:
    """JSON with one line for each row, so that two versions can be compared by eye."""
    head = json.dumps({**content, "rows": None}, indent=2, ensure_ascii=False)
    rows = ",\n".join(f"    {json.dumps(row)}" for row in content["rows"])
    return head.replace('"rows": null', f'"rows": [\n{rows}\n  ]') + "\n"


def table(rows: Sequence[Row]) -> str:
    """The medians over the seeds, in Markdown; our models are in bold."""
    shown = [name for name in METRICS if any(name in row for row in rows)]
    lines = [
        "| " + " | ".join(["target", "CPU-s", "model", "seeds", *shown]) + " |",
        "|---|--:|---|" + "--:|" * (1 + len(shown)),
    ]
    for (target, cpu_s, model), group in sorted(groups(rows).items()):
        name = f"**{model}**" if group[0]["ours"] else model
        cells = [target, f"{cpu_s:g}", name, str(len(group))]
        cells += [
            METRICS[m].format(v) if (v := median(group, m)) is not None else "" for m in shown
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def groups(rows: Sequence[Row]) -> dict[tuple, list[Row]]:
    """The rows of all seeds, by target, budget and model."""
    found: dict[tuple, list[Row]] = {}
    for row in rows:
        found.setdefault((row["target"], row["cpu_s"], row["model"]), []).append(row)
    return found


def median(rows: Sequence[Row], metric: str) -> float | None:
    """The median of a metric over the rows that have it, None if none has."""
    values = [row[metric] for row in rows if metric in row]
    return statistics.median(values) if values else None
