"""One alternating step of the game, judged by what becomes of the parameters."""

from torch import Tensor
from torch.nn.functional import softplus

from dgm_lib.exercises import Exercise, Fail
from dgm_lib.exercises.engine.games import differ, story
from dgm_lib.exercises.gan.adversarial_answers import ACCEPTS, NOTHING_MOVES, WRONG
from dgm_lib.exercises.gan.adversarial_setting import Game


def adversarial_step(
    generator, discriminator, x: Tensor, z: Tensor, optimiser_g, optimiser_d
) -> None:
    """One step of D on data x and fakes G(z), then one of G, on the same z, against the new D.

    D minimises −mean log D(x) − mean log(1 − D(G(z))), and G is not differentiated for it.
    G minimises the non-saturating −mean log D(G(z)). Each optimiser moves its own network only.
    x (n, d), z (m, d_z); discriminator(x) is the logit (n,). Goodfellow et al. (2014).
    """
    real, fake = discriminator(x), discriminator(generator(z).detach())
    loss = softplus(-real).mean() + softplus(fake).mean()
    optimiser_d.zero_grad()
    loss.backward()
    optimiser_d.step()

    loss = softplus(-discriminator(generator(z))).mean()
    optimiser_g.zero_grad()
    loss.backward()
    optimiser_g.step()


# ------------------------------------------------------------------------ what is asked


def _both_move(fn, generator):
    """each optimiser moves its network"""
    game = Game()
    start = game.parameters()
    game.play(fn)
    still = [name for name in start if not differ(game.parameters()[name], start[name])]
    if len(still) == 2:
        raise Fail(NOTHING_MOVES)
    if still:
        raise Fail(f"the {still[0]} does not move")


def _not_through_the_generator(fn, generator):
    """the discriminator's loss stops at the fakes"""
    game = Game()
    count = game.count_gradients_of_the_generator()
    game.play(fn)
    if len(count) > 1:
        raise Fail(
            "D's loss is differentiated through the generator: give D the fakes as "
            "generator(z).detach() in its own step"
        )


def _one_step(fn, generator):
    """the parameters after one step"""
    for setting in Game.settings:
        _same_as_the_reference(fn, Game(**setting), Game(**setting), 1)


def _many_steps(fn, generator):
    """the parameters after four steps"""
    for setting in Game.settings:
        _same_as_the_reference(fn, Game(**setting), Game(**setting), 4)


def _same_as_the_reference(fn, mine: Game, right: Game, steps: int) -> None:
    for step in range(1, steps + 1):
        mine.play(fn)
        right.play(adversarial_step)
        for name, expected in right.parameters().items():
            if words := differ(mine.parameters()[name], expected):
                when = "one step" if step == 1 else f"{step} steps"
                raise Fail(f"after {when} the {name} is not where it should be: {words}")


def _keeps_training(fn, generator):
    """the networks stay trainable"""
    game = Game()
    game.play(fn)
    if not game.is_trainable():
        raise Fail("your step leaves a network with requires_grad off: it stays frozen")


def _behaves_like(wrong):
    """Whether the answer does to the parameters what a wrong version does."""

    def recognise(fn, generator):
        mine = story(fn, Game)
        return mine != story(adversarial_step, Game) and mine == story(wrong, Game)

    return recognise


Exercise(
    adversarial_step,
    title="One alternating step",
    minutes=12,
    difficulty=2,
    properties=[
        _both_move,
        _not_through_the_generator,
        _one_step,
        _many_steps,
        _keeps_training,
    ],
    mistakes=[wrong.mistake(_behaves_like) for wrong in WRONG],
    accepts=ACCEPTS,
    hints=(
        "Two halves, each with the same four lines: a loss, zero_grad(), backward(), step(). First "
        "the discriminator's half, then the generator's.",
        "In D's half the fakes are just points: generator(z).detach(). In G's half the gradient "
        "must go through D into G, so nothing is detached there.",
        "G's backward() also leaves gradients in D's parameters. optimiser_d.zero_grad() clears "
        "them before D's next backward().",
    ),
)
