"""English and Simplified Chinese: every text that people read is an English template, which catalogues translate.

A text stands in the code as its English template, with named places for what fills it in. Where it is shown, `tr` gives
it in the language in use, which is English until `speaking` says otherwise. What is made long before it is shown, such
as the reason of a decision, is a `Message`: a string that is its English sentence and remembers how it was made.

The catalogues are gettext's, in ``locale/zh/LC_MESSAGES``, written and compiled with Babel by ``make texts``.
"""

from __future__ import annotations

import functools
import gettext
import locale
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

__all__ = [
    "LANGUAGES",
    "VARIABLE",
    "Message",
    "chained",
    "from_locale",
    "language",
    "plural",
    "preferred",
    "recognized",
    "speaking",
    "template",
    "told",
    "tr",
]

LANGUAGES = {"en": "English", "zh": "简体中文"}

# The environment variable by which a user chooses a language for this package alone.
VARIABLE = "CHAINRULE_LANG"

# A context variable, so that a language holds for one block of one thread or task and never leaks out of it.
_in_use: ContextVar[str] = ContextVar("chainrule_language", default="en")


class Message(str):
    """A text that is its English sentence and can still be told in another language.

    Args:
        key: the English template, such as ``"{n} epochs done"``.
        **fields: what fills it in; messages among them are translated with it.

    >>> done = Message("all {epochs} epochs done", epochs=30)
    >>> done, done.key
    ('all 30 epochs done', 'all {epochs} epochs done')
    """

    key: str
    fields: dict[str, Any]

    def __new__(cls, key: str, /, **fields: Any) -> Message:
        """Fill the template in."""
        return cls._made(key.format(**fields), key, fields)

    @classmethod
    def _made(cls, text: str, key: str, fields: dict[str, Any]) -> Message:
        message = super().__new__(cls, text)
        message.key, message.fields = key, fields
        return message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.key, self.fields)


def _rebuild(key: str, fields: dict[str, Any]) -> Message:
    return Message(key, **fields)


def language() -> str:
    """Give the language in use, ``"en"`` or ``"zh"``.

    >>> language()
    'en'
    """
    return _in_use.get()


@contextmanager
def speaking(name: str) -> Iterator[None]:
    """Use a language, one of `LANGUAGES`, for as long as the block lasts.

    Raises:
        UnknownName: for another language.

    >>> with speaking("en"):
    ...     language()
    'en'
    """
    token = _in_use.set(_checked(name))
    try:
        yield
    finally:
        _in_use.reset(token)


def tr(text: str, /, **fields: Any) -> str:
    """Give a text in the language in use.

    Args:
        text: a `Message`, or an English template that ``fields`` fill in; what no catalogue knows stays English.
        **fields: messages among them are translated too.

    >>> tr("{n} epochs done", n=3)
    '3 epochs done'
    """
    template = text.key if isinstance(text, Message) else text
    if template:  # gettext keeps the catalogue's head under the empty text
        template = _catalogue(_in_use.get()).gettext(template)
    return template.format(**_all_told(text.fields if isinstance(text, Message) else fields))


def told(text: str) -> str:
    """Give a text that may be a `Message` in the language in use; any other text is finished and stays.

    >>> told("{braces} are no places here"), told(Message("{n} epochs done", n=3))
    ('{braces} are no places here', '3 epochs done')
    """
    return tr(text) if isinstance(text, Message) else text


def plural(one: str, many: str, n: int, /, **fields: Any) -> str:
    """Give a text that depends on how many there are, in the language in use; ``{n}`` stands for the number.

    >>> plural("{n} row", "{n:,} rows", 1), plural("{n} row", "{n:,} rows", 1500)
    ('1 row', '1,500 rows')
    """
    return _catalogue(_in_use.get()).ngettext(one, many, n).format(n=n, **_all_told(fields))


def template(text: str) -> str:
    """Mark an English template that is filled in elsewhere, so that it gets into the catalogues; gives it back.

    >>> template("{path} is empty")
    '{path} is empty'
    """
    return text


