"""Which request may follow which response: the standards' message sequences as data.

A sequence is a table of rows ``after this response, these requests``, read from top to bottom: the first row fits whose
response, mode and conditions fit. A condition compares an element of the response, or of the request that it answers,
so "CableCheckRes with EVSEProcessing Finished" is a row and not code. Another standard is another table.

What the standard forbids and production vehicles do all the same, without harm, is a table too (`Tolerated`).

`Progress` walks a table along the messages that really went over the wire. Both sides of a session use it, and so may
whoever judges a recorded one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from secc_kernel.codec import Message

__all__ = ["HANDSHAKE", "SEQUENCES", "Progress", "Row", "Sequence", "Tolerated", "failed"]

HANDSHAKE = "supportedAppProtocolReq"
"""What every connection begins with ([V2G2-165])."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a sequence.

    Attributes
    ----------
    after : str
        The response.
    follow : tuple of str
        The requests that may follow it.
    ids : str
        The standard's requirements.
    when : tuple of (str, value)
        Elements of the response, or else of the request it answers, and what they must be.
    mode : str
        ``AC``, ``DC``, or '' for both.
    """

    after: str
    follow: tuple[str, ...]
    ids: str
    when: tuple[tuple[str, Any], ...] = ()
    mode: str = ""

    @property
    def state(self) -> str:
        """The row as the name of a state: ``PowerDeliveryRes(Start)``, ``PowerDeliveryRes(ReadyToChargeState)``."""
        conditions = ", ".join(_condition(name, value) for name, value in self.when)
        return f"{self.after}({conditions})" if conditions else self.after


def _condition(name: str, value: Any) -> str:
    return str(value) if not isinstance(value, bool) else name if value else f"not {name}"


@dataclass(frozen=True, slots=True)
class Tolerated:
    """A request out of sequence that a station may let pass: vehicles on the road send it, and nothing is at risk.

    Attributes
    ----------
    after : str
        The response before it.
    request : str
        The request.
    why : str
        What the standard says, and why it is let pass: ends the sentence of the finding.
    when : tuple of (str, value)
        Elements of the request and what they must be.
    """

    after: str
    request: str
    why: str
    when: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Sequence:
    """A standard's message sequence.

    Attributes
    ----------
    schema : str
        Key of the vocabulary.
    first : Row
        What may follow the handshake.
    rows : tuple of Row
        The table.
    mode_from : (str, str)
        The request and its element that choose between AC and DC; the mode is the value's first part.
    modes : tuple of str
        What the standard can charge by: ``AC``, ``DC``.
    final : tuple of str
        How the response codes begin after which the session is over.
    final_ids, sequence_ids, session_ids : str
        The requirements that say so; those on a request out of sequence, and on one with another SessionID.
    closes : bool
        Whether the station then closes the connection at once; otherwise it leaves that to the vehicle for a while.
    tolerated : tuple of Tolerated
        What a station that is not strict lets pass.
    """

    schema: str
    first: Row
    rows: tuple[Row, ...]
    mode_from: tuple[str, str]
    modes: tuple[str, ...]
    final: tuple[str, ...]
    final_ids: str
    sequence_ids: str
    session_ids: str
    closes: bool = False
    tolerated: tuple[Tolerated, ...] = ()
    _by_response: dict[str, tuple[Row, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.after, []).append(row)
        object.__setattr__(self, "_by_response", {name: tuple(rows) for name, rows in found.items()})

    def row(self, request: Message | None, response: Message, mode: str) -> Row | None:
        """The row that fits a response and the request that it answers."""
        for row in self._by_response.get(response.name, ()):
            if row.mode in ("", mode) and all(_element(request, response, name) == value for name, value in row.when):
                return row
        return None

    @property
    def renegotiates(self) -> bool:
        """Whether charging parameters can be negotiated again out of the charge loop."""
        again = self.mode_from[0]
        return any(row.after == "PowerDeliveryRes" and again in row.follow for row in self.rows)


def _element(request: Message | None, response: Message, name: str) -> Any:
    if hasattr(response.body, name):
        return getattr(response.body, name)
    return getattr(request.body, name, None) if request is not None else None


def failed(response: Message) -> bool:
    """Whether a response says FAILED, in whatever words."""
    return str(getattr(response.body, "ResponseCode", None)).lower().startswith("failed")


_STOP = "SessionStopReq"
_ONGOING: tuple[tuple[str, Any], ...] = ()
_FINISHED = (("EVSEProcessing", "Finished"),)
_RECEIPT = (("ReceiptRequired", True),)

_ISO2 = Sequence(
    schema="iso2",
    first=Row("supportedAppProtocolRes", ("SessionSetupReq",), "[V2G2-541]"),
    rows=(
        Row("SessionSetupRes", ("ServiceDiscoveryReq", _STOP), "[V2G2-543]"),
        Row("ServiceDiscoveryRes", ("ServiceDetailReq", "PaymentServiceSelectionReq", _STOP), "[V2G2-545]"),
        Row("ServiceDetailRes", ("ServiceDetailReq", "PaymentServiceSelectionReq", _STOP), "[V2G2-545]"),
        Row(
            "PaymentServiceSelectionRes", ("AuthorizationReq", _STOP), "[V2G2-551]",
            when=(("SelectedPaymentOption", "ExternalPayment"),),
        ),
        Row(
            "PaymentServiceSelectionRes",
            ("PaymentDetailsReq", "CertificateInstallationReq", "CertificateUpdateReq", _STOP),
            "[V2G2-551], [V2G2-554], [V2G2-557], [V2G2-558]",
            when=(("SelectedPaymentOption", "Contract"),),
        ),
        Row("CertificateInstallationRes", ("PaymentDetailsReq", _STOP), "[V2G2-554], [V2G2-557], [V2G2-558]"),
        Row("CertificateUpdateRes", ("PaymentDetailsReq", _STOP), "[V2G2-554], [V2G2-557], [V2G2-558]"),
        Row("PaymentDetailsRes", ("AuthorizationReq", _STOP), "[V2G2-560], [V2G2-687]"),
        Row("AuthorizationRes", ("ChargeParameterDiscoveryReq", _STOP), "[V2G2-573], [V2G2-813]", when=_FINISHED),
        Row("AuthorizationRes", ("AuthorizationReq", _STOP), "[V2G2-687], [V2G2-688]", when=_ONGOING),
        Row(
            "ChargeParameterDiscoveryRes", ("PowerDeliveryReq", _STOP), "[V2G2-565]", when=_FINISHED, mode="AC",
        ),
        Row(
            "ChargeParameterDiscoveryRes", ("CableCheckReq", _STOP), "[V2G2-582]", when=_FINISHED, mode="DC",
        ),
        Row(
            "ChargeParameterDiscoveryRes", ("ChargeParameterDiscoveryReq", _STOP), "[V2G2-688]", when=_ONGOING,
        ),
        Row("CableCheckRes", ("PreChargeReq", _STOP), "[V2G2-584]", when=_FINISHED, mode="DC"),
        Row("CableCheckRes", ("CableCheckReq", _STOP), "[V2G2-621]", when=_ONGOING, mode="DC"),
        Row("PreChargeRes", ("PreChargeReq", "PowerDeliveryReq", _STOP), "[V2G2-587]", mode="DC"),
        Row("PowerDeliveryRes", ("ChargingStatusReq",), "[V2G2-576]", when=(("ChargeProgress", "Start"),), mode="AC"),
        Row("PowerDeliveryRes", ("CurrentDemandReq",), "[V2G2-590]", when=(("ChargeProgress", "Start"),), mode="DC"),
        # In DC the cable check and the pre-charge come again after it ([V2G2-582]).
        Row(
            "PowerDeliveryRes", ("ChargeParameterDiscoveryReq", _STOP), "[V2G2-813]",
            when=(("ChargeProgress", "Renegotiate"),),
        ),
        Row("PowerDeliveryRes", (_STOP,), "[V2G2-568]", when=(("ChargeProgress", "Stop"),), mode="AC"),
        Row(
            "PowerDeliveryRes", ("WeldingDetectionReq", _STOP), "[V2G2-601]",
            when=(("ChargeProgress", "Stop"),), mode="DC",
        ),
        Row("ChargingStatusRes", ("MeteringReceiptReq",), "[V2G2-577]", when=_RECEIPT, mode="AC"),
        Row("ChargingStatusRes", ("ChargingStatusReq", "PowerDeliveryReq"), "[V2G2-575]", mode="AC"),
        Row("CurrentDemandRes", ("MeteringReceiptReq",), "[V2G2-795]", when=_RECEIPT, mode="DC"),
        Row("CurrentDemandRes", ("CurrentDemandReq", "PowerDeliveryReq"), "[V2G2-797]", mode="DC"),
        Row("MeteringReceiptRes", ("ChargingStatusReq", "PowerDeliveryReq"), "[V2G2-797]", mode="AC"),
        Row("MeteringReceiptRes", ("CurrentDemandReq", "PowerDeliveryReq"), "[V2G2-797]", mode="DC"),
        Row("WeldingDetectionRes", ("WeldingDetectionReq", _STOP), "[V2G2-597]", mode="DC"),
        Row("SessionStopRes", (), "[V2G2-571]"),
    ),
    mode_from=("ChargeParameterDiscoveryReq", "RequestedEnergyTransferMode"),
    modes=("AC", "DC"),
    final=("FAILED_SequenceError", "FAILED_UnknownSession"),
    final_ids="[V2G2-539]",
    sequence_ids="[V2G2-459], [V2G2-538]",
    session_ids="[V2G2-390], [V2G2-460]",
)  # fmt: skip

_READY, _NOT_READY = (("ReadyToChargeState", True),), (("ReadyToChargeState", False),)
_STOP_IN_LOOP = "[V2G-DC-462] and [V2G-DC-465] do not list it, but it ends the session everywhere else"

# DC with external payment is all that DIN SPEC 70121 uses. Its schema has more messages (ServiceDetail, PaymentDetails,
# certificates, ChargingStatus, MeteringReceipt); nothing leads to them.
_DIN = Sequence(
    schema="din",
    first=Row("supportedAppProtocolRes", ("SessionSetupReq",), "[V2G-DC-437]"),
    rows=(
        Row("SessionSetupRes", ("ServiceDiscoveryReq", _STOP), "[V2G-DC-439]"),
        Row("ServiceDiscoveryRes", ("ServicePaymentSelectionReq", _STOP), "[V2G-DC-441]"),
        Row("ServicePaymentSelectionRes", ("ContractAuthenticationReq", _STOP), "[V2G-DC-444]"),
        Row("ContractAuthenticationRes", ("ChargeParameterDiscoveryReq", _STOP), "[V2G-DC-495]", when=_FINISHED),
        Row("ContractAuthenticationRes", ("ContractAuthenticationReq", _STOP), "[V2G-DC-497]", when=_ONGOING),
        Row("ChargeParameterDiscoveryRes", ("CableCheckReq", _STOP), "[V2G-DC-453]", when=_FINISHED),
        Row("ChargeParameterDiscoveryRes", ("ChargeParameterDiscoveryReq", _STOP), "[V2G-DC-498]", when=_ONGOING),
        Row("CableCheckRes", ("PreChargeReq", _STOP), "[V2G-DC-455]", when=_FINISHED),
        Row("CableCheckRes", ("CableCheckReq", _STOP), "[V2G-DC-499]", when=_ONGOING),
        Row("PreChargeRes", ("PreChargeReq", "PowerDeliveryReq", _STOP), "[V2G-DC-458]"),
        Row("PowerDeliveryRes", ("CurrentDemandReq",), "[V2G-DC-462]", when=_READY),
        Row("PowerDeliveryRes", ("WeldingDetectionReq", _STOP), "[V2G-DC-459]", when=_NOT_READY),
        Row("CurrentDemandRes", ("CurrentDemandReq", "PowerDeliveryReq"), "[V2G-DC-465]"),
        Row("WeldingDetectionRes", ("WeldingDetectionReq", _STOP), "[V2G-DC-469]"),
        Row("SessionStopRes", (), "[V2G-DC-451]"),
    ),
    mode_from=("ChargeParameterDiscoveryReq", "EVRequestedEnergyTransferType"),
    modes=("DC",),
    # Any FAILED ends a session here, and the station closes the connection itself.
    final=("FAILED",),
    final_ids="[V2G-DC-665], [V2G-DC-940]",
    sequence_ids="[V2G-DC-390], [V2G-DC-666]",
    session_ids="[V2G-DC-391]",
    closes=True,
    tolerated=(
        Tolerated("PowerDeliveryRes", _STOP, _STOP_IN_LOOP),
        Tolerated("CurrentDemandRes", _STOP, _STOP_IN_LOOP),
        Tolerated(
            "CableCheckRes", "PowerDeliveryReq",
            "[V2G-DC-455] and [V2G-DC-499] do not list it, but vehicles that give up in the cable check switch off so",
            when=_NOT_READY,
        ),
    ),
)  # fmt: skip

SEQUENCES: dict[str, Sequence] = {"iso2": _ISO2, "din": _DIN}
"""The sequences by schema key, the newest first; a station can offer exactly these protocols."""


class Progress:
    """Where a conversation stands in its sequence.

    Attributes
    ----------
    allowed : tuple of str
        The requests that may come next.
    ids : str
        The requirements that say so.
    state : str
        A name for where it stands: the last response, with what counts about it.
    mode : str
        ``AC``, ``DC``, or '' before it is chosen.
    over : bool
        Whether the conversation has come to its end.
    """

    __slots__ = ("_after", "allowed", "ids", "mode", "over", "sequence", "state")

    def __init__(self) -> None:
        self._after = ""
        self.sequence: Sequence | None = None
        self.allowed: tuple[str, ...] = (HANDSHAKE,)
        self.ids = "[V2G2-165]"
        self.state = "handshake"
        self.mode = ""
        self.over = False

    @property
    def last(self) -> str:
        """The last response, for who reads; `state` tells the rows of the table apart."""
        name, _, code = self.state.partition("(")
        return f"{name} ({code.removesuffix(')')})" if code.startswith("FAILED") else name

    @property
    def rules(self) -> Sequence:
        """The sequence whose requirements count; before the handshake that of ISO 15118-2."""
        return self.sequence or _ISO2

    def tolerates(self, request: Message) -> Tolerated | None:
        """What lets a request pass that may not come here; None where nothing does."""
        for entry in self.rules.tolerated:
            if (entry.after, entry.request) == (self._after, request.name) and all(
                getattr(request.body, name, None) == value for name, value in entry.when
            ):
                return entry
        return None

    def negotiated(self, schema: str) -> None:
        """The handshake agreed on a protocol: what comes first is that of its sequence."""
        self.sequence = SEQUENCES[schema]
        self._at(self.sequence.first)

    def answered(self, request: Message | None, response: Message) -> None:
        """A response went over the wire; ``request`` is the one that it answers, if there was one.

        A FAILED response that does not end the session (`Sequence.final`) moves nothing: what was allowed still is
        ([V2G2-735] lets the vehicle ignore its content), and so is SessionStop.
        """
        sequence = self.sequence
        if sequence is None:
            return
        if failed(response):
            if str(response.body.ResponseCode).startswith(sequence.final):
                self.allowed, self.ids, self.over = (), sequence.final_ids, True
                self.state = f"{response.name}({response.body.ResponseCode})"
            elif _STOP not in self.allowed and self.state != sequence.first.state:
                self.allowed = (*self.allowed, _STOP)
            return
        if request is not None and request.name == sequence.mode_from[0]:
            self.mode = str(getattr(request.body, sequence.mode_from[1])).partition("_")[0]
        row = sequence.row(request, response, self.mode)
        if row is not None:
            self._at(row)

    def _at(self, row: Row) -> None:
        self.allowed, self.ids, self.state = row.follow, row.ids, row.state
        self._after = row.after
        self.over = not row.follow
