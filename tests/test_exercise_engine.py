"""The engine of the exercises on toys: what it says of right, wrong and endless answers."""

import os
import random
import sys
import threading
import warnings

import numpy as np
import pytest
import torch

from dgm_lib.exercises import evaluate
from dgm_lib.exercises.engine.exercise import REGISTER
from dgm_lib.exercises.engine.verdict import Verdict
from tests.cells import cell
from tests.toys import MEAN_OF, SHIFT, SQUASH, TOYS, Mean


@pytest.fixture(autouse=True)
def registered(monkeypatch, tmp_path):
    """Register the toys for the time of a test, and give it a store of its own."""
    for toy in TOYS:
        monkeypatch.setitem(REGISTER, toy.name, toy)
    monkeypatch.setenv("DGM_HOME", str(tmp_path))


RIGHT = "def f(x, sigma):\n    return (x**2 / sigma).sum(dim=-1)"
BODY = "return (x**2 / sigma).sum(dim=-1)"

# --------------------------------------------------------------------------- right and wrong


@pytest.mark.parametrize("source", [
    RIGHT,
    "f = lambda x, sigma: (x * x / sigma).sum(1)",
    f"def f(a, b, extra=1):\n    x, sigma = a, b\n    {BODY}",
    f"def f(*args):\n    x, sigma = args\n    {BODY}",
    f"def g(k, x, sigma):\n    {BODY}\nfrom functools import partial\nf = partial(g, 1)",
    f"class G:\n    def __call__(self, x, sigma):\n        {BODY}\nf = G()",
    f"import functools\ndef d(g):\n    @functools.wraps(g)\n    def h(*a): return g(*a)\n"
    f"    return h\n@d\ndef f(x, sigma):\n    {BODY}",
    "f = torch.jit.annotate(object, lambda x, sigma: torch.einsum('bd,bd->b', x * x, 1 / sigma))",
    f"SCALE = 1.0\ndef h(x): return SCALE * x\ndef f(x, sigma):\n    x = h(x)\n    {BODY}",
    "def f(x, sigma):\n    total = 0\n    for j in range(x.shape[1]):\n"
    "        total = total + x[:, j] ** 2 / sigma[:, j]\n    return total",
    "mean = torch.ones(3)\ndef f(x, sigma):\n    return (x**2 / sigma).mean(-1) * x.shape[-1]",
], ids=range(11))
def test_right_answers_pass(source):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of torch.jit
        assert evaluate(SQUASH, cell(source)) == Verdict("pass")


@pytest.mark.parametrize("source", [
    "def f(x, sigma):\n    raise NotImplementedError",
    "def f(x, sigma):\n    'docstring'\n    raise NotImplementedError('write me')",
    "def f(x, sigma): ...",
    "def f(x, sigma):\n    'docstring'",
    "def f(x, sigma):\n    return ...",
    "def f(x, sigma):\n    y = ...\n    return y",
    "def f(x, sigma):\n    y = ...\n    return y.sum(-1)",
    "def f(x, sigma):\n    return torch.exp(...)",
    "def h(x): raise NotImplementedError\ndef f(x, sigma): return h(x)",
    "f = ...",
], ids=range(10))
def test_stubs_are_not_attempted(source):
    assert evaluate(SQUASH, cell(source)) == Verdict("todo")


