"""Make the pictures in docs/images: python scripts/pictures.py, in an environment with chainrule in it.

The code blocks of the pages below are run, and each PNG that they save replaces the one in docs/images, with fewer
colours so that the repository stays small. So a picture always is what the code above it makes.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import tempfile
from pathlib import Path

from PIL import Image  # comes with matplotlib

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = ["getting-started.md", "plots.md"]
BLOCK = re.compile(r"^```(python|pycon)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COLOURS = 256


def run_page(page: Path) -> None:
    """Run the Python blocks of one page, top to bottom; of sessions, what is typed."""
    names = {"__name__": "__main__"}
    for language, code in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language == "pycon":
            code = "".join(example.source for example in doctest.DocTestParser().get_examples(code))
        exec(compile(code, str(page), "exec", dont_inherit=True), names)


def keep(picture: Path) -> None:
    """Put one picture into docs/images."""
    target = DOCS / "images" / picture.name
    with Image.open(picture) as image:
        few = image.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(target, optimize=True, dpi=(150, 150))
    print(f"{target.name}: {few.width} x {few.height}, {target.stat().st_size / 1000:.0f} KB")


def main() -> None:
    for page in PAGES:
        with tempfile.TemporaryDirectory() as folder:
            with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
                run_page(DOCS / page)
            for picture in sorted(Path(folder).glob("*.png")):
                keep(picture)


if __name__ == "__main__":
    main()
