"""A system to be measured, in a process of its own: idle but when it is asked for a number."""

import os
import subprocess
import sys
from pathlib import Path

THREADS = ("OMP_NUM_THREADS", "BACKLIT_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Peer:
    """A script that was started with ``arguments``, says ``ready``, and answers each line with one line."""

    def __init__(self, script: str, arguments: list[str], threads: int) -> None:
        environment = os.environ | {name: str(threads) for name in THREADS}
        environment |= {"KERAS_BACKEND": "jax", "CPU_LLVM": environment.get("CPU_LLVM", "0")}
        # XLA and others size their pools by affinity
        pin = ["taskset", "-c", "0"] if threads == 1 and Path("/usr/bin/taskset").exists() else []
        self.process = subprocess.Popen(
            [*pin, sys.executable, script, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment,
        )  # fmt: skip

    def _line(self) -> str:
        line = self.process.stdout.readline().strip()  # type: ignore[union-attr]
        if not line:
            raise RuntimeError("the process ended")
        return line

    def wait_until_ready(self) -> None:
        """Until data are made and everything has run once, compilation and all."""
        while self._line() != "ready":
            pass

    def ask(self, question: str) -> str:
        """The answer to one line."""
        self.process.stdin.write(question + "\n")  # type: ignore[union-attr]
        self.process.stdin.flush()  # type: ignore[union-attr]
        return self._line()

    def close(self) -> None:
        """Ends the process."""
        self.process.stdin.close()  # type: ignore[union-attr]
        self.process.terminate()
        self.process.wait()