DIAGNOSES = {
    "wrong value": ("def f(x, sigma): return (x / sigma).sum(-1)",
                    "for x = [[1.742, -0.4934]], sigma = [[0.6718, 0.1937]]:\nyours"),
    "not a function": ("f = 3", "expected a function, got an int"),
    "called": ("f = torch.ones(3)", "hand over `squash` itself, not `squash(...)`"),
    "nothing": ("f = None", "expected a function, got a NoneType"),
    "no return": ("def f(x, sigma): y = x.sum()", "is the `return` missing?"),
    "too few arguments": ("def f(x): return x", "takes (x), expected (x, sigma)"),
    "too many arguments": ("def f(x, s, t): return x", "takes (x, s, t), expected (x, sigma)"),
    "numpy": ("def f(x, sigma): return (x**2 / sigma).sum(-1).numpy()", "a numpy array: stay in"),
    "number": ("def f(x, sigma): return (x**2 / sigma).sum().item()", "got a float: no `.item()`"),
    "string": ("def f(x, sigma): return 'x'", "expected a torch.Tensor, got a str"),
    "dict": ("def f(x, sigma): return {}", "expected a torch.Tensor, got a dict"),
    "tuple": ("def f(x, sigma): return x, x", "expected a torch.Tensor, got a tuple"),
    "generator": (f"def f(x, sigma):\n    yield x\n    {BODY}", "use `return`, not `yield`"),
    "coroutine": (f"async def f(x, sigma): {BODY}", "expected a torch.Tensor, got a coroutine"),
    "keepdim": ("def f(x, sigma): return (x**2 / sigma).sum(-1, keepdim=True)",
                "the shape is (1, 1), expected (1,) = (batch,); drop the dimension of size 1"),
    "dtype": (f"def f(x, sigma):\n    x = x.float()\n    return (x**2 / sigma.float()).sum(-1)",
              "the result has dtype float32, expected float64"),
    "precision": ("def f(x, sigma):\n    x = x.float().to(x.dtype)\n    " + BODY,
                  "in float64 (float32 is right)"),
    "float64 error": ("def f(x, sigma): return (x**2 / sigma) @ torch.ones(x.shape[1])",
                      "(with float64 inputs)"),
    "nan": ("def f(x, sigma): return (x**2 / sigma).sum(-1) + (x - 9).log().sum() * 0",
            "the result must be finite here"),
    "integers": ("def f(x, sigma): return (x**2 / sigma).sum(-1).long()", "has dtype int64"),
    "device": (f"def f(x, sigma):\n    x = x + torch.zeros(x.shape, dtype=x.dtype)\n    {BODY}",
               "line 2 of your cell:  x = x + torch.zeros(x.shape, dtype=x.dtype)"),
    "in place": (f"def f(x, sigma):\n    x.pow_(2)\n    return (x / sigma).sum(-1)",
                 "changes its input `x` in place"),
    "in place, no change": (f"def f(x, sigma):\n    sigma += 0\n    {BODY}", "input `sigma`"),
    "in place by .data": (f"def f(x, sigma):\n    y = x.clone()\n    x.data.zero_()\n    x = y\n"
                          f"    {BODY}", "changes its input `x` in place"),
    "in place by numpy": (f"def f(x, sigma):\n    y = x.clone()\n    x.numpy()[:] = 0\n"
                          f"    return (y**2 / sigma).sum(-1)", "changes its input `x` in place"),
    "cut graph": ("def f(x, sigma): return (x**2 / sigma).sum(-1).detach()", "cuts the graph"),
    "half cut": ("def f(x, sigma): return (x**2 / sigma.detach()).sum(-1)",
                 "the gradient with respect to `sigma` is not"),
    "new tensor": ("def f(x, sigma): return torch.tensor(((x**2 / sigma).sum(-1)).tolist(), "
                   "dtype=x.dtype)", "cuts the graph"),
    "property": ("def f(x, sigma): return torch.where(sigma == 1, x, x**2 / sigma).sum(-1)",
                 "your function must give the same for x and -x"),
    "data of the notebook": (f"w = torch.ones(1)\ndef f(x, sigma):\n    x = x * w\n    {BODY}",
                             "reads `w` from the notebook"),
    "data through a helper": ("n = 1\ndef h(x): return x * n\ndef f(x, sigma):\n    x = h(x)\n"
                              f"    {BODY}", "reads `n` from the notebook"),
    "data in a nested function": ("w = [1.0]\ndef f(x, sigma):\n    g = lambda v: v * w[0]\n"
                                  f"    x = g(x)\n    {BODY}", "reads `w` from the notebook"),
    "data, wrong": ("w = 2.0\ndef f(x, sigma): return (x**2 / sigma).sum(-1) * w",
                    "reads `w` from the notebook"),
    "memory": ("seen = {}\ndef f(x, sigma):\n    f.n = getattr(f, 'n', 0) + 1\n"
               "    return (x**2 / sigma).sum(-1) + f.n - 1", "two calls with the same inputs"),
    "typo": ("def f(x, sigma):\n    y = 1\n    return xx",
             "NameError: name 'xx' is not defined\nline 3 of your cell:  return xx"),
    "in a helper": ("def h(x):\n    return x @ x\ndef f(x, sigma): return h(x)",
                    "line 2 of your cell:  return x @ x"),
    "library's NotImplementedError": (
        "def f(x, sigma): return torch.distributions.Distribution(validate_args=False).sample()",
        "raised NotImplementedError"),
    "recursion": ("def f(x, sigma): return f(x, sigma)", "calls itself without end"),
    "exit": ("import sys\ndef f(x, sigma): sys.exit(1)", "ends Python"),
    "endless": ("def f(x, sigma):\n    while True: pass", "no answer within 1 s"),
    "torch random": (f"def f(x, sigma):\n    x = x + 0 * torch.rand_like(x)\n    {BODY}",
                     "uses torch's global random numbers (this was put back)"),
    "seed": (f"def f(x, sigma):\n    torch.manual_seed(0)\n    {BODY}", "set no seed"),
    "numpy random": (f"def f(x, sigma):\n    np.random.rand()\n    {BODY}",
                     "numpy's global random"),
    "python random": (f"import random\ndef f(x, sigma):\n    random.random()\n    {BODY}",
                      "Python's global random"),
    "gradients off": (f"def f(x, sigma):\n    torch.set_grad_enabled(False)\n    {BODY}",
                      "switches gradients on or off"),
    "default dtype": (f"def f(x, sigma):\n    torch.set_default_dtype(torch.float64)\n    {BODY}",
                      "changes torch's default dtype"),
    "threads": (f"def f(x, sigma):\n    torch.set_num_threads(3)\n    {BODY}", "number of threads"),
    "patched torch": (f"def f(x, sigma):\n    torch.allclose = torch.isclose = lambda *a: True\n"
                      f"    {BODY}", "replaces functions of torch or Python"),
}


