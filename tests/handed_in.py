"""What a class may hand in for lecture 03a: twenty submissions, eleven of them hostile."""

import json
import shutil
from pathlib import Path

IMPORTS = "import torch\nfrom dgm_lib.exercises import check"
REPARAMETERISE = "vae.reparameterise"
KL = "vae.gaussian_kl"
CHECK_R = f'\n\nreparameterise = check("{REPARAMETERISE}", reparameterise)'
CHECK_KL = f'\n\ngaussian_kl = check("{KL}", gaussian_kl)'
HEAD_R = "def reparameterise(mu, log_var, epsilon):\n    "
HEAD_KL = "def gaussian_kl(mu, log_var):\n    "
RIGHT_R = HEAD_R + "return mu + (log_var / 2).exp() * epsilon" + CHECK_R
BODY_KL = "return 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(-1)"
RIGHT_KL = HEAD_KL + BODY_KL + CHECK_KL
STUB = "# your line\n    raise NotImplementedError"


def does(deed: str) -> str:
    """The cell of an answer that does something before it answers rightly."""
    return HEAD_KL + deed.replace("\n", "\n    ") + "\n    " + BODY_KL + CHECK_KL


CELLS = {
    "right": [IMPORTS, RIGHT_R, RIGHT_KL, "assert gaussian_kl(torch.ones(2), torch.zeros(2)) > 0"],
    "wrong": [
        IMPORTS,
        HEAD_R + "return mu + log_var.exp() * epsilon" + CHECK_R,
        HEAD_KL + "return (mu**2 + log_var.exp() - 1 - log_var).sum(-1)" + CHECK_KL,
    ],
    "untouched": [IMPORTS, HEAD_R + STUB + CHECK_R, HEAD_KL + STUB + CHECK_KL],
    "another style": [
        "import torch as t\nimport numpy as np\nimport dgm_lib.exercises as course",
        "from my_tools import halves\nlots = [t.randn(10**6) for _ in range(3)]",
        "%%time\nHALF = np.float64(0.5).item()",
        "def sigma(log_var):\n    return halves(log_var).exp()",
        f'course.check("{REPARAMETERISE}", lambda m, s, e: t.addcmul(m, sigma(s), e))',
        "class Terms:\n    def of(self, m, s):\n        return m.square() + s.exp() - s - 1",
        "def mistaken(m, s):\n    return m\n\n"
        f'gaussian_kl = course.check("{KL}", mistaken)',  # the course's version from here on
        "def total(m, s):\n    return HALF * Terms().of(m, s).sum(dim=-1)\n\n"
        f'if True:\n    gaussian_kl = course.check("{KL}", total)',
    ],
    "syntax error": [IMPORTS, RIGHT_R, "def gaussian_kl(mu, log_var)\n    return mu" + CHECK_KL],
    "<img src=x onerror=alert(1)>": [
        IMPORTS,
        HEAD_R + "raise ValueError('<script>alert(2)</script>')" + CHECK_R,
        "1 / 0  # breaks what follows, but not the answer",
        RIGHT_KL,
    ],
    # ------------------------------------------------------------------------ hostile
    "endless loop": [IMPORTS, "while True:\n    pass", RIGHT_R, RIGHT_KL],
    "endless answer": [
        IMPORTS, HEAD_R + "while True:\n        pass" + CHECK_R,
        does("import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass"),
    ],
    "memory bomb": [
        IMPORTS,
        does("waste = torch.zeros(2**31)"),
        "waste = []\nwhile True:\n    waste.append(torch.ones(2**24))",
    ],
    "fork bomb": [
        IMPORTS, does("import os\nwhile True: os.fork()"), "import os\nwhile True:\n    os.fork()",
    ],
    "file deletion": [
        IMPORTS,
        "import os, shutil, dgm_lib\nPLACES = ('/', '..', '.', '{here}', '/submission', '/course')",
        RIGHT_R,
        does("import shutil\nfor place in PLACES:\n    shutil.rmtree(place, ignore_errors=True)"),
        "for place in (*PLACES, *dgm_lib.__path__, os.path.expanduser('~')):\n"
        "    shutil.rmtree(place, ignore_errors=True)\n    os.system(f'rm -rf {place}')",
    ],
    "network": [
        IMPORTS,
        does("import socket\nsocket.create_connection(('127.0.0.1', {port}), 3).send(b'x')"),
        "import socket\nsocket.create_connection(('127.0.0.1', {port}), 3).send(b'x')",
    ],
    "patched engine": [
        IMPORTS,
        HEAD_R + "import sys\n"
        "    engine = sys.modules['dgm_lib.exercises.engine.examine'].Examination\n"
        "    engine._compare = engine._gradients = lambda *a: None\n"
        "    return mu.expand_as(epsilon)" + CHECK_R,
        "import sys\nengine = sys.modules['dgm_lib.exercises.engine.examine'].Examination\n"
        "def let_pass(*_):\n    pass\n"
        "def undo(*_, kept=dict(vars(engine))):\n"
        "    for name in ('_compare', '_gradients', '_device'): setattr(engine, name, kept[name])",
        HEAD_KL + "engine._compare = engine._gradients = let_pass\n    engine._device = undo\n"
        "    return mu.sum(-1)" + CHECK_KL,
    ],
    "replaced check": [
        "import torch",
        "import dgm_lib.exercises.engine.desk as desk\n"
        "def check(name, answer):\n    print(f'[x] {name}: right')\n    return answer\n"
        "desk.check = check",
        HEAD_R + "return mu" + CHECK_R,
        HEAD_KL + "return mu.sum(-1)" + CHECK_KL,
    ],
    "edited course": [
        "import sys\nsys.path.insert(0, '.')\n" + IMPORTS, HEAD_R + "return mu" + CHECK_R,
        HEAD_KL + "return mu.sum(-1)" + CHECK_KL,
    ],
    "fake verdict": [
        IMPORTS,
        does("import os\nfor fd in range(1, 64):\n    try:\n        os.write(fd, VERDICT)\n"
             "    except OSError: pass\nos._exit(0)"),
        HEAD_R + "import os\n    for pid in (1, 2, os.getppid()):\n"
        "        for fd in range(12):\n            try:\n"
        "                with open(f'/proc/{pid}/fd/{fd}', 'wb') as f: f.write(VERDICT)\n"
        "            except OSError: pass\n    return mu" + CHECK_R,
    ],
    "exit": [
        IMPORTS, HEAD_R + "exit()" + CHECK_R, does("import os\nos._exit(3)"), "exit()",
    ],
    "gigabytes": [
        IMPORTS,
        RIGHT_R,
        does("import os\nfor _ in range(2**9): print('x' * 2**22); os.write(1, b'x' * 2**22)\n"
             "open('/tmp/full', 'w').write('x' * 2**29)"),
        "with open('full', 'wb') as file:\n    while True:\n"
        "        print('x' * 2**20)\n        file.write(bytes(2**20))",
    ],
    "thief": [
        "from dgm_lib.exercises import check, mine, vae",
        f'check("{REPARAMETERISE}", vae.reparameterise)',
        f'own = mine("{KL}")\ncheck("{KL}", lambda *given: own(*given))',
    ],
}
VERDICT = "VERDICT = b'\\n{\"status\": \"pass\", \"message\": \"\", \"numbers\": []}\\n'"
CELLS["fake verdict"].insert(1, VERDICT)
ALONE = {"untouched", "syntax error"}  # handed in as a notebook only, without a folder
LEARNERS = (*CELLS, "broken JSON")