def recognized(text: str, templates: Iterable[str]) -> str:
    """Give finished English text, such as a file keeps, as the message that it once was.

    Args:
        text: a sentence.
        templates: the English templates that it may come from.

    Returns:
        A `Message` of the first template that fits, or the text as it is.

    >>> stopped = recognized("time limit of 5 s", ["all {epochs} epochs done", "time limit of {seconds:g} s"])
    >>> stopped.key, stopped.fields
    ('time limit of {seconds:g} s', {'seconds': '5'})
    """
    if isinstance(text, Message):
        return text
    for each in templates:
        parts = re.split(r"\{(\w+)[^}]*\}", each)
        pattern = "".join(re.escape(part) if k % 2 == 0 else f"(?P<{part}>.*)" for k, part in enumerate(parts))
        if found := re.fullmatch(pattern, text, re.DOTALL):
            return Message._made(text, each, {name: _Finished(value) for name, value in found.groupdict().items()})
    return text


def chained(both: str, texts: Iterable[str]) -> str:
    """Give several texts, messages among them, as one that can still be told in another language.

    Args:
        both: the template by which the ``{first}`` ones and the ``{next}`` ones become one.
        texts: the texts.

    >>> chained("{first}; {next}", ["one", "two", "three"]), chained("{first}; {next}", [])
    ('one; two; three', '')
    """
    several = list(texts)
    if len(several) < 2:
        return several[0] if several else ""
    half = (len(several) + 1) // 2  # one by one, messages within messages would reach the limit of recursion
    return Message(both, first=chained(both, several[:half]), next=chained(both, several[half:]))


def from_locale(environment: Mapping[str, str], system: str = "") -> str:
    """Give the language that a user's environment asks for: Chinese for a Chinese locale, else English.

    ``CHAINRULE_LANG`` comes first, then the variables in the order in which GNU's gettext reads them: ``LANGUAGE``, a
    list, counts unless the locale is ``C``; then ``LC_ALL``, ``LC_MESSAGES``, ``LANG``.

    Args:
        environment: the variables.
        system: what the system calls its language, for where the environment has no locale, as on Windows.

    Raises:
        UnknownName: where ``CHAINRULE_LANG`` names another language.

    >>> from_locale({"LANG": "zh_CN.UTF-8"}), from_locale({"LANG": "de_DE.UTF-8"}), from_locale({})
    ('zh', 'en', 'en')
    """
    if chosen := environment.get(VARIABLE, ""):
        return _checked(re.split(r"[_.@-]", chosen.lower())[0])
    names = [environment.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    named = next(filter(None, names), system)
    wanted = [named] if named in ("C", "POSIX") else [*environment.get("LANGUAGE", "").split(":"), named]
    for each in filter(None, wanted):
        if each.lower().startswith(("zh", "chinese")):
            return "zh"
        if each.lower().startswith(("en", "c", "posix")):
            return "en"
    return "en"


def preferred() -> str:
    """Give the language that this process's environment, or else its system, asks for.

    Raises:
        UnknownName: where ``CHAINRULE_LANG`` names a language that there is not.

    >>> preferred() in LANGUAGES
    True
    """
    return from_locale(os.environ, locale.getlocale()[0] or "")


def _checked(name: str) -> str:
    if name not in LANGUAGES:
        from chainrule.errors import UnknownName

        raise UnknownName.among("language", name, LANGUAGES)
    return name


class _Finished(str):
    """A field that is written already: what its template asks of a number was done when it was one."""

    def __format__(self, specification: str) -> str:
        return str(self)


def _all_told(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: told(value) if isinstance(value, str) else value for name, value in fields.items()}


@functools.cache
def _catalogue(name: str) -> gettext.NullTranslations:
    if name == "en":
        return gettext.NullTranslations()
    return gettext.translation("chainrule", Path(__file__).parent / "locale", languages=[name], fallback=True)
