"""What a cell shows of its autopilot's runs."""

from __future__ import annotations

from notebook import Notebook

from secc_kernel import views
from secc_kernel.kernel.runs import RUNS_SHOWN, Runs
from secc_kernel.lua.options import Vehicle


def test_a_run_is_told_in_a_few_lines():
    lua = Notebook()
    lua.bench.vehicle = Vehicle(soc=79.9)
    lua("Session.RunTo('PowerDeliveryReq') Session.RunToEnd()")
    first, second = lua.runs
    text = str(views.run(first.journal, first.first, first.last, first.what, first.outcome))
    journal = lua.bench.journal
    names = [frame.name for frame in journal.frames]
    until = names.index("PowerDeliveryReq") + 1
    assert text.startswith("RunTo PowerDeliveryReq: it is your turn to answer PowerDeliveryReq\n")
    assert f"\n{until} messages in " in text
    assert f"CableCheck ×{names.count('CableCheckReq')}" in text
    assert text.endswith("PowerDeliveryReq")
    view = views.run(second.journal, second.first, second.last, second.what, second.outcome)
    assert str(view).startswith("RunToEnd: terminated: ")
    assert f"CurrentDemand ×{names.count('CurrentDemandReq')}" in " ".join(str(view).split())
    assert len(view.data) == len(names) - until
    assert view.data.index[0] == until
    assert "<details" in view._repr_html_()
    lua("Session.RunToEnd()")
    assert lua.runs[-1].outcome.startswith("the session had ended before (terminated: ")
    lua.bench.close()


def test_findings_are_told_by_severity_the_worst_first():
    lua = Notebook()
    lua.bench.vehicle = Vehicle(soc=79.9)
    lua("Secc.Set_SessionSetupRes_EVSEID('x') Secc.Receive_ServiceDiscoveryReq_001() Secc.Send_SessionSetupRes_001()")
    lua("Session.RunToEnd()")
    run = lua.runs[-1]
    lines = str(views.run(run.journal, 0, run.last)).splitlines()
    assert lines[0].startswith("plugged in, matched with ")
    assert "messages in" in lines[1]
    marks = [line.split()[0] for line in lines[3:] if line.split()[0] in "✗△•"]
    assert marks
    assert marks == sorted(marks, key="✗△•".index)
    counts = {severity: sum(f.severity == severity for f in run.journal.findings) for severity in ("error", "note")}
    assert f"{counts['error']} error" in lines[2]
    assert f"{counts['note']} note" in lines[2]
    lua.bench.close()


def test_a_plug_in_is_one_line():
    lua = Notebook()

    def told():
        return str(views.run(lua.bench.journal, lua.runs[-1].first, lua.runs[-1].last)).splitlines()[0]

    lua("Session.RunFor(0.2)")
    assert told() == "plugged in, matching: CM_START_ATTEN_CHAR_IND is next"
    lua("Ev.Plug{} Session.RunTo('SessionSetupReq')")
    assert told().startswith("plugged in, matched with 02:00:00:00:ff:01 at 5 dB, data link after 2.")
    both = str(views.run(lua.bench.journal, 0, lua.runs[-1].last)).splitlines()[0]
    assert both.startswith("2 plug-ins, the last: plugged in, matched with ")
    lua("Session.RunTo('ServiceDiscoveryReq')")
    assert told().startswith("2 messages in")
    lua("Ev.Unplug() Session.Open{slac=false} Session.RunTo('SessionSetupReq')")
    assert told().startswith("3 messages in")
    lua.bench.close()


def test_a_loop_of_runs_takes_one_line():
    shown, told = [], []

    def tell(text):
        told.append(text)
        return lambda text: told.append(text)

    runs = Runs(shown.append, tell)
    lua = Notebook()
    lua.bench.on_run = runs.add
    lua("for _ = 1, 8 do Session.RunTo('AuthorizationReq') end")
    assert len(shown) == RUNS_SHOWN
    assert len(told) == 3
    assert told[-1].startswith("… 3 more, the last: RunTo AuthorizationReq: it is your turn")
    lua.bench.close()


def test_a_value_that_the_summary_has_said_is_not_said_again():
    lua = Notebook()
    lua.bench.vehicle = Vehicle(soc=79.9)
    runs = Runs(lambda run: None, lambda text: lambda again: None)
    values = lua("return Session.RunToEnd()")
    assert not runs.said(values)
    runs.add(lua.runs[-1])
    assert runs.said(values)
    assert not runs.said(("another", "value"))
    assert not runs.said(values[:1])
    lua.bench.close()
