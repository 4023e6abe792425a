"""The results of a race: as a table, and as they were stored."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from typing import Any

from dgm_lib import report

Row = Mapping[str, object]

KEYS = ("target", "cpu_s", "model")
COLUMNS = {  # how each metric is shown
    "gap": "{:.3f}",
    "jsd": "{:.4f}",
    "jsd_floor": "{:.4f}",
    "kl": "{:.3f}",
    "mmd2": "{:.1e}",
    "sw2_ratio": "{:.2f}",
    "modes": "{:g}",
    "hq": "{:.3f}",
    "passes": "{:,.0f}",
    "parameters": "{:,.0f}",
    "train_s": "{:.0f}",
    "sample_s": "{:.2g}",
}


def table(rows: Iterable[Row], columns: Mapping[str, str] = COLUMNS) -> str:
    """Medians over the seeds in Markdown, and behind them [the least, the greatest].

    A row names its `target`, its `model` and its budget `cpu_s`, if it has them, and holds what
    `judge` found; `columns` are the metrics to be shown, if there are any, and how.
    """
    rows = list(rows)
    keys = [key for key in KEYS if any(key in row for row in rows)]
    shown = {name: form for name, form in columns.items() if any(name in row for row in rows)}
    lines = [[*keys, "seeds", *shown], ["---"] * len(keys) + ["--:"] * (1 + len(shown))]
    groups: dict[tuple, list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row.get(key, "") for key in keys), []).append(row)
    for values, group in groups.items():
        found = [_cell(group, name, form) for name, form in shown.items()]
        lines.append([*map(str, values), str(len(group)), *found])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def stored() -> list[dict[str, Any]]:
    """The rows of the full run that came with the course."""
    return report.stored("arena")


def _cell(group: list[Row], metric: str, form: str) -> str:
    values = [row[metric] for row in group if metric in row]
    if not values:
        return ""
    middle, least, most = (form.format(f(values)) for f in (statistics.median, min, max))
    return middle if least == most else f"{middle} [{least}, {most}]"
