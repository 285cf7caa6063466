"""The command gru-c, and the import of an uncompiled package."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import gru_c
from gru_c import cli


def run(*arguments, **options):
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,
    )


def test_demo_says_what_it_does_and_learns(capsys):
    assert cli.main(["demo", "--epochs", "3"]) == 0
    printed = capsys.readouterr()
    losses = [float(loss) for loss in re.findall(r"epoch +\d+ +loss ([\d.]+)", printed.out)]
    assert len(losses) == 3
    assert losses[-1] < losses[0]
    assert "100 random sequences of 10 steps x 8 features" in printed.out
    assert re.search(r"prediction for one new sequence: -?\d+\.\d+", printed.out)
    assert [line[:9] for line in printed.err.splitlines()] == [
        "Epoch 1/3",
        "Epoch 2/3",
        "Epoch 3/3",
    ]


def test_demo_is_repeatable(capsys):
    results = []
    for seed in ("4", "4", "5"):
        cli.main(["demo", "--epochs", "1", "--seed", seed])
        results.append(capsys.readouterr().out.splitlines()[-1])
    assert results[0] == results[1] != results[2]


def test_module_and_script_are_the_same_command(tmp_path):
    result = run("-m", "gru_c", "--version", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (0, f"gru_c {gru_c.__version__}\n")


def test_info(capsys):
    assert cli.main(["info"]) == 0
    assert gru_c.__version__ in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo", "--epochs", "0"], "wanted a whole number of at least 1, got '0'"),
        (["demo", "--epochs", "x"], "wanted a whole number of at least 1, got 'x'"),
        (["dmo"], "invalid choice: 'dmo'"),
        ([], "required: COMMAND"),
    ],
)
def test_errors_are_a_line_and_a_code(arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_help_shows_an_example(capsys):
    with pytest.raises(SystemExit):
        cli.main(["demo", "--help"])
    assert "example: gru-c demo" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "code"), [("info", "141"), ("demo --epochs 1", "141"), ("demo --help", "0")]
)
def test_a_reader_that_leaves_ends_the_command_quietly(command, code):
    begin = f"{sys.executable} -u -m gru_c {command}"
    script = f"{{ {begin}; echo $? >&3; }} 3>&2 | head -0; :"
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=120)
    lines = [line for line in result.stderr.splitlines() if not line.startswith("Epoch")]
    assert lines == [code]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_full_disk_is_a_line_and_a_code():
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "gru_c", "info"],
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=120,
        )  # fmt: skip
    assert result.returncode == 1
    assert result.stderr == "gru-c: error: [Errno 28] No space left on device\n"


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&-"])
@pytest.mark.parametrize("command", ["info", "demo --epochs 1"])
def test_closed_streams_are_no_error(command, redirection):
    script = f"{sys.executable} -m gru_c {command} {redirection}"
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr


def test_an_uncompiled_tree_says_what_to_run(tmp_path):
    package = tmp_path / "gru_c"
    package.mkdir()
    source = Path(gru_c.__file__).parent
    for file in source.glob("*.py"):
        (package / file.name).write_bytes(file.read_bytes())
    result = run("-S", "-c", "import gru_c", cwd=tmp_path)
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith("ImportError: gru_c is not compiled for this Python: run `python -m pip")
    assert str(tmp_path) in last
