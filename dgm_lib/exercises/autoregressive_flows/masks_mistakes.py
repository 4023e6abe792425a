"""Masks as learners get them wrong."""

from itertools import pairwise

import torch

from dgm_lib.exercises import Mistake


# Hidden degrees that are too small by one and a strict > one layer early give the same masks.
OFF_BY_ONE = (
    "degrees and comparisons do not fit: with places 1, …, d and hidden degrees 1, …, d − 1 the "
    "first layers take >=, and the last is strict, >"
)
BACKWARDS = "your outputs see what comes after them: a comparison, or the order, runs backwards"


def _cycle(width, d):
    return 1 + torch.arange(width) % (d - 1)


def _place(order):
    return 1 + torch.argsort(order)


def _in_row(order):
    return 1 + torch.arange(len(order))


def version(
    inputs=_place, outputs=_place, units=_cycle, first=torch.ge, inner=torch.ge, last=torch.gt
):
    """A version of the masks with its own degrees or comparisons."""

    def version(order, hidden):
        inner_degrees = [units(width, len(order)) for width in hidden]
        degrees = [v.to(order.device) for v in (inputs(order), *inner_degrees, outputs(order))]
        compare = [first, *[inner] * (len(hidden) - 1), last]
        return [c(b[:, None], a) for c, (a, b) in zip(compare, pairwise(degrees))]

    return version


def _changed(change):
    """What becomes of the list of right masks."""
    return lambda order, hidden: change(list(version()(order, hidden)))


def _all_true(masks):
    return [torch.ones_like(mask) for mask in masks]


def _random(order, hidden):
    return version(units=lambda width, d: torch.randint(1, d, (width,)))(order, hidden)


def _first_hidden_only(order, hidden):
    return version()(order, hidden[:1])


def _triangles(order, hidden):
    widths = [len(order), *hidden, len(order)]
    masks = [torch.ones(b, a).tril() for a, b in pairwise(widths)]
    return [mask.bool() for mask in masks]


def _by(criterion):
    """Recognise by the masks of one network: d = 4, two hidden layers of 5 and 6 units."""

    def recognise(fn, generator):
        return bool(criterion(list(fn(torch.tensor([2, 0, 3, 1]), [5, 6]))))

    return recognise


def _is_random(fn, generator):
    order = torch.tensor([2, 0, 3, 1])
    return any(not all(map(torch.equal, fn(order, [9]), fn(order, [9]))) for _ in range(5))