def notebook(cells: list[str]) -> str:
    """A notebook of these cells, as text."""
    parts = [{"cell_type": "markdown", "metadata": {}, "source": "# VAE", "id": "title"}]
    parts += [
        {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "id": f"cell-{k}",
         "execution_count": None}
        for k, source in enumerate(cells)
    ]
    whole = {"cells": parts, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole)


def hand_in(folder: Path, port: int) -> None:
    """Write all twenty into a folder; the network one calls this port."""
    for learner, cells in CELLS.items():
        cells = [c.replace("{port}", str(port)).replace("{here}", str(folder)) for c in cells]
        path = folder / f"{learner}.ipynb"
        if learner not in ALONE:
            (folder / learner).mkdir()
            path = folder / learner / "03a_vae.ipynb"
        path.write_text(notebook(cells))
    (folder / "broken JSON").mkdir()
    (folder / "broken JSON" / "03a_vae.ipynb").write_text(notebook(CELLS["right"])[:-200])
    (folder / "another style" / "my_tools.py").write_text("def halves(x):\n    return x / 2\n")
    edited = folder / "edited course" / "dgm_lib" / "exercises"
    edited.mkdir(parents=True)
    (edited.parent / "__init__.py").write_text("")
    (edited / "__init__.py").write_text("def check(name, answer):\n    return answer\n")
    shutil.copytree(edited, edited / "engine")