@pytest.mark.parametrize("name", DIAGNOSES)
def test_generic_diagnoses(name, monkeypatch):
    monkeypatch.setenv("DGM_CHECK_SECONDS", "1")
    source, words = DIAGNOSES[name]
    before = _state()
    verdict = evaluate(SQUASH, cell(source))
    assert verdict.status == "fail"
    assert words in verdict.message
    assert verdict == evaluate(SQUASH, cell(source)), "not deterministic"
    assert _state() == before


def _state():
    return (
        torch.get_rng_state().tolist(), str(np.random.get_state()), random.getstate(),
        torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_num_threads(),
        torch.get_default_device(), torch.allclose, sys.getrecursionlimit(), os.getcwd(),
        sys.stdout, sys.gettrace(), [str(f) for f in warnings.filters],
    )


def test_a_global_that_is_only_the_name_of_an_attribute_is_no_fault():
    assert evaluate(SQUASH, cell("shape = [1]\ndim = 2\n" + RIGHT)).status == "pass"


@pytest.mark.parametrize("exercise", TOYS, ids=lambda e: e.name)
def test_references_of_toys_pass(exercise):
    assert evaluate(exercise, exercise.reference) == Verdict("pass")
    for right in exercise.accepts:
        assert evaluate(exercise, right) == Verdict("pass")


@pytest.mark.parametrize(
    ("exercise", "mistake"),
    [(e, m) for e in TOYS for m in e.mistakes],
    ids=lambda v: v.name,
)
def test_each_mistake_of_the_toys_gets_its_own_hint(exercise, mistake):
    verdict = evaluate(exercise, mistake.function)
    assert verdict.status == "fail"
    hinted = [other.name for other in exercise.mistakes if other.hint in verdict.message]
    assert hinted == [mistake.name]