MISTAKES = (
    Mistake(
        "transposed",
        _changed(lambda masks: [mask.T for mask in masks]),
        "your masks are (n_in, n_out); the weight of a Linear layer is (n_out, n_in): transpose",
        _by(lambda masks: [m.shape for m in masks] == [(4, 5), (5, 6), (6, 4)]),
    ),
    Mistake(
        "numbers",
        _changed(lambda masks: [mask.float() for mask in masks]),
        "these masks are numbers; return bool, which a comparison gives by itself",
        _by(lambda masks: any(m.dtype != torch.bool for m in masks)),
    ),
    Mistake(
        "no last mask",
        _changed(lambda masks: masks[:-1]),
        "the last mask is missing: the layer from the last hidden units to the outputs has one too",
        _by(lambda masks: len(masks) == 2 and masks[-1].shape == (6, 5)),
    ),
    Mistake(
        "one hidden layer",
        _first_hidden_only,
        "you build one hidden layer whatever `hidden` says: it lists one width per hidden layer",
        _by(lambda masks: len(masks) == 2 and masks[-1].shape == (4, 5)),
    ),
    Mistake(
        "two rows per output",
        _changed(lambda masks: [*masks[:-1], torch.cat([masks[-1]] * 2)]),
        "the last mask has one row per coordinate, d in all; who needs more outputs repeats it",
        _by(lambda masks: masks[-1].shape == (8, 6)),
    ),
    Mistake(
        "random degrees",
        _random,
        "random degrees can leave a coordinate unseen, and no generator is given: let the hidden "
        "units cycle through 1, …, d − 1",
        _is_random,
    ),
    Mistake(
        "nothing masked",
        _changed(_all_true),
        "nothing is masked: every output sees every input",
        _by(lambda masks: all(mask.all() for mask in masks)),
    ),
    Mistake(
        "only the first layer",
        _changed(lambda masks: [masks[0], *_all_true(masks[1:])]),
        "only the first layer is masked: the next one mixes everything again, each needs its mask",
        _by(lambda masks: all(mask.all() for mask in masks[1:])),
    ),
    Mistake(
        "only the last layer",
        _changed(lambda masks: [*_all_true(masks[:-1]), masks[-1]]),
        "only the last layer is masked: its units have seen every input by then",
        _by(lambda masks: all(mask.all() for mask in masks[:-1])),
    ),
    Mistake(
        "triangles",
        _triangles,
        "triangles of ones with their diagonal: the last layer must be strict, and no triangle "
        "knows `order` or the units beyond the d-th; compare degrees instead",
        _by(
            lambda masks: all(
                torch.equal(mask, mask.tril()) and mask[:4, :4].trace() == 4 for mask in masks
            )
        ),
    ),
    Mistake(
        "equal degrees only",
        version(inner=torch.eq),
        "you connect hidden units of equal degrees only: a unit may see all of at most its own",
    ),
    Mistake(
        "sees itself",
        version(last=torch.ge),
        "each output sees its own input: into the last layer the comparison is strict, >",
    ),
    Mistake(
        "strict everywhere",
        version(first=torch.gt, inner=torch.gt),
        "> in every layer loses connections: only the last layer is strict, the others take >=",
    ),
    Mistake(
        "strict at first",
        version(first=torch.gt),
        "> in the first layer as in the last skips the coordinate just before: there it is >=",
    ),
    Mistake(
        "strict in between",
        version(inner=torch.gt),
        "> between hidden layers loses connections: a unit may see units of its own degree, >=",
    ),
    Mistake(
        "strict at the wrong end",
        version(first=torch.gt, last=torch.ge),
        OFF_BY_ONE,
    ),
    Mistake(
        "order ignored",
        version(_in_row, _in_row),
        "`order` is not used: your outputs follow the order 0, 1, …, d − 1",
    ),
    Mistake(
        "places for coordinates",
        version(lambda order: 1 + order, lambda order: 1 + order),
        "order[k] is the coordinate that comes k-th, not the place of coordinate k: argsort turns "
        "the one into the other",
    ),
    Mistake(
        "outputs in a row",
        version(outputs=_in_row),
        "the inputs follow `order` but the outputs do not: output i has the degree of input i",
    ),
    Mistake(
        "inputs in a row",
        version(inputs=_in_row),
        "the outputs follow `order` but the inputs do not: input i has the degree of output i",
    ),
    Mistake(
        "backwards",
        version(*[lambda order: len(order) - torch.argsort(order)] * 2),
        BACKWARDS,
    ),
    Mistake(
        "comparisons backwards",
        version(
            torch.argsort,
            torch.argsort,
            lambda width, d: torch.arange(width) % (d - 1),
            torch.le,
            torch.le,
            torch.lt,
        ),
        BACKWARDS,
    ),
    Mistake(
        "hidden from 0 to d - 1",
        version(units=lambda width, d: torch.arange(width) % d),
        "hidden degrees from 0 where inputs count from 1: a unit of degree 0 sees nothing; "
        "let them cycle through 1, …, d − 1",
    ),
    Mistake(
        "hidden from 0 to d - 2",
        version(units=lambda width, d: torch.arange(width) % (d - 1)),
        OFF_BY_ONE,
    ),
    Mistake(
        "hidden from 1, places from 0",
        version(torch.argsort, torch.argsort),
        "your places start at 0 and your hidden degrees at 1: start both at the same number",
    ),
    Mistake(
        "hidden up to d",
        version(units=lambda width, d: 1 + torch.arange(width) % d),
        "a hidden unit of degree d is seen by no output: let the degrees cycle through 1, …, d − 1",
    ),
    Mistake(
        "all units of degree 1",
        version(units=lambda width, d: torch.ones(width)),
        "all your hidden units have degree 1, they see the first coordinate only: spread them",
    ),
    Mistake(
        "all units of the last degree",
        version(units=lambda width, d: torch.full((width,), d - 1)),
        "all your hidden units see d − 1 coordinates, so only the last output may look at them",
    ),
)
