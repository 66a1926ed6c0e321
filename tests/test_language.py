"""Two languages: which one is in use, messages that can be told in both, and a catalogue that lacks nothing."""

from __future__ import annotations

import ast
import copy
import gettext
import importlib.util
import json
import pickle
import re
import string
import threading
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import language as languages
from chainrule.errors import DataError, MissingExtra, UnknownName
from chainrule.history import History, short_name
from chainrule.language import (
    LANGUAGES,
    Message,
    chained,
    from_locale,
    language,
    plural,
    preferred,
    recognized,
    speaking,
    told,
    tr,
)

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "chainrule"


def load_texts() -> ModuleType:
    spec = importlib.util.spec_from_file_location("texts", ROOT / "scripts" / "texts.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


texts = load_texts()
CATALOGUE = texts.read_catalogue()
ENTRIES = [each for each in CATALOGUE if each.id]


def places_in(template: str) -> set[tuple[str, str, str | None]]:
    """Give the places of a template with what is asked of them: name, format and conversion."""
    return {(name, form or "", how) for _, name, form, how in string.Formatter().parse(template) if name is not None}


# The catalogue


def test_a_thousand_texts_are_chained_and_told() -> None:
    """As many as a deep network has arrays."""
    names = [Message("the {array} of {layer}", array="bias", layer=f"L{l}") for l in range(1000)]
    whole = chained("{first}, {next}", names)
    assert whole == ", ".join(names)
    with speaking("zh"):
        assert told(whole) == "，".join(map(told, names))


def test_every_text_has_its_translation() -> None:
    assert texts.untranslated(CATALOGUE) == [], "translate them in the .po file, then run `make texts`"


def test_catalogue_holds_the_texts_of_the_sources_and_no_others() -> None:
    assert {each.id for each in ENTRIES} == set(texts.all_texts()), "run `make texts`"


def test_compiled_catalogue_is_current() -> None:
    with texts.MO.open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for each in ENTRIES:
        if isinstance(each.id, str) and each.string:
            assert compiled.gettext(each.id) == each.string, "run `make texts`"
        elif not isinstance(each.id, str) and all(each.string):
            assert compiled.ngettext(*each.id, 2) == each.string[0], "run `make texts`"


def test_translations_have_the_places_of_their_texts() -> None:
    wrong = []
    for each in ENTRIES:
        many = each.id if isinstance(each.id, str) else each.id[1]
        for translation in [each.string] if isinstance(each.string, str) else each.string:
            if translation and places_in(many) != places_in(translation):
                wrong.append((many, translation))
    assert wrong == []


def test_translations_keep_spaces_at_their_ends_and_use_chinese_marks() -> None:
    wrong = []
    for each in ENTRIES:
        for translation in [each.string] if isinstance(each.string, str) else each.string:
            if translation.strip() != translation and not each.id.endswith(" "):
                wrong.append(translation)
            if re.search("[\u4e00-\u9fff][,;:!?]", translation):
                wrong.append(translation)
    assert wrong == []


def test_extraction_finds_every_kind_of_text() -> None:
    source = """
tr("a" if short else "b"); story.say("c " "d", n=1); plural("{n} row", "{n} rows", 2); Setting("x", 1.0, "e")
raise DataError("f {path}", path=1)
raise UnknownName.among("g", 1, ())
bad_cell(place, "h", "i"); typer.Option("--x", help="j"); heading(figure, "no text")
"""
    found = list(texts.texts_of(ast.parse(source)))
    assert sorted(map(str, found)) == sorted(
        ["a", "b", "c d", "('{n} row', '{n} rows')", "e", "f {path}", "g", "h", "i", "j"]
    )


def test_no_text_is_put_together_before_it_is_translated() -> None:
    """A catalogue can only know literals: no f-strings, sums or formatted texts stand where a text should."""
    wrong = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func).rpartition(".")[2]
            for argument in texts.text_arguments(node):
                if name in ("say", "heading", "note") and _is_told_already(argument):
                    continue
                parts = [argument.body, argument.orelse] if isinstance(argument, ast.IfExp) else [argument]
                if any(_is_put_together(part) for part in parts):
                    wrong.append(f"{path.name}:{node.lineno}: {ast.unparse(argument)}")
    assert wrong == []


