"""`make texts`: find every text that people read, bring the Chinese catalogue up to date with them, and compile it.

Texts are the English literals that stand first in the calls of `FIRST` and of all errors, both forms of a `plural`,
what a `Setting` of a lesson is, and the help of the command line. New ones enter the catalogue without a translation;
a test asks for it.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from chainrule import errors
from chainrule.cli.translation import command_tree, help_of

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "chainrule"
PO = PACKAGE / "locale" / "zh" / "LC_MESSAGES" / "chainrule.po"
MO = PO.with_suffix(".mo")

Text = str | tuple[str, str]

# Functions whose first argument is a text; the name of a decision is translated where it is told.
FIRST = {
    "Catalogue",
    "Decision",
    "Message",
    "_or_given",
    "check",
    "heading",
    "line",
    "note",
    "say",
    "template",
    "tr",
    "try_next",
}
# Functions whose texts stand elsewhere.
OTHERS = {"Setting": slice(2, 3), "bad_cell": slice(1, 3), "plural": slice(0, 2)}
HEAD = """\
# Simplified Chinese texts of chainrule.
# New texts are added by `make texts`; translate those whose msgstr is empty, then run it again.
#"""


def main() -> int:
    """Bring catalogue and compiled catalogue up to date, and say what lacks a translation."""
    before = read_catalogue()
    catalogue = updated(before)
    if as_data(catalogue) != as_data(before):
        with PO.open("wb") as file:
            write_po(file, catalogue, width=118, sort_by_file=True, omit_header=False)
    with MO.open("wb") as file:
        write_mo(file, catalogue)
    missing = untranslated(catalogue)
    for text in missing:
        print(f"no translation: {text!r}")
    print(f"{len(catalogue)} texts, {len(missing)} of them without a translation, in {PO.relative_to(ROOT)}")
    return 0


def read_catalogue() -> Catalog:
    """Read the Chinese catalogue, or begin one."""
    if not PO.exists():
        PO.parent.mkdir(parents=True, exist_ok=True)
        return Catalog(locale="zh", domain="chainrule", project="chainrule")
    with PO.open("rb") as file:
        return read_po(file, locale="zh", domain="chainrule")


def updated(catalogue: Catalog) -> Catalog:
    """Give the catalogue with the texts of the sources and no others, their translations kept, none guessed."""
    new = Catalog(
        locale="zh",
        domain="chainrule",
        project="chainrule",
        header_comment=HEAD,
        creation_date=catalogue.creation_date,
        revision_date=catalogue.revision_date,
        last_translator="The chainrule developers",
        language_team="Simplified Chinese",
        fuzzy=False,
    )
    for text, places in all_texts().items():
        known = catalogue.get(text if isinstance(text, str) else text[0])
        same = known is not None and known.id == text and not known.fuzzy
        message = new.add(text, known.string if same else None, locations=[(place, 0) for place in places])
        message.flags.discard("python-format")  # a per cent sign is one, and places are in braces
    return new


def as_data(catalogue: Catalog) -> list[tuple[Text, Text, list[str]]]:
    """Give texts, translations and places, to compare."""
    return sorted(
        ((each.id, each.string, [place for place, _ in each.locations]) for each in catalogue if each.id), key=str
    )


def untranslated(catalogue: Catalog) -> list[Text]:
    """Give the texts without a translation."""
    return [each.id for each in catalogue if each.id and (each.fuzzy or not each.string or not all(each.string))]


def all_texts() -> dict[Text, list[str]]:
    """Find all texts, each with the files that it stands in."""
    found: dict[Text, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for text in texts_of(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault(text, []).append(path.relative_to(ROOT).as_posix())
    for text in help_texts():
        found.setdefault(text, []).append("src/chainrule/cli/app.py")
    return {text: list(dict.fromkeys(places)) for text, places in found.items()}


def texts_of(tree: ast.Module) -> Iterator[Text]:
    """Find the texts in a module.

    >>> list(texts_of(ast.parse("say('one' if short else 'One neuron'); plural('{n} row', '{n} rows', 3)")))
    ['one', 'One neuron', ('{n} row', '{n} rows')]
    """
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        arguments = text_arguments(call)
        if _name_of(call) == "plural":
            one, many = (next(_literals(each), "") for each in arguments)
            yield one, many
        else:
            yield from (text for each in arguments for text in _literals(each))


def text_arguments(call: ast.Call) -> list[ast.expr]:
    """Give the arguments of a call that are texts to translate."""
    name = _name_of(call)
    owner = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    if name in FIRST or name in errors.__all__ or name == "cls" or owner in ("MissingExtra", "UnknownName"):
        return call.args[:1]
    if name in OTHERS:
        return call.args[OTHERS[name]]
    if name in ("Argument", "Option", "Typer", "command"):
        return [each.value for each in call.keywords if each.arg == "help"]
    return []


def _name_of(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def _literals(node: ast.expr) -> Iterator[str]:
    """Give the texts that an argument may be: one, or one of two."""
    if isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value


def help_texts() -> list[str]:
    """Give every text that ``--help`` shows, of all commands."""
    return [text for command in command_tree() for text in help_of(command)]


if __name__ == "__main__":
    sys.exit(main())
