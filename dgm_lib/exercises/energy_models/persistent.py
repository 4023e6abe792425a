"""Persistent chains: a class, judged by what its chains do from call to call."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from dgm_lib.exercises import Exercise, Fail, Mistake
from dgm_lib.exercises.energy_models.persistent_answers import ACCEPTS, NOISE, WRONG
from dgm_lib.exercises.energy_models.persistent_setting import (
    Step,
    differ,
    example,
    same,
    steps,
    story,
)
from dgm_lib.exercises.engine.compare import kind_differs


class Persistent:
    """Chains that go on where they stopped: the negatives of persistent contrastive divergence.

    x0: (n, d), where the chains start. They get a copy of it: x0 itself never changes.
    """

    def __init__(self, x0: Tensor) -> None:
        self.x = x0.detach().clone()

    def advance(self, step: Callable, k: int = 1) -> Tensor:
        """The chains (n, d) after k more steps, without gradients; step(x) is one, (n, d) too."""
        for _ in range(k):
            self.x = step(self.x).detach()
        return self.x


# ------------------------------------------------------------------------ what is asked


def _advance(chains, step: Callable, *k: int) -> Tensor:
    """What `advance` returns, once it is known to be a tensor."""
    out = chains.advance(step, *k)
    if words := kind_differs(out, torch.zeros(())):
        raise Fail(f"`advance`: {words}")
    return out


def _on_examples(cls: Callable) -> Iterator[tuple]:
    """The answer and the reference on several starts, and the start."""
    for shape in ((4, 2), (1, 3), (5, 3)):
        for dtype in (torch.float32, torch.float64):
            x0 = example(*shape, dtype=dtype)
            yield cls(x0.clone()), Persistent(x0), x0


def _one_call(cls, generator):
    """k steps, one after the other"""
    for k in (1, 3, 4):
        for chains, right, x0 in _on_examples(cls):
            step = Step(0.4)
            out, expected = _advance(chains, step, k), right.advance(Step(0.4), k)
            if [x.shape for x in step.seen] != [x0.shape] * k:
                raise Fail(_calls(step, x0, k))
            if words := differ(step.seen[0], x0):
                raise Fail(f"the first step is not given x0: {words}")
            if words := differ(out, expected):
                raise Fail(f"for k = {k} and x0 of shape {tuple(x0.shape)}: {words}")


def _calls(step: Step, x0: Tensor, k: int) -> str:
    shapes = list(dict.fromkeys(tuple(x.shape) for x in step.seen))
    if shapes not in ([], [tuple(x0.shape)]):
        found = ", ".join(map(str, shapes))
        return f"step takes all chains at once, {tuple(x0.shape)}, but was given {found}"
    times = "once" if len(step.seen) == 1 else f"{len(step.seen)} times"
    return f"for k = {k}, step is called {times}"


def _goes_on(cls, generator):
    """goes on where it stopped, with the step and the k of each call"""
    for chains, right, _ in _on_examples(cls):
        for number, (step, k) in enumerate(zip(steps(), (1, 3, 2, 5)), start=1):
            out, expected = _advance(chains, step, k), right.advance(step, k)
            if words := differ(out, expected):
                raise Fail(
                    f"call {number} of `advance`, with a step of its own and k = {k}, must go on "
                    f"where call {number - 1} stopped: {words}"
                )


def _one_step_by_default(cls, generator):
    """one step where no k is given"""
    x0, step = example(4, 2), Step(0.7)
    try:
        out = _advance(cls(x0.clone()), step)
    except TypeError as error:
        if "argument" in str(error):
            raise Fail("`advance(step)` must take one step: give k the default 1") from None
        raise
    if differ(out, Persistent(x0).advance(step)):
        raise Fail("`advance(step)` must take one step: the default of k is 1")


def _leaves_the_start_alone(cls, generator):
    """a copy of x0"""
    x0 = example(4, 2)
    given = x0.clone()
    chains = cls(given)
    for step in steps():
        _advance(chains, step, 2)
    if not torch.equal(given, x0):
        raise Fail("`advance` writes into x0: keep the chains in a tensor of their own")
    chains = cls(given)
    given.zero_()
    step = Step(0.4)
    _advance(chains, step, 1)
    if not same(step.seen[0], x0):
        raise Fail("the chains move when x0 is written to later: start from x0.clone()")


def _keeps_what_it_returned(cls, generator):
    """what was returned stays as it was"""
    chains = cls(example(4, 2))
    first = _advance(chains, Step(0.4), 2)
    before = first.clone()
    _advance(chains, Step(0.9), 3)
    if not torch.equal(first, before):
        raise Fail(
            "the samples of one call change in the next: `advance` writes into the tensor that it "
            "returned"
        )


def _apart(cls, generator):
    """two sets of chains know nothing of each other"""
    starts, step = (example(4, 2), example(3, 2) + 1), Step(0.4)
    mine, right = [cls(x.clone()) for x in starts], [Persistent(x) for x in starts]
    for i in (0, 1, 0, 1):
        if differ(_advance(mine[i], step, 2), right[i].advance(step, 2)):
            raise Fail("two sets of chains share their state: keep it in `self`, set in `__init__`")


def _without_gradients(cls, generator):
    """no gradients, and no graph from call to call"""
    theta = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    chains = cls(example(4, 2))
    for call in (1, 2):
        step = Step(theta)
        out = _advance(chains, step, 2)
        if step.graphs[0] and call == 2:
            raise Fail(
                "the chains are kept with their graph, which grows from call to call: detach what "
                "you keep, not only what you return"
            )
        if out.grad_fn is not None:
            raise Fail("the samples hang on the model's graph: detach them")
        if out.requires_grad:
            raise Fail("the samples ask for gradients: `requires_grad` must be off")
    out = _advance(cls(example(4, 2).requires_grad_()), Step(0.4), 1)
    if out.requires_grad:
        raise Fail("the samples hang on the graph of x0: detach them")


# ------------------------------------------------------------------------ which mistake it is


def _behaves_like(wrong: type) -> Callable:
    """Whether the answer's chains do what those of a wrong version do, and that is wrong."""

    def recognise(cls, generator):
        mine = story(cls)
        return mine != story(Persistent) and mine == story(wrong)

    return recognise


def _starts_anywhere(cls, generator):
    """Whether two sets of chains from the same x0 start at different points."""
    both = Step(0.4), Step(0.4)
    for step in both:
        cls(example(4, 2)).advance(step, 1)
    return not same(*(step.seen[0] for step in both))


MISTAKES = [
    Mistake(*NOISE, _starts_anywhere),
    *(Mistake(name, wrong, hint, _behaves_like(wrong)) for name, wrong, hint in WRONG),
]

Exercise(
    Persistent,
    title="Persistent chains",
    minutes=8,
    difficulty=2,
    properties=[
        _one_call,
        _goes_on,
        _one_step_by_default,
        _leaves_the_start_alone,
        _keeps_what_it_returned,
        _apart,
        _without_gradients,
    ],
    mistakes=MISTAKES,
    accepts=ACCEPTS,
    hints=(
        "The chains live in the object: `__init__` puts a copy of x0 into self.x, and every call "
        "of `advance` starts from self.x and leaves the new chains there.",
        "In a loop over range(k): the result of one step is what the next step is given.",
        "`.detach()` what you keep: else each call's graph holds on to those of all calls before.",
    ),
)
