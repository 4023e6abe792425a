# make setup        the environment, in .venv
# make lab          the course, in JupyterLab
# make test         every test, and every cell of every notebook
# make lectures     lectures/ rebuilt from solutions/
# make check        whether lectures/ is what solutions/ make it; nothing is run
# make site         the course to read, in site/
# make pictures     those of README.md, taken anew
# make constraints  the pins of all packages, resolved anew
# make clean        everything away that make made
#
# PYTHON=python3.12 picks the Python that .venv is made with. JUPYTER_ARGS="..." goes to JupyterLab,
# PYTEST_ARGS="..." to pytest, NAMES="00 03" restricts the lectures that are rebuilt.

PYTHON ?= python3
VENV_PYTHON := .venv/bin/python
FIRST := $(firstword $(wildcard lectures/00*.ipynb) README.md)
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

# The course's networks are tiny: one thread is the fastest, and gives the numbers that the notebooks hold.
export OMP_NUM_THREADS ?= 1

.PHONY: help setup lab test lectures site pictures check constraints clean

help:
	@sed -n '/^PYTHON/q;s/^# \{0,1\}//p' Makefile

setup:
	@$(PYTHON) tools/install.py

lab: setup
	$(VENV_PYTHON) -m jupyterlab --ip=127.0.0.1 --LabApp.default_url=/lab/tree/$(FIRST) \
		--LabApp.app_settings_dir=tools/jupyterlab $(AS_ROOT) $(JUPYTER_ARGS)

test: setup
	$(VENV_PYTHON) -m pytest -n 2 --dist=loadscope $(PYTEST_ARGS)

lectures: setup
	$(VENV_PYTHON) tools/notebooks.py $(NAMES)
	$(VENV_PYTHON) tools/start_page.py

site: setup
	$(VENV_PYTHON) tools/website.py

pictures: setup
	PYTHONPATH=. $(VENV_PYTHON) tools/pictures.py

check: setup
	$(VENV_PYTHON) tools/notebooks.py --check $(NAMES)

constraints:
	$(PYTHON) tools/install.py --constraints

clean:
	rm -rf .venv .pytest_cache build site *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +
	find . -name .ipynb_checkpoints -prune -exec rm -rf {} +
