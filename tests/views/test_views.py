import html
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from secc_kernel import codec, views
from secc_kernel.messages.iso15118_2 import msg_data_types as types
from secc_kernel.session.journal import CHECK, FindingEntry, FrameEntry, Journal, StateEntry
from secc_kernel.session.tables import exchanges
from secc_kernel.views.look import WIDTH
from secc_kernel.views.reading import Reading

SEED_HEADER = [
    ("Protocol Version", "0x01"),
    ("Inverse Version", "0xFE"),
    ("Payload Type", "0x8001"),
    ("Payload Length", "0x0000001F"),
    ("Payload", "EXIEncodedV2GMessage"),
]
SEED_XML = """<?xml version="1.0" ?>
<s3:V2G_Message xmlns:xml="http://www.w3.org/XML/1998/namespace" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:s0="http://www.w3.org/2000/09/xmldsig#" xmlns:s1="urn:iso:15118:2:2013:MsgBody" xmlns:s2="urn:iso:15118:2:2013:MsgDataTypes" xmlns:s3="urn:iso:15118:2:2013:MsgDef" xmlns:s4="urn:iso:15118:2:2013:MsgHeader">
  <s3:Header>
    <s4:SessionID>C1A61BDEADFA4655</s4:SessionID>
  </s3:Header>
  <s3:Body>
    <s1:SessionSetupRes>
      <s1:ResponseCode>FAILED_SequenceError</s1:ResponseCode>
      <s1:EVSEID>KR*TC1*ISO1*001</s1:EVSEID>
    </s1:SessionSetupRes>
  </s3:Body>
</s3:V2G_Message>"""  # noqa: E501

#: What GitHub and untrusted notebooks leave of HTML, more or less: these elements, without styles.
KEPT = {"b", "caption", "details", "div", "i", "p", "pre", "samp", "summary"}
KEPT |= {"table", "tbody", "td", "th", "thead", "tr"}


