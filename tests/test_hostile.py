"""Answers that mean harm, one after the other in a live kernel, which must stay unharmed."""

import os
import queue
import time
from collections.abc import Iterator

import pytest
from jupyter_client.manager import start_new_kernel

SETUP = """
import os, random, signal, sys, threading, time, warnings
import numpy as np, torch
from torch import Tensor
from dgm_lib.exercises import Exercise, check, hint, mine, progress

def kl(mu, sigma):
    return (0.5 * (mu**2 + sigma**2 - 1) - sigma.log()).sum(-1)

def cases(generator, dtype):
    draw = lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)
    return [(draw(1, 2), draw(1, 2).exp()), (draw(5, 3), draw(5, 3).exp())]

Exercise(kl, name="toy.kl", title="", minutes=1, difficulty=1, cases=cases,
         grad_wrt=("mu", "sigma"), hints=("a", "b"))
alarm, excepthook = signal.getsignal(signal.SIGALRM), sys.excepthook

def state():
    return (torch.get_rng_state().sum().item(), str(np.random.get_state()), hash(random.getstate()),
            torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_num_threads(),
            torch.get_default_device(), torch.allclose is isclose[0], torch.isclose is isclose[1],
            Tensor.sum is isclose[2], sum is isclose[3], os.getcwd(), sys.getrecursionlimit(),
            sys.stdout is output, sys.gettrace(), len(warnings.filters), sorted(os.environ),
            signal.getsignal(signal.SIGALRM) is alarm, signal.getitimer(signal.ITIMER_REAL)[0])

isclose, output = (torch.allclose, torch.isclose, Tensor.sum, sum), sys.stdout
before = state()
"""
BODY = "return (0.5 * (mu**2 + sigma**2 - 1) - sigma.log()).sum(-1)"
HEAD = "def f(mu, sigma):\n    "
STUCK = "no answer within 0.2 s"

