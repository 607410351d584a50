"""Training: one model of all languages, trained anew only when something it is made from has changed."""

import contextlib
import hashlib
import importlib.metadata
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: What a model is made from.
_INPUTS = (
    "nlu/config.yml", "nlu/train.py", "nlu/folders.py", "nlu/pipeline/*.py",
    "data/nlu/*/*.yml", "data/rules/*.yml", "data/domain/*.yml",
)  # fmt: skip
_LIBRARIES = ("rasa", "scikit-learn", "numpy", "scipy", "skops")
_KEPT = 3


def inputs_hash() -> str:
    """Return what identifies the present inputs: the model's name."""
    digest = hashlib.sha256()
    for library in _LIBRARIES:
        digest.update(f"{library} {importlib.metadata.version(library)}\n".encode())
    digest.update(f"{platform.python_version()} {platform.machine()}\n".encode())
    for pattern in _INPUTS:
        for path in sorted(ROOT.glob(pattern)):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(ROOT)} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()[:16]


def model_path(out_dir: Path) -> Path:
    """Return where the model of the present inputs is, or would be."""
    return Path(out_dir) / f"threadbook-{inputs_hash()}.tar.gz"


def current_model(out_dir: Path) -> Path | None:
    """Return the trained model of the present inputs, if there is one."""
    path = model_path(out_dir)
    return path if path.is_file() else None


def train(out_dir: Path, progress: Callable[[str], object]) -> Path:
    """Return the model of the present inputs, training it if needed; a half-written one is never seen."""
    found = current_model(out_dir)
    if found is not None:
        progress(f"The model is up to date: {found.name}")
        return found
    target = model_path(out_dir)
    target.parent.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(target.parent, progress):
        if target.is_file():
            progress(f"The model was trained meanwhile: {target.name}")
            return target
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix=".training-", dir=target.parent) as folder:
            trained = _train(Path(folder), progress)
            _to_disk(trained)
            trained.replace(target)
        progress(f"Trained in {time.monotonic() - started:.0f} s: {target.name}")
        _forget_old(target)
    return target


@contextlib.contextmanager
def _one_at_a_time(folder: Path, progress: Callable[[str], object]) -> Iterator[None]:
    """Let two processes that start at once train one model; the lock goes with its process."""
    import fcntl

    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("Another process is training; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _train(folder: Path, progress: Callable[[str], object]) -> Path:
    progress("Loading Rasa")
    from nlu.folders import LanguageFolders
    from nlu.graph import train_graph

    importer = LanguageFolders()
    data = importer.get_nlu_data()
    languages = sorted({str(example.get("language")) for example in data.intent_examples})
    progress(f"Training on {len(data.intent_examples)} examples in {', '.join(languages)}")
    return train_graph(importer, folder / "model.tar.gz", folder / "parts", progress)


def _to_disk(path: Path) -> None:
    """Have the content on disk before its name: a power cut leaves no empty model."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _forget_old(newest: Path) -> None:
    """Remove models of earlier inputs, but for the last few: a running worker may be about to load one."""
    models = sorted(newest.parent.glob("threadbook-*.tar.gz"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in models[_KEPT:]:
        path.unlink(missing_ok=True)


def main() -> int:
    """Train into the folder that the command line names."""
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python -m nlu.train FOLDER\n")
        return 2
    path = train(Path(sys.argv[1]), lambda line: sys.stderr.write(f"{line}\n"))
    sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
