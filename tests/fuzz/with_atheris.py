"""One reader under atheris, which is guided by coverage: READER FOLDER, then libFuzzer's own options."""

import sys
from contextlib import suppress
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["backlit"]):
    sys.path.insert(0, str(Path(__file__).parent))
    import readers

    from backlit.errors import BacklitError

name, folder = sys.argv[1], Path(sys.argv[2])
reader = readers.READERS[name]
corpus = folder / "corpus"
corpus.mkdir(exist_ok=True)
for number, seed in enumerate(reader.seeds):
    (corpus / str(number)).write_bytes(seed)
for beside, content in readers.BESIDE.items() if name.startswith("idx") else ():
    (folder / beside).write_bytes(content)


def one(content):
    if reader.within is not None:
        with suppress(Exception):  # it may no longer be of a form that can be packed again
            content = reader.within(content, lambda same: same)
    (folder / reader.file).write_bytes(content)
    with suppress(BacklitError):
        reader.read(folder / reader.file)


atheris.Setup([sys.argv[0], str(corpus), *sys.argv[3:]], one)
atheris.Fuzz()
