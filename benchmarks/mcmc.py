"""Samplers side by side with those of BlackJAX, emcee and Pyro: effective draws per CPU second.

    python -m benchmarks.mcmc [--targets banana,ring] [--models hmc,blackjax-nuts] [--budget 5,10]
                              [--chains 1,100,1000,10000] [--seeds 0,1,2] [--device cpu]
                              [--json FILE]
    python -m benchmarks.mcmc --learning [--targets moons,ring] [--budget 10] [--seeds 0,1,2]
                              [--json FILE]    # how well contrastive divergence learns, see below

The peers come with the extra `bench`. All chains start from the uniform law on [-2, 4]², wide and
off-centre, so that a sampler that does not forget its start is seen. Imports, compiling and
adapting come before the clock (`setup_s`), and so does a burn-in of a quarter of the budget. Then
the samplers take turns and are charged as in `benchmarks.race`, until they have five million draws.

`ess_per_s` is the smallest `metrics.ess`, that of ArviZ, of x_i, x_i² and, where there are modes,
the indicators of the nearest one. Chains that disagree count as few, but those that never leave
their modes still count as one draw each: believe it only where `rhat` is near 1. `mean_z`,
`square_z` and `weights_z` are the largest distances of the means of x_i, x_i² and the indicators
from the exact ones, in standard errors sqrt(Var f / ess). `cpu_per_wall` shows by not being above 1
that it was one thread.

A sampler from outside joins as `package.module:factory`, where `factory(target, x, seed)` starts
chains at x `(chains, d)`: an object with `draw()`, which gives the next draws `(n, chains, d)`, and
`thin`, the steps from one draw to the next.
"""

from __future__ import annotations

import argparse
import inspect
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks import mcmc_learning as learning
from benchmarks import mcmc_ours as ours
from benchmarks import mcmc_peers as peers
from benchmarks import race
from benchmarks.book import Book, Row, table
from benchmarks.mcmc_lanes import run
from benchmarks.race import Entry
from dgm_lib import core

MODELS = {
    "hmc": Entry(ours.hmc, ours=True),
    "hmc-compiled": Entry(ours.hmc_compiled, ours=True),
    "hmc-gallery": Entry(ours.hmc_gallery, ours=True),
    "nuts": Entry(ours.nuts, ours=True),
    "mala": Entry(ours.mala, ours=True),
    "random-walk": Entry(ours.random_walk, ours=True),
    "independence": Entry(ours.independence, ours=True),
    "tempering": Entry(ours.tempering, ours=True),
    "tempering-reference": Entry(ours.tempering_reference, ours=True),
    "tempering-reference-compiled": Entry(ours.tempering_reference_compiled, ours=True),
    "blackjax-hmc": Entry(peers.blackjax_hmc),
    "blackjax-nuts": Entry(peers.blackjax_nuts),
    "blackjax-random-walk": Entry(peers.blackjax_random_walk),
    "emcee-stretch": Entry(peers.emcee_stretch),
    "emcee-differential": Entry(peers.emcee_differential),
    "pyro-nuts": Entry(peers.pyro_nuts),
    "pyro-hmc": Entry(peers.pyro_hmc),
}
COMMAND = "python -m benchmarks.mcmc"


def main(arguments: Sequence[str] | None = None) -> Book:
    """Run the race that the arguments ask for, and print the table of the medians."""
    arguments = sys.argv[1:] if arguments is None else arguments
    is_learning = "--learning" in arguments
    known = learning.MODELS if is_learning else MODELS
    targets, budget = ("moons,ring", "10") if is_learning else ("banana,ring", "5")
    parser = argparse.ArgumentParser(prog=COMMAND)
    parser.add_argument("--learning", action="store_true")
    parser.add_argument("--targets", type=race.listed(race.target_of), default=targets)
    models = race.listed(lambda name: race.entry(name, known))
    parser.add_argument("--models", type=models, default=",".join(known))
    parser.add_argument(
        "--budget", type=race.listed(race.seconds), default=budget, help="CPU seconds"
    )
    parser.add_argument("--chains", type=race.listed(chains), default="1,100,1000,10000")
    parser.add_argument("--seeds", type=race.listed(int), default="0,1,2")
    parser.add_argument("--device", type=core.device, default="cpu")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    notes = {name: inspect.getdoc(entry.factory) for name, entry in asked.models.items()}
    book = Book(asked.json, " ".join([COMMAND, *arguments]), race.machine(), notes)
    race_all = learn if is_learning else sample
    for target, seed, budget in itertools.product(
        asked.targets, asked.seeds.values(), asked.budget.values()
    ):
        race_all(book, asked, dict(target=target, seed=seed, cpu_s=budget))
    print(table(book.rows))
    return book


def sample(book: Book, asked: argparse.Namespace, key: Row) -> None:
    """Race the samplers for each number of chains, on this target with this seed and budget."""
    for count in asked.chains.values():
        entries = {f"{name} ×{count}": entry for name, entry in asked.models.items()}
        left = unknown(book, entries, key)
        target = asked.targets[key["target"]]
        for name, found in run(left, target, count, key["seed"], key["cpu_s"], asked.device):
            book.add(dict(key, model=name, ours=left[name].ours, chains=count) | found)
            said(key, name, f"{found['ess_per_s']:,.0f} ESS/s, rhat {found['rhat']:.3f}")


def learn(book: Book, asked: argparse.Namespace, key: Row) -> None:
    """Race the learners on this target with this seed and budget."""
    left = unknown(book, asked.models, key)
    target = asked.targets[key["target"]].to(asked.device)
    for name, found in learning.run(left, target, key["seed"], key["cpu_s"], asked.device):
        book.add(dict(key, model=name, ours=left[name].ours) | found)
        said(key, name, f"KL {found['kl']:.4f}")


def unknown(book: Book, entries: dict[str, Entry], key: Row) -> dict[str, Entry]:
    """The entries for which the book has no row yet."""
    return {name: entry for name, entry in entries.items() if not book.has(model=name, **key)}


def said(key: Row, name: str, result: str) -> None:
    """Say how far the race is."""
    target, seed, budget = key.values()
    print(f"{target}, seed {seed}, {budget:g} s, {name}: {result}", file=sys.stderr)


def chains(text: str) -> int:
    """A positive number of chains."""
    if (number := int(text)) < 1:
        raise ValueError(f"must be positive, got {text}")
    return number


if __name__ == "__main__":
    main()
