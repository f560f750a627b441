"""The extension against generated Python: the same streams and values, and the same refusals.

All other tests of this folder run with whichever is installed; CI runs them with both.
"""

import os
import random
import subprocess
import sys

import pytest
from corpus import made
from hypothesis import given
from strategies import examples, fragments, messages

from secc_kernel import codec
from secc_kernel.exi.compiler import Compiler
from secc_kernel.messages import SCHEMAS, vocabulary

of_every_vocabulary = pytest.mark.parametrize("key", SCHEMAS)
needs_the_extension = pytest.mark.compiled


def both(key):
    """The compiler in use and the one that makes Python source."""
    engine = vocabulary(key).codec
    return engine.compiler, Compiler(engine.grammars)


@needs_the_extension
@of_every_vocabulary
def test_what_follows_the_schema(key):
    native, python = both(key)

    @examples(40)
    @given(messages(key) | fragments(key))
    def check(message):
        exi = python.encode(message.element, message.value, message.fragment)
        assert native.encode(message.element, message.value, message.fragment) == exi
        if exi is not None:
            assert native.decode(exi, message.fragment) == python.decode(exi, message.fragment)

    check()


@needs_the_extension
@of_every_vocabulary
def test_what_does_not(key):
    native, python = both(key)
    chance = random.Random(3)
    streams = [stream for stream in made(12, 1) if stream.schema == key]
    for _ in range(1500):
        _, fragment, exi = chance.choice(streams)
        data = bytearray(exi)
        for _ in range(chance.randrange(1, 4)):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        if chance.random() < 0.2:
            del data[chance.randrange(len(data)) :]
        assert native.decode(bytes(data), fragment) == python.decode(bytes(data), fragment), data.hex()


@needs_the_extension
def test_values_that_do_not_fit_are_left_to_the_careful_writer():
    native, python = both("iso2")
    wrong = [None, -1, 2**70, 1.5, "", "x" * 300, b"", True, [], object(), "\ud800", codec]
    message = codec.new("iso2", "SessionSetupRes", ResponseCode="OK", EVSEID="ZZ00000", EVSETimeStamp=1)
    for name in ("ResponseCode", "EVSEID", "EVSETimeStamp"):
        right = getattr(message.body, name)
        for value in wrong:
            setattr(message.body, name, value)
            assert native.encode(message.element, message.value, False) == python.encode(
                message.element, message.value, False
            ), (name, value)
        setattr(message.body, name, right)


def test_python_on_request():
    done = subprocess.run(
        [sys.executable, "-c", "from secc_kernel import codec; print(codec.compiled)"],
        env=os.environ | {"SECC_KERNEL_PURE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"
