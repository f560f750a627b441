"""The thread of a link: what is asked of it happens, or is refused, also while it comes to its end."""

import threading

import pytest

from secc_kernel.link.loop import LoopThread, ThreadEndedError


def test_what_was_asked_before_the_end_still_happens():
    thread = LoopThread("test")
    begun, go_on, answers = threading.Event(), threading.Event(), []

    def stop_slowly():
        thread.loop.stop()
        begun.set()
        go_on.wait()

    thread.post(stop_slowly)
    begun.wait()
    asker = threading.Thread(target=lambda: answers.append(thread.ask(lambda: "done")), daemon=True)
    asker.start()
    threading.Timer(0.2, go_on.set).start()
    asker.join(10)
    assert answers == ["done"]
    thread.close()


def test_after_the_end_nothing_happens_and_nobody_waits():
    thread = LoopThread("test")
    assert thread.ask(threading.current_thread).name == "test"
    thread.close()
    assert not thread.post(lambda: None)
    with pytest.raises(ThreadEndedError, match="test has ended"):
        thread.ask(lambda: None)


def test_an_error_comes_back_to_who_asked():
    thread = LoopThread("test")
    with pytest.raises(ZeroDivisionError):
        thread.ask(lambda: 1 / 0)
    thread.close()
