"""The teacher's grader: learners' notebooks in a sandbox, their answers by the course's checks.

    python -m dgm_lib.grade FOLDER

**What is judged.** The answer to an exercise is what the notebook hands to `check("name", answer)`,
the last time if it does so several times. Not the notebook's object is judged but its source: those
imports, definitions and assignments above the `check` that the answer uses, directly or through
others, run in the order of the notebook, in a process of their own. A cell in between that loops,
fails or was never finished does no harm. Where an answer uses an earlier exercise, it gets the
course's version of that, so that a mistake counts once. Afterwards the whole notebook is run, to
say whether it runs.

**Whom one has to trust.** Nobody. Learners' code runs in a sandbox of bubblewrap with limits, one
sandbox for each notebook; a process of the grader that never runs a learner's code believes no
verdict from inside. A failure is taken at its word. With a pass come the numbers that the answer
returned on the cases of the exercise, gradients included, and they must be right when they are
compared out here. So a pass cannot be forged by patching the checks, torch or the messages: the
right numbers are needed, and that is the exercise. What cannot be told apart is an answer that
copies the course's own, or calls it by a way that `needs` does not see.

    submissions  which notebooks there are, and of which lectures
    needs        the statements of a notebook that an answer needs
    inside       the server within the sandbox: one process for each answer, watched
    calls        the system calls that these processes may not make
    tasks        what these processes do: judge an answer, run the notebook
    evidence     the numbers that an answer returns, as proof; plays, where there are no cases
    sandbox      bubblewrap from outside, and the conversation with the server
    judging      what is believed of what the server says
    tables       grades.csv and grades.html
"""
