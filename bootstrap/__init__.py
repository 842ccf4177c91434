"""What turns a fresh clone into a running Xubao. `run` imports it, under any Python from 3.8 on.

Standard library only, and the syntax of Python 3.8; the few parts that need a package of
requirements.lock say so and are run by the Python of `.venv`.
"""