# What each defines, and what the report must say.
HOSTILE = {
    "right": (HEAD + BODY, "[x]"),
    "stub": (HEAD + "raise NotImplementedError", "[ ]"),
    "ellipsis": (HEAD + "...", "[ ]"),
    "loop": (HEAD + "while True: pass", STUCK),
    "loop, except Exception": (
        HEAD + "while True:\n        try: mu.sum()\n        except Exception: pass", STUCK),
    "loop, bare except": (
        HEAD + "while True:\n        try: mu.sum()\n        except: pass", STUCK),
    "loop, two bare excepts": (
        HEAD + "while True:\n        try:\n            try: mu.sum()\n"
        "            except: mu.exp()\n        except: pass", STUCK),
    "loop, finally": (
        HEAD + "while True:\n        try: mu.sum()\n        finally: continue", STUCK),
    "sleep": (HEAD + "time.sleep(99)", STUCK),
    "sleep, bare except": (
        HEAD + "while True:\n        try: time.sleep(9)\n        except: pass", STUCK),
    "lock": (HEAD + "threading.Lock().acquire() or 0\n    lock = threading.Lock()\n"
             "    lock.acquire(); lock.acquire()", STUCK),
    "print spam": (HEAD + "while True: print('spam ' * 99)", STUCK),
    "print a little": (HEAD + "print('\\n'.join('abc' * 99))\n    " + BODY, "[x]"),
    "input": (HEAD + "input('give')\n    " + BODY, "[!]"),
    "recursion": (HEAD + "return f(mu, sigma)", "calls itself without end"),
    "deep recursion": (
        HEAD + "sys.setrecursionlimit(3000)\n    return f(mu, sigma)", "without end"),
    "exit": (HEAD + "sys.exit(1)", "ends Python"),
    "exit()": (HEAD + "exit()", "[!]"),
    "GeneratorExit": (HEAD + "raise GeneratorExit", "your code raised GeneratorExit"),
    "StopIteration": (HEAD + "raise StopIteration", "your code raised StopIteration"),
    "BaseException": (
        "class Odd(BaseException): pass\n" + HEAD + "raise Odd('odd')",
        "your code raised Odd: odd"),
    "exception without words": (
        "class Odd(Exception):\n    def __str__(self): raise ValueError\n" + HEAD + "raise Odd",
        "your code raised Odd"),
    "exception with a wrong __str__": (
        "class Odd(Exception):\n    def __str__(self): return 3\n" + HEAD + "raise Odd",
        "your code raised Odd"),
    "exception with long words": (HEAD + "raise ValueError('x' * 10**6)", "your code raised Value"),
    "exception group": (HEAD + "raise BaseExceptionGroup('g', [KeyError(1)])", "ExceptionGroup"),
    "memory": (HEAD + "return torch.empty(2**60)", "your code raised RuntimeError"),
    "generator": (HEAD + "yield mu", "got a generator"),
    "coroutine": ("async " + HEAD + BODY, "got a coroutine"),
    "string": (HEAD + "return 'kl'", "got a str"),
    "dict": (HEAD + "return {'kl': mu}", "got a dict"),
    "type": (HEAD + "return int", "got a type"),
    "NaN with gradient": (HEAD + "return (mu * float('nan')).sum(-1).requires_grad_()", "finite"),
    "numpy": (HEAD + "return mu.numpy().sum(-1)", "a numpy array"),
    "sparse": (HEAD + BODY + ".to_sparse()", "sparse"),
    "meta": (HEAD + BODY + ".to('meta')", "is on meta"),
    "complex": (HEAD + BODY + ".to(torch.complex64)", "complex64"),
    "hostile ==": (
        "class Evil:\n    def __eq__(self, other): raise SystemExit\n"
        "    def __bool__(self): raise SystemExit\n    def __repr__(self): raise SystemExit\n"
        + HEAD + "return Evil()", "got an Evil"),
    "hostile __class__": (
        "class Evil:\n    @property\n    def __class__(self): raise SystemExit\n"
        "    def __getattr__(self, name): raise SystemExit\n" + HEAD + "return Evil()",
        "got an Evil"),
    "tensor subclass": (
        "class Evil(Tensor):\n    @classmethod\n"
        "    def __torch_function__(cls, *args, **kwargs): raise SystemExit\n" + HEAD +
        "out = (mu * sigma).sum(-1)\n    out.__class__ = Evil\n    return out", "[!]"),
    "tuple without end": (
        "class Evil(tuple):\n    def __iter__(self):\n        while True: yield 1\n"
        "    def __len__(self): return 10**9\n" + HEAD + "return Evil([mu])", "got an Evil"),
    "float subclass": (
        "class Evil(float):\n    def __float__(self): raise SystemExit\n" + HEAD
        + "return Evil(3)", "got an Evil"),
    "patched torch": (
        HEAD + "torch.allclose = torch.isclose = Tensor.sum = lambda *a, **k: True\n"
        "    return mu[:, 0]", "[!]"),
    "patched builtins": (
        HEAD + "import builtins\n    builtins.sum = builtins.abs = builtins.print = None\n"
        "    return mu[:, 0]", "replaces functions"),
    "deleted torch": (HEAD + "del torch.isclose\n    " + BODY, "replaces functions"),
    "seed": (HEAD + "torch.manual_seed(0); np.random.seed(0); random.seed(0)\n    " + BODY,
             "uses Python's global random numbers"),
    "settings": (
        HEAD + "torch.set_default_dtype(torch.float16); torch.set_num_threads(4)\n"
        "    torch.set_grad_enabled(False); torch.use_deterministic_algorithms(True)\n"
        "    torch.set_default_device('meta'); os.environ['A_B'] = '1'; os.chdir('/')\n"
        "    sys.setrecursionlimit(999); warnings.simplefilter('error')\n    return mu[:, 0]",
        "default device"),
    "no_grad left on": (HEAD + "torch.no_grad().__enter__()\n    " + BODY, "gradients on or off"),
    "stdout": (HEAD + "sys.stdout.close(); sys.stdout = sys.stderr = None\n    " + BODY, "[x]"),
    "alarm of its own": (
        HEAD + "signal.alarm(0); signal.signal(signal.SIGALRM, signal.SIG_IGN)\n    " + BODY,
        "[x]"),
    "trace of its own": (HEAD + "sys.settrace(lambda *a: None)\n    " + BODY, "[x]"),
    "warnings": (HEAD + "warnings.warn('spam')\n    " + BODY, "[x]"),
    "in place": (HEAD + "mu.zero_()\n    " + BODY, "input `mu` in place"),
    "resized": (HEAD + "mu.resize_(0)\n    return sigma.sum(-1)", "input `mu` in place"),
    "a number": ("f = 3", "got an int"),
    "nothing": ("f = None", "got a NoneType"),
    "a class": ("class f:\n    def __init__(self, mu, sigma): pass", "got a f"),
    "a class that is none": ("class f: pass", "expected (mu, sigma)"),
    "uncallable object": (
        "class Evil:\n    def __getattr__(self, name): raise SystemExit\nf = Evil()",
        "got an Evil"),
    "callable object": (
        "class Evil:\n    def __call__(self, mu, sigma): " + BODY + "\n"
        "    def __getattr__(self, name): raise ValueError\n"
        "    def __eq__(self, other): raise ValueError\nf = Evil()", "["),
    "signature that raises": (
        "class Evil:\n    @property\n    def __signature__(self): raise SystemExit\n"
        "    def __call__(self, *a): return 3\nf = Evil()", "[!]"),
    "wraps itself": (HEAD + BODY + "\nf.__wrapped__ = f", "["),
    "a builtin": ("f = torch.add", "[!]"),
    "print": ("f = print", "[!]"),
    "arity": ("def f(mu): return mu", "takes (mu), expected (mu, sigma)"),
    "keyword only": ("def f(mu, *, sigma): return mu",
                     "takes (mu, *, sigma), expected (mu, sigma)"),
    "in __del__": (
        "class Evil:\n    def __del__(self): raise SystemExit\n" + HEAD + "Evil()\n    " + BODY,
        "["),
    "threads": (
        HEAD + "threading.Thread(target=time.sleep, args=(0.01,)).start()\n    " + BODY, "[x]"),
    "backward that raises": (
        "class Evil(torch.autograd.Function):\n    @staticmethod\n"
        "    def forward(ctx, x): return x.clone()\n    @staticmethod\n"
        "    def backward(ctx, g): raise SystemExit\n" + HEAD + "mu = Evil.apply(mu)\n    " + BODY,
        "ends Python"),
    "edits the check": (
        HEAD + "import dgm_lib.exercises.engine.compare as c\n    " + BODY, "[x]"),
}


