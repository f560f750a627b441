"""What a cell shows of the messages that it sends and receives."""

from __future__ import annotations

import pytest

from secc_kernel.kernel.transcript import RUN_SHOWN

from .conftest import Kernel

SESSION_SETUP = """
Session.Open{link = 'sim'}
Secc.Receive_SessionSetupReq_001()
print('between')
Secc.Set_SessionSetupRes_EVSEID('KR*TC1*ISO1*001')
Secc.Set_SessionSetupRes_ResponseCode(ResponseCodeType.FAILED_SequenceError)
Secc.Send_SessionSetupRes_001()
"""


def test_each_message_of_the_script_in_its_order(kernel: Kernel) -> None:
    outcome = kernel.run(SESSION_SETUP)
    assert outcome.status == "ok"
    kinds = [kind for kind, _ in outcome.messages if kind != "execute_input"]
    assert kinds == ["display_data", "stream", "display_data"]
    request, response = (content["data"] for content in outcome.of("display_data"))
    assert "SessionSetupReq" in request["text/plain"]
    assert "KR*TC1*ISO1*001" in response["text/plain"]
    assert "01fe8001" in response["text/plain"]
    for data in (request, response):
        assert "<table" in data["text/html"]
        assert "<script" not in data["text/html"]


def test_a_mistake_has_the_script_s_line_and_says_what_is_right(kernel: Kernel) -> None:
    outcome = kernel.run("local x = 1\nSecc.Set_SessionSetupRes_EVSEId('x')")
    count = outcome.reply["execution_count"]
    assert outcome.reply["evalue"].startswith(f"In[{count}]:2: ")
    assert "Secc.Set_SessionSetupRes_EVSEID" in outcome.reply["evalue"]
    outcome = kernel.run("\nSecc.Set_SessionSetupRes_ResponseCode('NoSuchCode')")
    assert f"In[{count + 1}]:2: Secc.Set_SessionSetupRes_ResponseCode" in outcome.reply["evalue"]


def test_a_cell_with_many_messages_shows_the_first_and_the_last_and_counts_the_others(kernel: Kernel) -> None:
    outcome = kernel.run(
        """
        Session.Open{link = 'sim'}
        Session.RunTo('CurrentDemandReq')
        for i = 1, 50 do
          Secc.Receive_CurrentDemandReq_001()
          Secc.Send_CurrentDemandRes_001()
        end
        """
    )
    assert outcome.status == "ok", outcome.reply
    shown = outcome.of("display_data")
    assert "59 messages" in shown.pop(0)["data"]["text/plain"]  # what RunTo tells of its own
    assert len(shown) == RUN_SHOWN + 2
    update = outcome.of("update_display_data")[-1]
    assert update["data"]["text/plain"].startswith(f"… {100 - RUN_SHOWN - 1} more CurrentDemand messages")
    assert update["transient"] == shown[-2]["transient"]
    assert "CurrentDemandRes" in shown[-1]["data"]["text/plain"]
    assert kernel.run("Session.Close()").status == "ok"


def test_what_is_counted_comes_before_the_value_and_before_an_error(kernel: Kernel) -> None:
    loop = """
    Session.Open{link = 'sim'}
    Session.RunTo('CurrentDemandReq')
    for i = 1, 5 do
      Secc.Receive_CurrentDemandReq_001()
      Secc.Send_CurrentDemandRes_001()
    end
    """
    for end, kind in (("'value'", "execute_result"), ("error('x')", "error")):
        assert kernel.run(loop + end).messages[-1][0] == kind


@pytest.mark.parametrize("cell", ["%%python\nsession.status.link", "Session.Status().state"])
def test_the_session_is_there_without_being_opened(kernel: Kernel, cell: str) -> None:
    assert kernel.run(cell).status == "ok"


def test_a_message_that_the_script_sends_and_receives_is_shown_once(kernel: Kernel) -> None:
    outcome = kernel.run(
        """
        Session.Open{side = 'EVCC'}
        Evcc.Send_SessionSetupReq_001()
        Secc.Receive_SessionSetupReq_001()
        """
    )
    assert len(outcome.of("display_data")) == 1
    assert kernel.run("Session.Close()").status == "ok"


def test_verdicts_are_shown_where_they_were_found(kernel: Kernel) -> None:
    outcome = kernel.run("print('before')\nSession.Check(1 == 1, 'good')\nSession.Check(1 == 2, 'bad')\nprint('after')")
    count = outcome.reply["execution_count"]
    assert outcome.stdout.splitlines() == ["before", "PASS good", f"FAIL bad (In[{count}]:3)", "after"]
    assert outcome.status == "ok"
    assert kernel.run("%%python\nsession.check(False, 'too')").stdout == "FAIL too\n"
    # They are shown once, whichever session they belong to.
    outcome = kernel.run("Session.Open()\nfor i = 1, 9 do Session.Check(true, 'again') end")
    assert outcome.stdout.splitlines() == ["PASS again", "PASS … 8 more times"]
