"""What is told about the name at a cursor, without a kernel."""

from __future__ import annotations

import html as html_module
import re
from html.parser import HTMLParser

import pytest

from secc_kernel.kernel.completion import World
from secc_kernel.kernel.inspect import bundle, explain, found_names, html, inspect, markdown, text
from secc_kernel.lua.survey import Known

WORLD = World(
    globals={
        "limits": Known("table", "2"),
        "limits.voltage": Known("integer", "400"),
        "limits.check": Known("function", "(value) In[1]:2"),
        "name": Known("string", "<b>&"),
    },
    names=("Secc", "Evcc", "Session", "Ev", "print", "string"),
)


def title(code, world=WORLD):
    """The title of what is told at the bar, or at the end; None if nothing is."""
    cursor = code.index("|") if "|" in code else len(code)
    said = inspect(code.replace("|", "", 1), cursor, world)
    return None if said is None else said.title


SETTER = "Secc.Set_SessionSetupRes_EVSEID(evseId)"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("Secc.Set_SessionSetupRes_EVSEID", SETTER),
        ("Secc.Set_Session|SetupRes_EVSEID('x')", SETTER),
        ("Secc.Set_SessionSetupRes_EVSEID(|)", SETTER),
        ("Secc.Set_SessionSetupRes_EVSEID('DE*A|'", SETTER),
        ("SECC.Set_SessionSetupRes_EVSEID", SETTER),
        ("Set_SessionSetupRes_EVSEID", SETTER),
        ("x = Secc|.Set_SessionSetupRes_EVSEID", "Secc"),
        ("ResponseCodeType.FAI|LED", "ResponseCodeType.FAILED"),
        ("Response|CodeType.FAILED", "ResponseCodeType"),
        ("Session.RunTo('CurrentDem|andReq')", "CurrentDemandReq"),
        ("Session.RunTo(|", "Session.RunTo(request)"),
        ("Session.Open{pre|fer='latest'}", "Session.Open{prefer=}"),
        ("Session", "Session"),
        ("limits.check", "limits.check(value)"),
        ("limits", "limits"),
        ("string.format", "string.format(format, ...)"),
        ("print(1|", "print(...)"),
        ("local s = 'x' s:upp|er()", "string.upper(s)"),
        ("local mine = 1\nmi|ne", "mine"),
        ("wh|ile true do", "while"),
        ("SessionSetupRes", "SessionSetupRes"),
        ("local limits = {} print(limits|", "limits"),
        ("nothing_known", None),
        ("-- Secc", None),
        ("", None),
        ("1 + 1", None),
    ],
)
def test_what_is_told_where(code, expected):
    assert title(code) == expected


def test_a_wrong_function_is_not_explained_as_another():
    assert explain(("Secc", "Set_SessionSetupRes_EVSEI"), WORLD) is None
    assert explain(("Evcc", "Set_SessionSetupRes_EVSEID"), WORLD) is None
    assert explain(("ResponseCodeType", "FAILED_Nonsense"), WORLD) is None


def test_a_variable_shows_what_it_holds():
    said = explain(("limits",), WORLD)
    assert said is not None
    assert dict(said.facts) == {"type": "table", "fields": "2"}
    assert said.members == (("check(value)", "function"), ("voltage", "400"))
    function = explain(("limits", "check"), WORLD)
    assert function is not None
    assert dict(function.facts)["defined in"] == "In[1]:2"


class Tags(HTMLParser):
    """Checks that tags close in order; collects the text."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], ""

    def handle_starttag(self, tag, attrs):
        assert tag in {"div", "p", "pre", "b", "table", "tr", "td", "code"}
        assert {name for name, _ in attrs} <= {"style"}
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.seen += data


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(
    "path",
    [("Secc", "Set_SessionSetupRes_ResponseCode"), ("Session", "Open"), ("Session",), ("name",), ("ResponseCodeType",)],
)
def test_each_form_says_the_same(path, language):
    world = World(globals=WORLD.globals, language=language)
    said = explain(path, world, detail=True)
    assert said is not None
    forms = bundle(said, language)
    assert set(forms) == {"text/plain", "text/markdown", "text/html"}
    page = Tags()
    page.feed(forms["text/html"])
    assert page.open == []
    plain = re.sub(r"\s+", " ", forms["text/plain"])
    for label, value in said.facts:
        for form in (plain, page.seen, html_module.unescape(forms["text/markdown"].replace("\\", ""))):
            assert label in form
            assert value in re.sub(r"\s+", " ", form)
    for name, _ in said.members:
        assert name in page.seen
        assert f"`{name}`" in forms["text/markdown"]
    for node in said.tree:
        assert node.name in forms["text/plain"]
        assert node.name in page.seen


def test_more_detail_is_the_whole_message():
    short, long = (explain(("Secc", "Set_CurrentDemandRes_EVSEID"), WORLD, detail) for detail in (False, True))
    assert "EVSEMaximumPowerLimit" not in text(short)
    assert "EVSEMaximumPowerLimit" in text(long)
    assert "EVSEMaximumPowerLimit" in markdown(long)
    assert "EVSEMaximumPowerLimit" in html(long)


def test_names_that_fit_a_pattern():
    assert "Secc.Set_SessionSetupRes_EVSEID" in found_names("Secc.*evseid*", WORLD)
    assert found_names("Session.Run*", WORLD)[:2] == ["Session.RunTo", "Session.RunToEnd"]
    assert "ResponseCodeType" in found_names("*CodeType", WORLD)
    assert found_names("lim*", WORLD) == ["limits"]
    assert found_names("xyzzy*", WORLD) == []
