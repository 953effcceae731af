"""The sessions of the README's "My network does not learn", run and written down.

    python benchmarks/readme_sessions.py [--write README.md]

Each is a network that does not learn, what ``backlit diagnose`` says of it, and what the command it proposes comes to.
Of each diagnosis the first finding is kept, and of the rest their number. ``tests/test_documents.py`` runs them again.
"""

import argparse
import contextlib
import io
import os
import re
import shlex
import tempfile
from dataclasses import dataclass
from pathlib import Path

BEGIN, END = "<!-- sessions: benchmarks/readme_sessions.py -->\n", "<!-- end of sessions -->"


@dataclass(frozen=True)
class Session:
    """What stands before it, and its commands; NEXT is the first one that the last diagnosis proposes."""

    title: str
    words: str
    commands: tuple[str, ...]
    findings: int = 1


NEXT = "backlit train …"

SESSIONS = (
    Session(
        "A stack of sigmoids",
        """Five hidden layers of sigmoids under plain gradient descent answer as if they guessed. The factor of BP2 that
shrinks the error is named, the others are cleared, and the command beneath the remedy is run as it stands.""",
        ("backlit diagnose digits --layers 30,30,30,30,30 --activation sigmoid --optimizer sgd", NEXT),
    ),
    Session(
        "Dead neurons, after too high a learning rate",
        """The cause comes first, and what it brought about after it: a few steps threw every neuron of a layer to where
relu is flat, and no gradient ever brings one back.""",
        ("backlit diagnose digits --layers 64,64 --optimizer sgd --learning-rate 5", NEXT),
        findings=2,
    ),
    Session(
        "Wrong labels",
        """`noisy.npz` are 1,297 images of digits, of which 65 have a wrong label, some of those that judge among them;
`new.npz` are 500 others, all right ([how they were made](benchmarks/readme_sessions.py)).""",
        (
            "backlit train noisy.npz",
            "backlit evaluate noisy.safetensors new.npz",
            "backlit diagnose noisy.npz",
            "backlit diagnose noisy.npz --rows --out rows.csv",
            "backlit train noisy.npz --leave-out rows.csv --out clean.safetensors",
            "backlit evaluate clean.safetensors new.npz",
        ),
    ),
)


def run(command: str) -> str:
    """What it says on stdout, on lines of 100 characters."""
    from backlit.cli import main

    os.environ["COLUMNS"] = "100"
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()) as complaints:
        code = main(shlex.split(command)[1:])
    if code:
        raise RuntimeError(f"{command}: {complaints.getvalue()}")
    return said.getvalue().rstrip("\n")


def proposed(diagnosis: str) -> str:
    """The first command that a diagnosis proposes."""
    return next(line.strip()[2:] for line in diagnosis.splitlines() if line.startswith("   $ "))


def shown(command: str, said: str, findings: int) -> str:
    """What a reader needs of it."""
    words = shlex.split(command)
    if words[1] == "diagnose" and "--rows" in words:
        first, _, _ = said.partition("\n\n")
        return first
    if words[1] == "diagnose":
        how, _, found = said.partition("\n\n")
        head, *parts = re.split(r"\n\n(?=\d+\. |note |not judged)", found)
        told = [one for one in parts if one[0].isdigit()]
        left = len(told) - findings
        rest = [f"({left} more finding{'s' * (left != 1)})"] if left > 0 else []
        return "\n\n".join([how, head, *told[:findings], *rest])
    if words[1] == "train":
        return said[said.index("trained ") :].partition("\n")[0] + "\n" + said.rpartition("\n\n")[2]
    return said.partition("\n\n")[0]


def captured(session: Session, folder: Path) -> list[tuple[str, str]]:
    """Its commands, those proposed in their place, and what each said."""
    before, found, last = Path.cwd(), [], ""
    os.chdir(folder)
    try:
        for command in session.commands:
            line = proposed(last) if command == NEXT else command
            last = run(line)
            found.append((line, last))
    finally:
        os.chdir(before)
    return found


def make_noisy(folder: Path) -> None:
    """noisy.npz, in which 5 % of the labels are wrong, and new.npz, in which all are right."""
    import numpy as np

    from backlit import data

    digits, rng = data.read("digits"), np.random.default_rng(0)
    rows = rng.permutation(1797)
    new, old = rows[:500], rows[500:]
    y = digits.known_y.copy()
    wrong = rng.choice(old, 65, replace=False)
    y[wrong] = (y[wrong] + rng.integers(1, 10, 65)) % 10
    np.savez(folder / "noisy.npz", X=digits.X[old], y=y[old])
    np.savez(folder / "new.npz", X=digits.X[new], y=y[new])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    blocks = []
    with tempfile.TemporaryDirectory() as place:
        make_noisy(Path(place))
        for session in SESSIONS:
            lines = [
                f"$ {command}\n{shown(command, said, session.findings)}"
                for command, said in captured(session, Path(place))
            ]
            blocks.append(f"**{session.title}**\n\n{session.words}\n\n```\n" + "\n\n".join(lines) + "\n```\n")
    text = "\n".join(blocks)
    print(text)
    if asked.write:
        page = asked.write.read_text("utf-8")
        before, begin, rest = page.partition(BEGIN)
        _, end, after = rest.partition(END)
        asked.write.write_text(f"{before}{begin}{text}{end}{after}", "utf-8")


if __name__ == "__main__":
    main()