def _is_put_together(node: ast.expr) -> bool:
    """Whether words are joined with something; marks alone, such as in ``f"{command}  # {why}"``, are no words."""
    if isinstance(node, ast.Call):
        return ast.unparse(node.func).endswith(".format")
    if not isinstance(node, (ast.JoinedStr, ast.BinOp)):
        return False
    return any(isinstance(each, ast.Constant) and re.search("[A-Za-z]", str(each.value)) for each in ast.walk(node))


def _is_told_already(node: ast.expr) -> bool:
    """What `Output.say` and the like are given is finished: every literal in it has been through `tr`."""
    return "tr(" in ast.unparse(node) or not any(isinstance(each, ast.Constant) for each in ast.walk(node))


def test_commands_print_no_literal_that_was_not_translated() -> None:
    wrong = []
    for path in sorted((PACKAGE / "cli").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            if ast.unparse(node.func) not in ("output.say", "output.heading", "output.note", "console.print"):
                continue
            argument = node.args[0]
            literal = isinstance(argument, ast.Constant) and any(map(str.isalpha, str(argument.value)))
            if literal or _is_put_together(argument):
                wrong.append(f"{path.name}:{node.lineno}: {ast.unparse(argument)}")
    assert wrong == []


# The language in use


def test_language_holds_for_its_block_only() -> None:
    assert language() == "en"
    with speaking("zh"):
        assert language() == "zh"
        with speaking("en"):
            assert tr("loss") == "loss"
        assert tr("loss") == "损失"
    assert language() == "en"


def test_language_does_not_leak_into_other_threads() -> None:
    seen: list[str] = []
    with speaking("zh"):
        thread = threading.Thread(target=lambda: seen.append(language()))
        thread.start()
        thread.join()
    assert seen == ["en"]


def test_unknown_language_is_an_error() -> None:
    with pytest.raises(UnknownName, match="unknown language 'fr'"), speaking("fr"):
        pass
    assert list(LANGUAGES) == ["en", "zh"]


@pytest.mark.parametrize(
    ("environment", "system", "expected"),
    [
        ({}, "", "en"),
        ({"LANG": "zh_CN.UTF-8"}, "", "zh"),
        ({"LANG": "zh"}, "", "zh"),
        ({"LANG": "de_DE.UTF-8"}, "", "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8"}, "", "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_US.UTF-8"}, "", "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, "", "zh"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "zh_CN:en"}, "", "zh"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "de:zh"}, "", "zh"),
        ({"LANG": "zh_CN.UTF-8", "LANGUAGE": "en:zh"}, "", "en"),
        ({"LANG": "zh_CN.UTF-8", "LANGUAGE": ""}, "", "zh"),
        ({"LC_ALL": "C", "LANGUAGE": "zh", "LANG": "zh_CN.UTF-8"}, "", "en"),
        ({"LC_ALL": "POSIX", "LANGUAGE": "zh"}, "", "en"),
        ({"LANG": "C.UTF-8", "LANGUAGE": "zh"}, "", "zh"),
        ({"LANGUAGE": "zh"}, "", "zh"),
        ({}, "Chinese (Simplified)_China", "zh"),
        ({}, "zh_CN", "zh"),
        ({}, "English_United States", "en"),
        ({"LANG": "en_GB.UTF-8"}, "zh_CN", "en"),
        ({"CHAINRULE_LANG": "zh", "LC_ALL": "C"}, "", "zh"),
        ({"CHAINRULE_LANG": "zh_CN.UTF-8"}, "", "zh"),
        ({"CHAINRULE_LANG": "en", "LANG": "zh_CN.UTF-8"}, "zh_CN", "en"),
        ({"CHAINRULE_LANG": "", "LANG": "zh_CN.UTF-8"}, "", "zh"),
    ],
)
def test_locale(environment: dict[str, str], system: str, expected: str) -> None:
    assert from_locale(environment, system) == expected


def test_wrong_name_in_the_environment_is_an_error() -> None:
    with pytest.raises(UnknownName, match="unknown language 'fr'"):
        from_locale({"CHAINRULE_LANG": "fr"})


def test_preferred_reads_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINRULE_LANG", "zh")
    assert preferred() == "zh"


# Messages