def test_a_random_answer_with_another_stream_but_a_known_mistake_is_diagnosed():
    f = cell("def f(s, n, g):\n    s(3, g)\n    return Mean(3.01, s(n, g).std().item())\n")
    f.__globals__["Mean"] = Mean
    assert "divide by the root of n" in evaluate(MEAN_OF, f).message


CLASS = """
class f:
    def __init__(self, t): self.t = t
    def forward(self, x): return x + self.t
    def inverse(self, y): return {inverse}
"""


@pytest.mark.parametrize(("source", "status", "words"), [
    (CLASS.format(inverse="y - self.t"), "pass", ""),
    (CLASS.format(inverse="y + self.t"), "fail", "inverse(forward(x)) is not x"),
    (CLASS.format(inverse="y - self.s"), "fail", "line 5 of your cell"),
    (CLASS.format(inverse="(y,)"), "fail", "“inverse undoes forward” cannot use what it gets"),
    (CLASS.format(inverse="[].sum()"), "fail", "has no attribute 'sum'\nline 5 of your cell"),
    ("class f:\n    def __init__(self, t): raise NotImplementedError\n"
     "    def forward(self, x): pass\n    def inverse(self, y): pass", "todo", ""),
    ("class f:\n    def __init__(self, t): pass", "fail", "your class has no method `forward`"),
    ("class f:\n    def __init__(self): pass\n    forward = inverse = None", "fail",
     "takes (), expected (t)"),
    ("def f(t): pass", "fail", "expected a class like `Shift`, got a function"),
], ids=range(9))
def test_classes(source, status, words):
    verdict = evaluate(SHIFT, cell(source))
    assert verdict.status == status
    assert words in verdict.message

# --------------------------------------------------------------------------- endless answers


HOSTILE = {
    "except Exception": "def f(x, s):\n    while True:\n        try: x.sum()\n"
                        "        except Exception: pass",
    "bare except": "def f(x, s):\n    while True:\n        try: x.sum()\n        except: pass",
    "bare except asleep": "import time\ndef f(x, s):\n    while True:\n"
                          "        try: time.sleep(9)\n        except BaseException: pass",
    "swallowed once": "import time\ndef f(x, s):\n    try: time.sleep(9)\n"
                      "    except BaseException: pass\n    return (x**2 / s).sum(-1)",
    "turned into another": "import time\ndef f(x, s):\n    try: time.sleep(9)\n"
                           "    except BaseException: raise ValueError('mine')",
    "finally": "def f(x, s):\n    while True:\n        try: x.sum()\n        finally: continue",
    "printing for ever": "def f(x, s):\n    while True: print('spam')",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_endless_answers_are_stopped(name, monkeypatch):
    monkeypatch.setenv("DGM_CHECK_SECONDS", "0.2")
    before = _state()
    message = evaluate(SQUASH, cell(HOSTILE[name])).message
    assert message == "no answer within 0.2 s on small inputs: does a loop never end?"
    assert _state() == before


@pytest.mark.parametrize("source", [RIGHT, HOSTILE["except Exception"], HOSTILE["bare except"]])
def test_time_is_limited_in_other_threads_too(source, monkeypatch):
    monkeypatch.setenv("DGM_CHECK_SECONDS", "0.3")
    verdicts = []
    thread = threading.Thread(target=lambda: verdicts.append(evaluate(SQUASH, cell(source))))
    thread.start()
    thread.join(20)
    assert verdicts[0].status == ("pass" if source == RIGHT else "fail")
    assert ("no answer within 0.3 s" in verdicts[0].message) == (source != RIGHT)


def test_an_interrupt_by_the_learner_passes_through():
    with pytest.raises(KeyboardInterrupt):
        evaluate(SQUASH, cell("def f(x, s): raise KeyboardInterrupt"))


def test_a_default_device_of_the_notebook_does_no_harm():
    with torch.device("meta"):
        assert evaluate(SQUASH, cell(RIGHT)) == Verdict("pass")


def test_checks_work_where_gradients_are_off():
    with torch.no_grad():
        assert evaluate(SQUASH, cell(RIGHT)) == Verdict("pass")
