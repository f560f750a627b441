"""The checks of jupyter_kernel_test: every reply and message against the schema of the protocol."""

from __future__ import annotations

import jupyter_kernel_test


class TestProtocol(jupyter_kernel_test.KernelTests):
    kernel_name = "secc"
    language_name = "lua"
    file_extension = ".lua"
    code_hello_world = "print('hello, world')"
    code_stderr = "io.stderr:write('oops')"
    completion_samples = ({"text": "string.fo", "matches": {"format"}},)
    complete_code_samples = ("1", "local function f() return 1 end", "x = 5\nx")
    incomplete_code_samples = ("for i=1,3 do", "x = {1,", "print('a'")
    invalid_code_samples = ("x = = 1", "end")
    code_generate_error = "error('bad')"
    code_execute_result = ({"code": "6*7", "result": "42"}, {"code": "1+2+3", "result": "6"})
    code_display_data = (
        {"code": "%%python\nfrom IPython.display import HTML, display\ndisplay(HTML('<b>x</b>'))", "mime": "text/html"},
        {"code": "display({1, 2})", "mime": "text/html"},
    )
    code_clear_output = "%%python\nfrom IPython.display import clear_output\nclear_output()"
    code_inspect_sample = "%%python\nlen"
    code_history_pattern = "1?2*"
    supported_history_operations = ("tail", "range", "search")


class TestWelcome(jupyter_kernel_test.IopubWelcomeTests):
    kernel_name = "secc"
    support_iopub_welcome = True


# The bases are not to be collected by themselves.
del jupyter_kernel_test