def test_message_is_its_english_sentence() -> None:
    message = Message("time limit of {seconds:g} s", seconds=5.0)
    with speaking("zh"):
        assert message == "time limit of 5 s"
        assert json.dumps([message]) == '["time limit of 5 s"]'
        assert told(message) == tr(message) == "达到 5 秒的时间限制"
        assert told("time limit of 5 s") == "time limit of 5 s"


def test_messages_in_messages_are_translated() -> None:
    inner = Message("fast; its decay keeps weights small")
    outer = Message("as given (the rate); {reason}", reason=inner)
    assert outer == "as given (the rate); fast; its decay keeps weights small"
    with speaking("zh"):
        assert tr(outer) == "按指定（学习率）；快；其衰减使权重保持较小"


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_messages_travel(make: object) -> None:
    message = Message("time limit of {seconds:g} s", seconds=5.0)
    assert callable(make)
    again = make(message)
    assert (again, again.key, again.fields) == (message, message.key, message.fields)


@given(st.text())
def test_text_from_outside_is_never_a_template(text: str) -> None:
    assert told(text) == text
    assert tr("{path} is empty", path=text) == f"{text} is empty"


def test_plural() -> None:
    assert [plural("{n:,} row", "{n:,} rows", n) for n in (0, 1, 2000)] == ["0 rows", "1 row", "2,000 rows"]
    with speaking("zh"):
        assert [plural("{n:,} row", "{n:,} rows", n) for n in (1, 2000)] == ["1 行", "2,000 行"]


def test_what_no_catalogue_knows_stays_english() -> None:
    with speaking("zh"):
        assert tr("no such text {n}", n=3) == "no such text 3"
        assert tr("") == ""


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_recognized_is_the_message_that_it_was(epoch: int, batch: int) -> None:
    templates = ["all {epochs} epochs done", "diverged in epoch {epoch}, batch {batch}"]
    text = recognized(f"diverged in epoch {epoch}, batch {batch}", templates)
    assert isinstance(text, Message)
    assert text.key == templates[1]
    with speaking("zh"):
        assert tr(text) == f"在第 {epoch} 轮第 {batch} 批发散"
    assert not isinstance(recognized("something else", templates), Message)


def test_chained() -> None:
    several = chained("{first}; {next}", [Message("{n} dropped", n=2), "x", Message("{n} numbers scaled", n=4)])
    assert several == "2 dropped; x; 4 numbers scaled"
    with speaking("zh"):
        assert told(several) == "舍去 2 列；x；4 个数值列，已缩放"


# Where texts are shown


def test_errors_are_told_in_the_language_in_use() -> None:
    error = DataError("{path} has no rows; at least one is needed", path="a.csv")
    unknown = UnknownName.among("activation", "rleu", ["relu"])
    extra = MissingExtra.of("reading Parquet files", "pyarrow", "parquet")
    assert str(error) == "a.csv has no rows; at least one is needed"
    with speaking("zh"):
        assert str(error) == "a.csv 没有任何行；至少需要一行"
        assert str(unknown) == "未知的激活函数 'rleu'；是不是想写 'relu'？已知的有：relu"
        assert str(extra).startswith("读取 Parquet 文件需要 pyarrow")
    assert str(pickle.loads(pickle.dumps(unknown))) == "unknown activation 'rleu'; did you mean 'relu'? Known: relu"


def test_tables_are_told_in_the_language_in_use() -> None:
    table = History({"loss": [0.5, 0.25]}, stopped=Message("all {epochs} epochs done", epochs=2)).table()
    assert str(table).splitlines()[0] == "Training history"
    with speaking("zh"):
        assert str(table).splitlines()[0] == "训练历史"
        assert str(table).endswith("全部 2 轮已完成")
        assert "训练历史" in table._repr_html_()
        assert short_name("validation_accuracy") == "验证准确率"


def test_reason_of_ending_survives_a_file(tmp_path: Path) -> None:
    import chainrule as cr

    model = cr.train(cr.Network.from_sizes([1, 1]), [[0.0], [1.0]], [0.0, 1.0], epochs=2)
    cr.save(model, tmp_path / "model.safetensors")
    history = cr.load(tmp_path / "model.safetensors").history
    assert history is not None
    assert history.stopped == "all 2 epochs done"
    with speaking("zh"):
        assert told(history.stopped) == "全部 2 轮已完成"


def test_module_says_what_it_gives() -> None:
    assert all(hasattr(languages, name) for name in languages.__all__)
