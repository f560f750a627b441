"""What a cell shows of the messages that its script sends and receives."""

from __future__ import annotations

from types import SimpleNamespace

from secc_kernel.kernel.transcript import MESSAGES_SHOWN, RUN_SHOWN, Transcript


def shown(*names: str) -> list[str]:
    """What is below a cell when it is over."""
    lines: list[str] = []

    def tell(text: str):
        place = len(lines)
        lines.append(text)

        def replace(text: str) -> None:
            lines[place] = text

        return replace

    transcript = Transcript(lambda entry: lines.append(entry.name), tell)
    for name in names:
        transcript.add(SimpleNamespace(name=name, layer="homeplug" if name.startswith("CM_") else "v2gtp"))
    transcript.end()
    return lines


def test_each_message_as_it_comes() -> None:
    names = ("SessionSetupReq", "SessionSetupRes", "ServiceDiscoveryReq", "ServiceDiscoveryRes")
    assert shown() == []
    assert shown(*names) == list(names)


def test_of_a_run_its_beginning_and_its_end() -> None:
    exchange = ("CurrentDemandReq", "CurrentDemandRes")
    assert shown(*exchange * 300, "PowerDeliveryReq") == [
        *exchange * 2,
        "… 595 more CurrentDemand messages, all in the journal (%%python: journal.messages())",
        "CurrentDemandRes",
        "PowerDeliveryReq",
    ]
    assert shown(*["CurrentDemandReq"] * 300)[RUN_SHOWN:] == [
        "… 295 more CurrentDemand messages, all in the journal (%%python: journal.messages())",
        "CurrentDemandReq",
    ]


def test_one_more_is_shown_and_not_counted() -> None:
    assert shown(*["CableCheckReq"] * (RUN_SHOWN + 1)) == ["CableCheckReq"] * (RUN_SHOWN + 1)


def test_not_more_than_anybody_reads() -> None:
    lines = shown(*("CableCheckReq", "PreChargeReq") * 500)
    assert len(lines) == MESSAGES_SHOWN + 2
    assert lines[-2] == f"… {999 - MESSAGES_SHOWN} more messages, all in the journal (%%python: journal.messages())"
    assert lines[-1] == "PreChargeReq"


def test_below_v2g_the_journal_has_no_table_of_messages() -> None:
    assert shown(*["CM_MNBC_SOUND_IND"] * 10)[4] == "… 5 more CM_MNBC_SOUND_IND messages, in the journal"
