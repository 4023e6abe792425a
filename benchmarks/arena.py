"""Every family of the course on the same targets under the same budget: lecture 17's full run.

    python -m benchmarks.arena [--targets moons,ring] [--models "VAE,spline flow"] [--budget 30]
                               [--seeds 0,1,2] [--device cpu] [--mine] [--json FILE]
                               [--markdown FILE]

The race is that of `benchmarks.race`, and the judge that of `dgm_lib.arena`, which says what each
column means; the table shows medians over the seeds, [least, greatest] behind them. Kill it, and
the same command goes on where it was: the families of one target and seed take turns, so that a
busy machine is as bad for all of them, and only their turns are lost. `--mine` adds the families
that run on the learner's own saved answers.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmarks import race
from benchmarks.book import Book, Row
from benchmarks.race import Entry, Lane
from dgm_lib import arena

COMMAND = "python -m benchmarks.arena"
BUDGET = "30"  # CPU seconds, for each of 10 families, 3 targets and 3 seeds


class Judged(Lane):
    """A lane before the arena's judge."""

    def judged(self) -> Row:
        """What the judge finds; it takes no time from the budget."""
        self.racer.seconds = self.spent
        return dict(steps_per_s=self.steps / self.spent) | arena.judge(
            self.racer, self.target, self.seed
        )


def main(arguments: Sequence[str] | None = None) -> Book:
    """Run the race that the arguments ask for, and print its table."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    recipes, command = arena.FAMILIES, COMMAND
    if "--mine" in arguments:
        arguments.remove("--mine")
        recipes, command = recipes | arena.mine(), f"{COMMAND} --mine"
    known = {name: Entry(recipe, ours=True) for name, recipe in recipes.items()}
    return race.main(
        known, command, arguments, budget=BUDGET, lane=Judged, shown=arena.table, about=__doc__
    )


if __name__ == "__main__":
    main()
