"""Show facesort at work on a small album: `make demo`.

Gathers the sample photos into demo/photos, finds the people on them, names two, and writes albums.
Every command is printed before it runs, so that it can be typed by hand afterwards. Running it
again changes nothing that was decided the first time.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

DEMO = Path("demo")
PHOTOS, LIBRARY, ALBUMS = DEMO / "photos", DEMO / "library", DEMO / "albums"

# Two photos that show one person each: this is how the demo knows whom it names.
KNOWN = {
    PHOTOS / "Porträts" / "portrait sitting 2012.jpg": "Barack Obama",
    PHOTOS / "Raumfahrt" / "astronaut.png": "Eileen Collins",
}


class DemoFailed(Exception):
    """A step did not work; the demo ends with its exit code."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def main() -> int:
    """Run the demo from the repository root, whatever the current folder is."""
    os.chdir(Path(__file__).resolve().parent.parent)
    os.environ["FACESORT_LIBRARY"] = str(LIBRARY.resolve())  # a library of its own
    try:
        run_demo()
    except DemoFailed as failure:
        print(f"\ndemo: {failure}", file=sys.stderr)
        return failure.code
    except KeyboardInterrupt:
        return 130
    return 0


def run_demo() -> None:
    """Take the steps a photographer would take."""
    say("The models and the photos are fetched once and kept in your cache folder.")
    facesort("models", "pull")
    run([sys.executable, "examples/sample_album.py", str(PHOTOS)])

    say("Find the faces and the people.")
    facesort("scan", str(PHOTOS))
    facesort("people", "--all")

    say("Every face is one line of JSON. Two photos show people whom we know:")
    faces = [json.loads(line) for line in captured("faces", "--format", "jsonl").splitlines()]
    for photo, name in KNOWN.items():
        name_person_on(photo, name, faces)
    facesort("people")

    say("Write albums: one folder per named person. The originals stay as they are.")
    facesort("export", str(ALBUMS))
    say_what_next()


def name_person_on(photo: Path, name: str, faces: list[dict[str, object]]) -> None:
    """Give the one person on that photo a name, unless an earlier run has done it."""
    people = {
        (str(face["person"]), face["name"])
        for face in faces
        if Path(str(face["photo"])) == photo.resolve() and face["person"] is not None
    }
    if len(people) != 1:
        raise DemoFailed(f"expected one person on {photo}, found {len(people)}")
    ((person, present),) = people
    if present == name:
        print(f"  {photo}: person {person} is called {name} already")
        return
    print(f"  {photo}: person {person}")
    # A name that somebody else has is a question; an earlier run of the demo is the only answer.
    taken = any(face["name"] == name for face in faces)
    facesort("name", person, name, *(["--same"] if taken else []))


def facesort(*arguments: str) -> None:
    """Show one facesort command and run it."""
    print(f"\n$ facesort {shlex.join(arguments)}", flush=True)
    run([program(), *arguments], echo=False)


def captured(*arguments: str) -> str:
    """Show one facesort command and return what it prints."""
    print(f"\n$ facesort {shlex.join(arguments)}", flush=True)
    done = subprocess.run(
        [program(), *arguments], stdout=subprocess.PIPE, encoding="utf-8", check=False
    )
    ended(done.returncode, "facesort")
    return done.stdout


def run(command: list[str], *, echo: bool = True) -> None:
    """Run one command; its output goes straight to the terminal."""
    if echo:
        print(f"\n$ {shlex.join(['python', *command[1:]])}", flush=True)
    ended(subprocess.run(command, check=False).returncode, command[0])


def ended(code: int, what: str) -> None:
    """Stop the demo when a command failed."""
    if code != 0:
        raise DemoFailed(f"{Path(what).name} ended with exit code {code}, see above", code)


def program() -> str:
    """Return the facesort of this Python's environment, else the one on the path."""
    beside = shutil.which("facesort", path=str(Path(sys.executable).parent))
    found = beside or shutil.which("facesort")
    if found is None:
        raise DemoFailed("facesort is not installed; `make demo` installs it")
    return found


def say(text: str) -> None:
    """Print a heading."""
    print(f"\n# {text}", flush=True)


def say_what_next() -> None:
    """Tell where everything is and what to try."""
    say("Done.")
    print(
        f"""
  photos    {PHOTOS}
  library   {LIBRARY}   (names, decisions and vectors; delete the folder and it is all gone)
  albums    {ALBUMS}

Things to try next, with this library:

  export FACESORT_LIBRARY="$PWD/{LIBRARY.as_posix()}"
  . {Path(sys.executable).parent.parent.name}/bin/activate
  facesort people --all                    # two portraits of Nikola Tesla, 25 years apart
  facesort review                          # who is who, asked one by one; q ends, u takes back
  facesort show "Barack Obama"
  facesort undo && facesort redo           # every decision can be taken back
  facesort scan {PHOTOS.as_posix()}                # nothing changed, so it takes no time
  facesort --help
"""
    )


if __name__ == "__main__":
    raise SystemExit(main())
