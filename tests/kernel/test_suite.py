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
    complete_code_samples = (
        *("1", "=6*7", "local function f() return 1 end", "x = 5\nx", "for i=1,3 do end", "x = [[a\nb]]", "-- comment"),
        *("%%python\nx = 1\n\n", "%pwd", "!ls", "print?", "%%lua\nx = 1"),
    )
    incomplete_code_samples = (
        *("for i=1,3 do", "function f(a,", "if x then\n  y = 1", "repeat\n  x = 1", "local function f()"),
        *("x = {1,", "print('a'", "x = [[text", "--[==[ comment", "=1 +", "x =", "x = 1 +\n  2 *", "local"),
    )
    invalid_code_samples = ("x = = 1", "end", "for i = 1, 3 end", "x = 'a\ny", "=1 2", ")")
    code_generate_error = "error('bad')"
    code_execute_result = ({"code": "6*7", "result": "42"}, {"code": "1+2+3", "result": "6"})
    code_display_data = (
        {"code": "%%python\nfrom IPython.display import HTML, display\ndisplay(HTML('<b>x</b>'))", "mime": "text/html"},
        {"code": "display({1, 2})", "mime": "text/html"},
    )
    code_clear_output = "clear()"
    code_inspect_sample = "Secc.Set_SessionSetupRes_EVSEID"
    code_page_something = "string.format?"
    code_history_pattern = "1?2*"
    supported_history_operations = ("tail", "range", "search")


class TestWelcome(jupyter_kernel_test.IopubWelcomeTests):
    kernel_name = "secc"
    support_iopub_welcome = True


# The bases are not to be collected by themselves.
del jupyter_kernel_test
