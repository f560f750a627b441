import io

import pytest

from secc_kernel.commands._progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    @property
    def lines(self) -> list[str]:
        """What is to be seen in the end."""
        lines = []
        for text in self.getvalue().split("\n"):
            line = ""
            for part in text.split("\r"):
                line = part + line[len(part) :]
            lines.append(line.rstrip())
        return lines


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_nothing_within_the_first_second(clock):
    terminal = Terminal()
    with Progress(10_000_000, terminal, clock=clock) as progress:
        clock.now += 0.99
        progress.update(5_000_000)
        progress.say("a remark")
    assert terminal.getvalue() == "a remark\n"


def test_a_bar_from_one_second_on(clock):
    terminal = Terminal()
    with Progress(10_000_000, terminal, clock=clock) as progress:
        clock.now += 2
        progress.update(4_000_000)
        assert terminal.lines == [" 40% [############..................] 4.0 of 10.0 MB, 2.0 MB/s, 3 s left"]
        before = terminal.getvalue()
        clock.now += 0.05
        progress.update(4_100_000)
        assert terminal.getvalue() == before
        clock.now += 0.05
        progress.say("a remark")
        assert terminal.lines == ["a remark", ""]
        progress.update(12_000_000)  # the file has grown
        assert terminal.lines[1].startswith("100% [##############################] 10.0 of 10.0 MB")
    assert terminal.lines == ["a remark", ""]


def test_a_shorter_line_leaves_nothing_of_a_longer_one(clock):
    terminal = Terminal()
    progress = Progress(10_000_000, terminal, clock=clock)
    for done in (1, 10_000_000):
        clock.now += 1
        progress.update(done)
    assert terminal.lines[0].endswith("MB/s, 0 s left")


def test_a_size_that_nobody_knows(clock):
    terminal = Terminal()
    progress = Progress(0, terminal, clock=clock)
    clock.now += 2
    progress.update(3_000_000)
    assert terminal.lines == ["3.0 MB, 1.5 MB/s"]
    progress.update(0)


def test_no_terminal_no_bar(clock):
    for stream, shown in ((io.StringIO(), True), (Terminal(), False)):
        progress = Progress(10, stream, shown, clock)
        clock.now += 5
        progress.update(5)
        progress.say("a remark")
        assert stream.getvalue() == "a remark\n"


def test_a_narrow_terminal(clock, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    terminal = Terminal()
    progress = Progress(10, terminal, clock=clock)
    clock.now += 5
    progress.update(5)
    assert terminal.lines == [" 50% [#############"]