class Document(HTMLParser):
    """Checks that elements are nested and closed, and collects texts, cells and attributes."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.pres: list[str] = []
        self.rows: list[list[str]] = []
        self.attributes: set[str] = set()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "pre":
            self.pres.append("")
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if "pre" in self.open:
            self.pres[-1] += data
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data


def everything(journal: Journal) -> list[views.View]:
    one = (views.header, views.exi, views.xml, views.message, views.exchange)
    per_message = [view(journal, i) for view in one for i in range(len(journal.frames))]
    return [*per_message, views.timing(journal), views.messages(journal)]


def check_forms(view: views.View) -> Document:
    bundle = view._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert bundle["text/html"] == view._repr_html_()
    text = bundle["text/plain"]
    assert text == str(view) == repr(view)
    assert text == text.rstrip()
    assert all(len(line) <= WIDTH for line in text.split("\n")), text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f]", text)
    document = Document(bundle["text/html"])
    assert document.tags <= KEPT
    assert document.attributes <= {"style", "open", "colspan", "scope"}
    return document


def test_the_seed_page(seed: Journal) -> None:
    header = views.header(seed)
    assert [tuple(row) for row in check_forms(header).rows] == SEED_HEADER
    assert list(zip(header.data["field"], header.data["value"], strict=True)) == SEED_HEADER
    assert header.data["number"].tolist()[:4] == [1, 0xFE, 0x8001, 31]
    assert [tuple(re.split("  +", line)) for line in str(header).splitlines()[1:]] == SEED_HEADER

    assert check_forms(views.xml(seed)).pres == [SEED_XML]
    exchange = check_forms(views.exchange(seed))
    assert SEED_XML in exchange.pres
    assert [[row[0], row[2]] for row in exchange.rows if row[0] in dict(SEED_HEADER)] == [list(r) for r in SEED_HEADER]


def test_xml_text_form_is_the_same_document(seed: Journal) -> None:
    from lxml import etree

    text = str(views.xml(seed)).split("\n", 1)[1]
    canonical = [etree.tostring(etree.fromstring(each.encode()), method="c14n") for each in (text, SEED_XML)]
    assert canonical[0] == canonical[1]


def test_all_forms_of_all_views(seed: Journal) -> None:
    for view in everything(seed):
        check_forms(view)
        assert len(view.data.columns) > 1


def test_types_of_data(seed: Journal) -> None:
    def dtypes(view: views.View) -> dict[str, str]:
        return {name: str(dtype) for name, dtype in view.data.dtypes.items()}

    text = {"str", "string", "object"}  # pandas 3, and before
    header = dtypes(views.header(seed))
    assert header.pop("number") == "Int64"
    assert set(header) == {"field", "value"}
    assert set(header.values()) <= text

    exi = views.exi(seed)
    assert dtypes(exi)["byte"] == "UInt8"
    assert exi.data.index.name == "offset"
    assert bytes(exi.data["byte"].tolist()) == seed.exi(3)
    assert "".join(exi.data["hex"]) == seed.exi(3).hex()
    assert int("".join(exi.data["bits"]), 2) == int.from_bytes(seed.exi(3), "big")

    timing = dtypes(views.timing(seed))
    seconds = ["time (s)", "latency (s)", "performance (s)", "timeout (s)"]
    assert list(timing) == ["request", "response", *seconds, "verdict"]
    assert {timing[name] for name in seconds} == {"float64"}
    assert views.timing(seed).data.equals(seed.timing().set_axis(list(timing), axis=1))

    assert views.messages(seed).data.equals(seed.messages())
    assert views.exchange(seed, 2).data.equals(seed.messages().loc[[2, 3]])


def test_xml_data(seed: Journal) -> None:
    data = views.xml(seed, 0).data
    assert data.columns.tolist() == ["path", "value", "type"]
    assert data.iloc[0].tolist() == [
        "supportedAppProtocolReq/AppProtocol[0]/ProtocolNamespace",
        "urn:iso:15118:2:2013:MsgDef",
        "protocolNamespaceType",
    ]
    assert views.message(seed, 0).data.equals(data)
    assert views.xml(seed).data["path"].iloc[-1] == "V2G_Message/Body/SessionSetupRes/EVSEID"


def test_data_has_every_value_of_the_xml(shared: Path) -> None:
    from lxml import etree

    with (shared / "vectors" / "exi_vectors.jsonl").open() as file:
        vectors = [json.loads(line) for line in file]
    for vector in vectors:
        if vector.get("fragment") or vector["schema"] not in ("sap", "iso2"):
            continue
        journal = Journal()
        journal.append(FrameEntry(0.0, payload_type=0x8001, data=bytes.fromhex(vector["exi"]), schema=vector["schema"]))
        tree = etree.fromstring(journal.xml(0).encode())
        texts = [node.text for node in tree.iter() if (node.text or "").strip()]
        attributes = [value for node in tree.iter() for value in node.attrib.values() if value]
        values = views.xml(journal).data["value"]
        assert sorted(value for value in values if value) == sorted(texts + attributes), vector["message"]
        for view in everything(journal):
            check_forms(view)


def test_headline(seed: Journal) -> None:
    first = [str(views.message(seed, i)).split("\n")[0] for i in range(4)]
    assert first[0].startswith(
        "   0.262 s  EVCC → SECC  supportedAppProtocolReq  ProtocolNamespace urn:iso:15118:2:2013"
    )
    assert first[1].endswith("✓ 1 ms")
    assert first[2] == "   0.280 s  EVCC → SECC  SessionSetupReq  EVCCID 1020304050607080 · ✗ error and 1 more"
    assert first[3] == (
        "   0.283 s  EVCC ← SECC  SessionSetupRes  ResponseCode FAILED_SequenceError · EVSEID KR*TC1*ISO1*001 · ✓ 3 ms"
    )


def test_message_tells_what_the_autopilot_set_and_what_is_on_purpose(seed: Journal) -> None:
    rows = check_forms(views.message(seed)).rows
    assert ["Header/SessionID", "C1A61BDEADFA4655", "session"] in rows
    assert ["ResponseCode", "FAILED_SequenceError", "script"] in rows
    assert ["EVSEID", "KR*TC1*ISO1*001", "script, breaks the schema on purpose"] in rows
    assert ["EVCCID", "1020304050607080"] in check_forms(views.message(seed, 2)).rows


def test_a_finding_that_the_session_repeats_is_shown_once(seed: Journal) -> None:
    text = str(views.exchange(seed))
    assert text.count("8 bytes, evccIDType has at most 6") == 1
    assert "△ warning: EVCCID: 8 bytes, evccIDType has at most 6 (facet.max-length)" in text
    assert "✗ error: not expected <here> (sequence)" in text
    assert "Findings: none" in str(views.exchange(seed, 0))


def test_a_check_of_the_script_has_passed_or_failed(seed: Journal) -> None:
    seed.append(FindingEntry(10.3, CHECK, "note", "the code is right", 3))
    assert str(views.message(seed)).split("\n")[0].endswith("· ✓ passed")
    seed.append(FindingEntry(10.3, CHECK, "error", "the id is wrong", 3))
    assert str(views.message(seed)).split("\n")[0].endswith("· ✗ failed and 1 more")
    assert ["✗ failed", "the id is wrong", "check"] in check_forms(views.message(seed)).rows
    assert str(views.messages(seed)).endswith("✓ passed (1), ✗ failed (1)")


def test_exchange_is_the_same_from_either_side(seed: Journal) -> None:
    assert str(views.exchange(seed, 2)) == str(views.exchange(seed, 3)) == str(views.exchange(seed, -1))
    assert "SessionSetupReq at 0.280 s, answered after 3 ms: ✓ ok (performance time 1.5 s, timeout 2 s)" in str(
        views.exchange(seed)
    )


def test_a_message_s_place_in_its_exchange_is_that_of_the_timing_table(seed: Journal, charge) -> None:
    for journal in (seed, charge(20)):
        for i, request, response in exchanges(journal):
            reading = Reading(journal, i)
            assert reading.request.entry is request
            assert response is None or ((found := reading.response) and found.entry is response)
            assert response is None or Reading(journal, found.index).request.entry is request
            assert reading.pace.verdict == journal.timing().loc[i, "verdict"]


def test_exchange_without_response(seed: Journal, add) -> None:
    add(seed, 11.0, codec.new("iso2", "ServiceDiscoveryReq", session_id=bytes(8)))
    add(seed, 13.5, codec.new("iso2", "ServiceDiscoveryReq", session_id=bytes(8)))
    assert "ServiceDiscoveryReq at 1.000 s, ✗ no response" in str(views.exchange(seed, 4))
    assert len(views.exchange(seed, 4).data) == 1
    assert "ServiceDiscoveryReq at 3.500 s, ✗ no response" in str(views.exchange(seed))
    assert str(views.timing(seed)).count("✗ no response") == 3  # two rows and the summary
    add(seed, 13.6, bytes.fromhex("80400040"), "SECC", schema="sap")
    assert views.exchange(seed, 6).data["message"].tolist() == ["ServiceDiscoveryReq", "supportedAppProtocolRes"]


def test_a_response_that_nobody_asked_for(seed: Journal, add) -> None:
    add(seed, 11.0, bytes.fromhex("80400040"), "SECC", schema="sap")
    view = views.exchange(seed)
    assert "answered" not in str(view)
    assert len(view.data) == 1


def test_what_cannot_be_decoded(seed: Journal, add) -> None:
    add(seed, 11.0, bytes.fromhex("80ffff"), "EVCC", schema="iso2")
    add(seed, 11.1, b"", "", schema=None)
    for view in everything(seed):
        check_forms(view)
    assert "undecodable message" in str(views.message(seed, 4))
    assert "bit " in str(views.message(seed, 4))
    assert "no vocabulary is known" in str(views.xml(seed, 5))
    assert views.xml(seed, 5).data.columns.tolist() == ["path", "value", "type"]
    assert str(views.exi(seed, 4)).endswith("0000  80 ff ff                 10000000 11111111 11111111")


def test_markup_in_values_stays_text(seed: Journal, add) -> None:
    nasty = "<script>alert('x')</script>\"&amp;"
    hidden = "a\x00b\x1b[31m\u202ec\u200bd"
    add(seed, 11.0, codec.new("iso2", "SessionSetupRes", session_id=bytes(8), ResponseCode="OK", EVSEID=nasty))
    add(seed, 12.0, codec.new("iso2", "SessionSetupRes", session_id=bytes(8), ResponseCode="OK", EVSEID=hidden))
    seed.append(FindingEntry(12.0, "<b>rule</b>", "error", "<img src=x onerror=alert(1)>", 5))
    for view in everything(seed):
        document = check_forms(view)
        assert not re.search("[\x00\x1b\u202e\u200b]", document.text)
    assert ["EVSEID", nasty] in check_forms(views.message(seed, 4)).rows
    assert ["EVSEID", "a␀b␛[31m\\u202ec\\u200bd"] in check_forms(views.message(seed, 5)).rows
    assert "<img src=x onerror=alert(1)>" in check_forms(views.message(seed, 5)).text
    # The data is what it is.
    assert hidden in views.xml(seed, 5).data["value"].tolist()


def test_columns_align_with_korean_text(seed: Journal, add) -> None:
    for name in ("충전기*001", "KR*TC1*ISO1*001"):
        add(seed, 11.0, codec.new("iso2", "SessionSetupRes", session_id=bytes(8), ResponseCode="OK", EVSEID=name))
    lines = str(views.fields(seed, "SessionSetupRes")).split("\n")
    assert lines[-2].endswith("     충전기*001")
    assert lines[-1].endswith("KR*TC1*ISO1*001")


def test_long_messages_are_cut_and_say_so(seed: Journal, add) -> None:
    from secc_kernel.messages.iso15118_2 import msg_data_types as types

    chain = types.CertificateChainType(
        Certificate=bytes(700), SubCertificates=types.SubCertificatesType(Certificate=[bytes(700)] * 4)
    )
    request = codec.new("iso2", "PaymentDetailsReq", session_id=bytes(8), eMAID="x", ContractSignatureCertChain=chain)
    add(seed, 11.0, request)
    for view in (views.exi(seed), views.xml(seed), views.message(seed), views.exchange(seed)):
        check_forms(view)
        assert "more" in str(view)
    assert len(views.exi(seed).data) == len(seed.exi(4))
    assert check_forms(views.xml(seed)).pres == [seed.xml(4)]
    assert views.xml(seed).data["value"].str.len().max() > 900


def test_long_xml_opens_in_two_steps(seed: Journal, add) -> None:
    from secc_kernel.messages.iso15118_2 import msg_data_types as types

    entries = [
        types.PMaxScheduleEntryType(
            TimeInterval=types.RelativeTimeIntervalType(start=n),
            PMax=types.PhysicalValueType(Multiplier=3, Unit="W", Value=n % 100),
        )
        for n in range(500)
    ]
    schedule = types.SAScheduleTupleType(
        SAScheduleTupleID=1, PMaxSchedule=types.PMaxScheduleType(PMaxScheduleEntry=entries)
    )
    response = codec.new(
        "iso2",
        "ChargeParameterDiscoveryRes",
        ResponseCode="OK",
        EVSEProcessing="Finished",
        SASchedules=types.SAScheduleListType(SAScheduleTuple=[schedule]),
        EVSEChargeParameter=types.AC_EVSEChargeParameterType(
            AC_EVSEStatus=types.AC_EVSEStatusType(NotificationMaxDelay=0, EVSENotification="None", RCD=False),
            EVSENominalVoltage=types.PhysicalValueType(Multiplier=0, Unit="V", Value=230),
            EVSEMaxCurrent=types.PhysicalValueType(Multiplier=0, Unit="A", Value=32),
        ),
    )
    add(seed, 11.0, response)
    view = views.xml(seed)
    document = check_forms(view)
    assert "details" in document.tags
    assert "\n".join(document.pres)[:2000] == seed.xml(4)[:2000]
    assert "journal.xml(4) has all" in document.text
    assert len(view._repr_html_()) < 300_000
    assert len(views.message(seed)._repr_html_()) < 300_000


def test_a_thousand_rows(charge) -> None:
    journal: Journal = charge(1000)
    journal.messages()  # decodes, and imports pandas
    for make in (views.messages, views.timing, lambda journal: views.fields(journal, "CurrentDemandReq")):
        took = []
        for _ in range(3):
            start = time.perf_counter()
            view = make(journal)
            rendered = view._repr_mimebundle_()
            took.append(time.perf_counter() - start)
        assert len(rendered["text/html"]) < 300_000
        assert len(rendered["text/plain"]) < 100_000
        assert re.search("… [0-9]+ more", rendered["text/plain"])
        assert min(took) < 0.25, f"{make} took {min(took) * 1000:.0f} ms"  # measured: a third of it
        check_forms(view)


def test_many_alike_are_one_line(charge) -> None:
    journal: Journal = charge(1000)
    lines = str(views.messages(journal)).split("\n")
    assert len(lines) == 9
    assert lines[6] == "… 1996 more like these"
    journal.append(FindingEntry(100.0, "sequence", "error", "out of order", 1000))
    lines = str(views.messages(journal)).split("\n")
    assert [line for line in lines if "✗ error (1)" in line]
    assert len(lines) == 15


def test_findings_of_the_whole_journal(charge) -> None:
    journal: Journal = charge(20)
    assert str(views.messages(journal)).startswith("40 messages, 0 findings")
    assert "Findings" not in str(views.messages(journal))
    journal.append(FindingEntry(1.0, "tcp-gap", "warning", "100 bytes are missing"))
    assert str(views.messages(journal)).startswith("40 messages, 1 finding")
    assert str(views.messages(journal)).endswith("△ warning: 100 bytes are missing (tcp-gap)")


def test_more_than_anybody_reads_is_cut(seed: Journal, add) -> None:
    for n in range(300):
        names = ("CableCheckReq", "PreChargeReq")
        add(seed, 11.0 + n, codec.new("sap", "supportedAppProtocolRes", ResponseCode="OK_SuccessfulNegotiation"))
        seed.append(FindingEntry(11.0 + n, "sequence", "error", names[n % 2], 4 + n))
    text = str(views.messages(seed))
    assert "… 184 more; .data has all 304" in text
    assert len(text.split("\n")) == 120 + 5


def test_late_answers_are_not_hidden_by_those_in_time(charge) -> None:
    journal: Journal = charge(300)
    late = journal.timing().query("verdict != 'ok'").index
    assert len(late) == 30
    shown = {row[0] for row in check_forms(views.timing(journal)).rows}
    assert {str(i) for i in late} <= shown
    assert "300 requests: 270 ✓ ok, 30 △ late" in str(views.timing(journal))


def test_fields_are_columns_with_units(charge) -> None:
    journal: Journal = charge(5)
    data = views.fields(journal, "CurrentDemandReq").data
    assert data.index.tolist() == [0, 2, 4, 6, 8]
    assert data["EVTargetVoltage (V)"].tolist() == [390.0, 390.1, 390.2, 390.3, 390.4]
    assert data["DC_EVStatus_EVRESSSOC (%)"].tolist() == [40, 41, 42, 43, 44]
    assert {name: str(dtype) for name, dtype in data.dtypes.items() if name != "DC_EVStatus_EVErrorCode"} == {
        "time (s)": "float64",
        "DC_EVStatus_EVReady": "boolean",
        "DC_EVStatus_EVRESSSOC (%)": "Int64",
        "EVTargetCurrent (A)": "float64",
        "ChargingComplete": "boolean",
        "EVTargetVoltage (V)": "float64",
    }
    assert "In all of them: DC_EVStatus_EVReady true · " in str(views.fields(journal, "CurrentDemandReq"))
    assert "In all of them" not in str(views.fields(charge(1), "CurrentDemandReq"))
    assert re.search("… [0-9]+ columns more$", str(views.fields(charge(1), "CurrentDemandRes")))


def test_a_wrong_name_suggests_the_right_one(charge) -> None:
    with pytest.raises(ValueError, match=r"has no CurrentDemandRq; did you mean CurrentDemandReq\?"):
        views.fields(charge(1), "CurrentDemandRq")
    with pytest.raises(ValueError, match="it has no messages"):
        views.fields(Journal(), "SessionSetupReq")


def test_no_message_and_no_such_message(seed: Journal) -> None:
    for view in (views.header, views.exi, views.xml, views.message, views.exchange):
        with pytest.raises(IndexError, match="holds no messages"):
            view(Journal())
        with pytest.raises(IndexError, match="there is no message 4: the journal holds messages 0 to 3"):
            view(seed, 4)
    assert str(views.messages(Journal())) == "0 messages, 0 findings"
    assert str(views.timing(Journal())) == "Timing of 0 requests: none"
    assert str(views.header(seed, -4)) == str(views.header(seed, 0))


def test_a_view_is_a_snapshot(seed: Journal, add) -> None:
    view = views.messages(seed)
    before = str(view), view._repr_html_()
    add(seed, 11.0, codec.new("iso2", "ServiceDiscoveryReq"))
    assert (str(view), view._repr_html_()) == before


def test_the_same_journal_gives_the_same_html(seed: Journal) -> None:
    assert [view._repr_html_() for view in everything(seed)] == [view._repr_html_() for view in everything(seed)]


def test_html_carries_every_fact_without_styles(seed: Journal) -> None:
    rendered = views.message(seed)._repr_html_()
    bare = html.unescape(re.sub(r"<[^>]+>", " ", rendered))
    for fact in ("FAILED_SequenceError", "KR*TC1*ISO1*001", "0x0000001F", seed.exi(3).hex(), "✓ 3 ms", "session"):
        assert fact in bare
    # Colours are the reader's theme's; the only one of ours is a line's.
    assert set(re.findall(r"(?:color|background)[^;\"]*", rendered)) == set()


def test_no_pandas_before_data_is_asked_for(seed: Journal, tmp_path: Path) -> None:
    seed.save(tmp_path / "seed.jsonl")
    program = (
        "import sys\nfrom secc_kernel import views, Journal\n"
        f"journal = Journal.load({str(tmp_path / 'seed.jsonl')!r})\n"
        "for view in (views.message, views.header, views.exi, views.xml, views.exchange):\n"
        "    view(journal)._repr_mimebundle_()\n"
        "print('pandas' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_long_paths_keep_their_end(seed: Journal, add) -> None:
    """Paths begin alike: what tells them apart is at their end."""
    cost = types.CostType(costKind="relativePricePercentage", amount=80, amountMultiplier=0)
    watts = types.PhysicalValueType(Multiplier=0, Unit="W", Value=100)
    entry = types.SalesTariffEntryType(
        TimeInterval=types.RelativeTimeIntervalType(start=0),
        ConsumptionCost=[types.ConsumptionCostType(startValue=watts, Cost=[cost])],
    )
    tariff = types.SalesTariffType(SalesTariffID=1, SalesTariffEntry=[entry])
    entry = types.PMaxScheduleEntryType(TimeInterval=types.RelativeTimeIntervalType(start=0), PMax=watts)
    schedule = types.PMaxScheduleType(PMaxScheduleEntry=[entry])
    tuple_ = types.SAScheduleTupleType(SAScheduleTupleID=1, PMaxSchedule=schedule, SalesTariff=tariff)
    schedules = types.SAScheduleListType(SAScheduleTuple=[tuple_])
    parameter = types.AC_EVSEChargeParameterType(
        AC_EVSEStatus=types.AC_EVSEStatusType(NotificationMaxDelay=0, EVSENotification="None", RCD=False),
        EVSENominalVoltage=types.PhysicalValueType(Multiplier=0, Unit="V", Value=230),
        EVSEMaxCurrent=types.PhysicalValueType(Multiplier=0, Unit="A", Value=16),
    )
    response = codec.new(
        "iso2",
        "ChargeParameterDiscoveryRes",
        ResponseCode="OK",
        EVSEProcessing="Finished",
        SASchedules=schedules,
        EVSEChargeParameter=parameter,
    )
    add(seed, 11.0, response, auto=("ResponseCode",))
    text = str(views.message(seed))
    for field in ("costKind", "amount ", "amountMultiplier"):
        assert re.search(rf"^ *…\S*/Cost\[0\]/{field}", text, re.MULTILINE)
    assert max(map(len, text.split("\n"))) <= 120


def test_a_physical_value_breaks_the_schema_where_its_number_does(charge, add) -> None:
    journal: Journal = charge(1)
    response = journal.message(1)
    response.body.EVSEPresentVoltage.Value = 99999
    add(journal, 1.0, response, intended=("EVSEPresentVoltage.Value",))
    rows = check_forms(views.message(journal)).rows
    assert ["EVSEPresentVoltage", "9999.9 V", "script, breaks the schema on purpose"] in rows
    assert ["EVSEPresentCurrent", "124.9 A", "script"] in rows


def test_parts_of_a_physical_value_that_the_script_left_out_are_told(charge, add) -> None:
    journal: Journal = charge(1)
    auto = ("EVSEPresentVoltage.Multiplier", "EVSEPresentVoltage.Unit", "EVSEPresentCurrent.Unit", "ResponseCode")
    add(journal, 1.0, journal.message(1), auto=auto)
    rows = {row[0]: row[2] for row in check_forms(views.message(journal)).rows if len(row) == 3}
    assert rows["EVSEPresentVoltage"] == "script; Multiplier -1 from the autopilot"
    assert rows["EVSEPresentCurrent"] == "script"  # the unit of a current is no other


def test_bytes_are_shown_as_scripts_have_them(seed: Journal, add) -> None:
    request = codec.new("iso2", "AuthorizationReq", Id="ID1", GenChallenge=bytes(range(16)))
    add(seed, 11.0, request)
    assert re.search(f"^ *GenChallenge +{bytes(range(16)).hex().upper()}$", str(views.message(seed)), re.MULTILINE)


def test_the_session_id_is_the_sessions_unless_the_script_sets_it(seed: Journal, add) -> None:
    code = {"ResponseCode": "OK", "EVSEID": "ZZ00000"}
    add(seed, 11.0, codec.new("iso2", "SessionSetupRes", **code), auto=("Header.SessionID", "EVSEID"))
    assert re.search("^ *Header/SessionID +0000000000000000 +session$", str(views.message(seed)), re.MULTILINE)
    add(seed, 12.0, codec.new("iso2", "SessionSetupRes", **code), auto=("EVSEID",))
    assert re.search("^ *Header/SessionID +0000000000000000 +script$", str(views.message(seed)), re.MULTILINE)
    # A message that is the script's in all other parts needs no column.
    add(seed, 13.0, codec.new("iso2", "SessionSetupRes", **code), auto=("Header.SessionID",))
    assert "Set by" not in str(views.message(seed))


def test_a_request_that_a_script_holds_is_not_answered_yet(seed: Journal, add: Callable[..., None]) -> None:
    seed.append(StateEntry(11.0, "SECC", "handshake", "SessionSetupRes"))
    add(seed, 11.0, codec.new("iso2", "ServiceDiscoveryReq"))
    assert "ServiceDiscoveryReq at 1.000 s, … not answered yet (" in str(views.exchange(seed))
    assert "2 ✓ ok, 1 … not answered yet" in str(views.timing(seed))
    assert views.timing(seed).data["verdict"].tolist()[-1] == "not answered yet"
    seed.append(StateEntry(13.0, "EVCC", "SessionSetupRes", "ended (aborted)"))
    assert "✗ no response" in str(views.exchange(seed))
    assert "1 ✗ no response" in str(views.timing(seed))


def test_bytes_that_are_text_are_shown_as_text() -> None:
    journal = Journal(source="din")
    data = codec.encode(codec.new("din", "SessionSetupRes", ResponseCode="OK", EVSEID=b"KR*TC1*1"))
    journal.append(FrameEntry(0.0, sender="SECC", src="SECC", dst="EVCC", stream=0, data=data, schema="din"))
    shown = str(views.message(journal))
    assert "EVSEID KR*TC1*1" in shown
    assert "4B52" not in shown
    assert views.fields(journal, "SessionSetupRes").data["EVSEID"].tolist() == ["KR*TC1*1"]