class Kernel:
    """A kernel that runs one cell at a time."""

    def __init__(self, home: str) -> None:
        environment = os.environ | {"DGM_HOME": home, "DGM_CHECK_SECONDS": "5"}
        self.manager, self.client = start_new_kernel(kernel_name="python3", env=environment)

    def run(self, source: str, seconds: float = 30) -> str:
        """Run a cell; returns all that it shows, errors included."""
        message = self.client.execute(source, allow_stdin=False)
        shown, deadline = [], time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                answer = self.client.get_iopub_msg(timeout=1)
            except queue.Empty:
                assert self.manager.is_alive(), "the kernel died"
                continue
            if answer["parent_header"].get("msg_id") != message:
                continue
            content = answer["content"]
            if answer["msg_type"] == "status" and content["execution_state"] == "idle":
                self.client.get_shell_msg(timeout=seconds)
                return "".join(shown)
            if answer["msg_type"] == "error":
                shown.append(f"RAISED {content['ename']}: {content['evalue']}")
            shown.append(content.get("text") or content.get("data", {}).get("text/plain", ""))
        raise AssertionError(f"no end after {seconds} s: {source}")


@pytest.fixture(scope="module")
def kernel(tmp_path_factory) -> Iterator[Kernel]:
    """One kernel for all."""
    kernel = Kernel(str(tmp_path_factory.mktemp("home")))
    assert kernel.run(SETUP) == ""
    kernel.run("check('toy.kl', kl)\n_ = progress()\nbefore = state()")
    yield kernel
    kernel.client.stop_channels()
    kernel.manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_answers_are_survived(kernel, name):
    source, words = HOSTILE[name]
    slow = "os.environ['DGM_CHECK_SECONDS'] = '0.2' if {} else '5'\n".format(words == STUCK)
    kernel.run(slow + "before = state()")
    out = kernel.run(f"{source}\nused = check('toy.kl', f)")
    assert out[:1] == "[" and "RAISED" not in out
    assert words in out
    assert "0x" not in out
    right = f"used is {'f' if out.startswith('[x]') else 'kl'}"
    assert kernel.run(f"print({right}, state() == before)") == "True True\n", out


def test_answers_are_kept_in_a_kernel(kernel):
    """With helpers of other cells, next to magics, and found again."""
    kernel.run("def helper(mu, sigma):\n    " + BODY)
    kernel.run("%time x = 1\n!true\ndef f(mu, sigma):\n    return helper(mu, sigma)")
    assert kernel.run("_ = check('toy.kl', f)").startswith("[x] toy.kl: right")
    kernel.run("one = torch.ones(2)")
    shown = kernel.run("again = mine('toy.kl'); print(again is f, again(one, one))")
    assert shown == "toy.kl: your saved version is used\nFalse tensor(1.)\n"


def test_the_line_of_an_error_is_the_one_in_the_cell(kernel):
    out = kernel.run("# a comment\n\ndef f(mu, sigma):\n    y = mu\n    return y.nothing\n"
                     "_ = check('toy.kl', f)")
    assert "line 5 of your cell:  return y.nothing" in out
    kernel.run("def helper(y):\n    return y.nothing")
    out = kernel.run("def f(mu, sigma):\n    return helper(mu)\n_ = check('toy.kl', f)")
    assert "line 2 of the cell of `helper`:  return y.nothing" in out


def test_an_interrupt_reaches_the_learner(kernel):
    kernel.run("os.environ['DGM_CHECK_SECONDS'] = '5'")
    out = kernel.run("def f(mu, sigma):\n    signal.raise_signal(signal.SIGINT)\n"
                     "    time.sleep(9)\n_ = check('toy.kl', f)")
    assert "KeyboardInterrupt" in out


def test_progress_is_shown_as_a_table(kernel):
    assert "in all: " in kernel.run("progress()")


def test_the_kernel_is_unharmed_after_all_of_them(kernel):
    assert kernel.run("print([p for p in zip(state(), before) if p[0] != p[1]])") == "[]\n"
