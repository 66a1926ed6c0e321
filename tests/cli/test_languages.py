"""Commands in Chinese: how one asks for it, that no English is left over, and that JSON is the same in both."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from chainrule.cli.translation import command_tree, read_language, usage_sentence
from chainrule.cli.wrapping import wrapped
from chainrule.errors import UnknownName, UsageError
from chainrule.language import language, speaking

from .conftest import Run, Runner
from .test_train import QUICK, read_json

# Three words in a row are a sentence; names of columns, files and formulas are shorter.
ENGLISH = re.compile(r"\b[a-z]{2,} [a-z]{2,} [a-z]{2,}\b")


def english_in(run: Run) -> list[str]:
    """Find lines with English sentences; commands to paste and labels of the data are no sentences."""
    lines = [*run.out.splitlines(), *run.err.splitlines()]
    return [line for line in lines if ENGLISH.search(re.sub(r"\bchainrule( [\w.-]+)*", "", line))]


# Asking for it


@pytest.mark.parametrize(
    "arguments",
    [
        ("--lang", "zh", "data", "list"),
        ("data", "--lang", "zh", "list"),
        ("data", "list", "--lang", "zh"),
        ("data", "list", "--lang=zh"),
        ("--lang", "en", "data", "list", "--lang", "zh"),
    ],
)
def test_language_may_stand_anywhere(chainrule: Runner, arguments: tuple[str, ...]) -> None:
    run = chainrule(*arguments)
    assert run.code == 0
    assert run.out.startswith("名称")
    assert language() == "en"


def test_environment_chooses_the_language(chainrule: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINRULE_LANG", "zh")
    assert chainrule("data", "list").out.startswith("名称")
    assert chainrule("data", "list", "--lang", "en").out.startswith("name")
    monkeypatch.delenv("CHAINRULE_LANG")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    monkeypatch.delenv("LANGUAGE", raising=False)
    assert chainrule("data", "list").out.startswith("名称")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--lang", "fr", "data", "list"), ("unknown language 'fr'", "en, zh")),
        (("data", "list", "--lang"), ("--lang needs a language", "en, zh")),
        (("data", "list", "--lang="), ("unknown language ''",)),
    ],
)
def test_wrong_language_is_wrong_usage(chainrule: Runner, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    run = chainrule(*arguments)
    assert run.code == 2
    assert all(word in run.err for word in words)
    assert run.out == ""


def test_wrong_language_in_the_environment(chainrule: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINRULE_LANG", "fr")
    run = chainrule("data", "list")
    assert run.code == 2
    assert "unknown language 'fr'" in run.err


def test_what_stands_behind_two_dashes_is_no_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINRULE_LANG", "zh")
    assert read_language(["predict", "--", "--lang", "en"]) == ("zh", ["predict", "--", "--lang", "en"])
    with pytest.raises(UsageError):
        read_language(["predict", "--lang", "--"])
    with pytest.raises(UnknownName):
        read_language(["--lang", "de"])


# Help


@pytest.mark.parametrize("command", ["", "train", "evaluate", "predict", "inspect", "data", "data list", "data show"])
def test_help_is_in_chinese(chainrule: Runner, command: str) -> None:
    run = chainrule(*command.split(), "--lang", "zh", "--help")
    assert run.code == 0
    assert "用法：" in run.out
    assert "选项" in run.out
    assert "显示本帮助并退出。" in run.out
    assert english_in(run) == []
    assert all(word not in run.out for word in ("Usage", "Options", "Arguments", "Commands", "default", "required"))


@pytest.mark.parametrize("command", ["train", "evaluate", "predict"])
def test_help_in_chinese_names_every_option(chainrule: Runner, command: str) -> None:
    """Nothing is cut off, and what is listed in English is listed in Chinese."""
    named = [
        set(re.findall(r"--[a-z0-9-]+", chainrule(command, "--lang", each, "--help").out)) for each in ("en", "zh")
    ]
    assert named[0] <= named[1] | {"--layers", "--optimizer"}
    assert "…" not in chainrule(command, "--lang", "zh", "--help").out
    assert {
        option
        for each in command_tree()
        if each.name == command
        for param in each.params
        for option in param.opts
        if option.startswith("--")
    } <= named[1]


def test_help_in_english_is_typers_own(chainrule: Runner) -> None:
    assert "Usage: chainrule train [OPTIONS]" in chainrule("train", "--help").out
    assert "用法" not in chainrule("train", "--help").out


# Commands


def test_training_and_using_a_model_in_chinese(chainrule: Runner, people: Path) -> None:
    runs = [
        chainrule("train", "people.csv", *QUICK, "--lang", "zh"),
        chainrule("inspect", "people.safetensors", "--lang", "zh"),
        chainrule("evaluate", "people.safetensors", "people.csv", "--lang", "zh"),
        chainrule("predict", "people.safetensors", "people.csv", "--out", "out.csv", "--lang", "zh"),
        chainrule("data", "show", "people.csv", "--lang", "zh"),
        chainrule("data", "list", "--lang", "zh"),
    ]
    assert [run.code for run in runs] == [0] * len(runs)
    assert [line for run in runs for line in english_in(run)] == []
    assert "准确率" in runs[0].out
    assert "损失" in runs[0].err


@pytest.mark.parametrize("target", ["age", "height", "pet"])
def test_decisions_of_other_targets_in_chinese(chainrule: Runner, people: Path, target: str) -> None:
    run = chainrule("train", "people.csv", "--target", target, "--drop", "group", *QUICK, "--lang", "zh")
    assert run.code == 0
    assert english_in(run) == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("train",), 2, "缺少参数 'DATA'"),
        (("train", "iris", "--epochs", "many"), 2, "'--epochs' 的值不对：应为整数"),
        (("train", "iris", "--epochs", "0"), 2, "轮数是 0；应为不小于 1 的整数"),
        (("train", "iris", "--bogus"), 2, "没有选项 --bogus"),
        (("frob",), 2, "没有命令 'frob'"),
        (("train", "iris", "extra"), 2, "多余的参数"),
        (("train", "digist"), 3, "未知的数据集或文件 'digist'；是不是想写 'digits'？"),
        (("train", "there-is-none.csv"), 3, "没有文件 there-is-none.csv"),
        (("train", "iris", "--activation", "rleu"), 2, "未知的激活函数 'rleu'；是不是想写 'relu'？"),
        (("train", "iris", "--test-share", "2"), 2, "测试比例是 2.0"),
        (("train", "iris", "--out", "no/folder.safetensors"), 1, "没有文件夹 no"),
        (("train", "iris", "--rate", "1e30", "--optimizer", "sgd"), 1, "学习率 1e+30 太大。请试试它的十分之一"),
    ],
)
def test_errors_in_chinese(chainrule: Runner, arguments: tuple[str, ...], code: int, words: str) -> None:
    run = chainrule(*arguments, "--lang", "zh")
    assert run.code == code
    assert words in run.err
    assert run.err.splitlines()[-1].startswith("错误：")
    assert english_in(run) == []


def test_json_is_the_same_in_both_languages(chainrule: Runner, people: Path) -> None:
    def run(*arguments: str) -> list[object]:
        found = [read_json(chainrule(*arguments, "--json", "--lang", each).out) for each in ("en", "zh")]
        for each in found:
            each.pop("seconds", None)
        return found

    for english, chinese in (
        run("train", "people.csv", *QUICK),
        run("evaluate", "people.safetensors", "people.csv"),
        run("data", "list"),
        run("data", "show", "people.csv"),
    ):
        assert english == chinese


# Wrong usage, as Typer says it


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("Missing argument 'DATA'.", "缺少参数 'DATA'"),
        ("No such option: --frob", "没有选项 --frob"),
        ("No such option: --epoch Did you mean --epochs?", "没有选项 --epoch，是不是想写 --epochs？"),
        ("No such option: --la (Possible options: --lang, --layers)", "没有选项 --la（可能是：--lang, --layers）"),
        ("Invalid value for '--rate': 'x' is not a valid float.", "'--rate' 的值不对：'x' 不是数值"),
        ("Option '--rate' requires an argument.", "选项 '--rate' 需要一个值"),
        ("What another version says", "What another version says"),
    ],
)
def test_sentences_on_usage(english: str, chinese: str) -> None:
    assert usage_sentence(english) == english.rstrip(".")
    with speaking("zh"):
        assert usage_sentence(english) == chinese


# Lines


@given(st.text(alphabet="权重 abc, 的偏置（x）。，\n1"), st.integers(8, 40))
def test_wrapping_loses_nothing_and_keeps_to_the_width(text: str, width: int) -> None:
    broken = wrapped(text, width)
    assert re.sub(r"\s", "", broken) == re.sub(r"\s", "", text)
    if re.search("[权重的偏置（）。，]", text):
        words = max((cell_len(word) for word in re.split(r"\s|[权重的偏置（）。，]", text)), default=0)
        marks = max((2 * len(run) for run in re.findall("[（）。，]+", text)), default=0)
        assert all(cell_len(line) <= width + words + marks for line in broken.split("\n"))


def test_no_line_begins_with_a_closing_mark() -> None:
    text = "学习率太大，请试试它的十分之一；或者裁剪梯度（--clip）。"
    for width in range(8, 40):
        assert not any(line[0] in "，。；：、？！）”" for line in wrapped(text, width).split("\n"))


def test_english_is_left_to_the_terminal() -> None:
    assert wrapped("a long line of English words", 8) == "a long line of English words"
