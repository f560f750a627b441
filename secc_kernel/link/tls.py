"""TLS on a TCP connection, with the ciphertext in view.

The ssl module is given bytes in memory, and gives bytes (`ssl.MemoryBIO`); the socket is ours. So every record is
written into the journal as it goes over TCP, the handshake can be shown, and a failure can be explained by what both
sides have said.

A `TlsStream` stands between asyncio's transport and the link: the link sees a connection when the handshake is done,
and from then on only what was encrypted.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING, Any

from secc_kernel.link.net import LinkError
from secc_kernel.link.tls_contexts import Plan, Tls
from secc_kernel.session import tls_judgement
from secc_kernel.session.evcc import EVCC
from secc_kernel.session.journal import FindingEntry, FrameEntry, NoteEntry, SecretEntry
from secc_kernel.session.party import endpoint
from secc_kernel.session.secc import SECC
from secc_kernel.wire.tls import (
    Alert,
    Certificate,
    ContentType,
    Handshake,
    Record,
    RecordDecoder,
    TLSError,
)

if TYPE_CHECKING:
    from secc_kernel.link.tcp import TcpLink

__all__ = ["TlsStream"]

_HANDSHAKE_TIME = 15.0
"""Seconds that a handshake may take."""
_PIECE = 1 << 16
_HANDSHAKE = 0x16
_V2GTP = 0x01


class TlsStream(asyncio.Protocol):
    """A connection that is secured by TLS, or, of a station that allows it, begins without.

    Parameters
    ----------
    link : TcpLink
        The link.
    tls : Tls
        With what TLS is done.

    Attributes
    ----------
    tls : str
        The version that was agreed on, such as ``TLS 1.2``; '' before, and without TLS.
    number : int or None
        The number of the connection, once something of it is in the journal.
    closed : Future
        Done when the connection is gone.
    """

    def __init__(self, link: TcpLink, tls: Tls) -> None:
        self._link = link
        self._tls = tls
        self._server = tls.role == "SECC"
        self.tls = ""
        self.number: int | None = None
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: Any = None
        self._plan: Plan | None = None
        self._object: ssl.SSLObject | None = None
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._handshake = Handshake()
        self._decoders = {"client": RecordDecoder(), "server": RecordDecoder()}
        self._state = "new"  # new, handshake, open, plain, over
        self._begun = False  # whether the peer has begun to speak TLS
        self._heard = False  # whether anything came that was encrypted for the party
        self._deadline: asyncio.TimerHandle | None = None

    # -- what asyncio reports -----------------------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._deadline = asyncio.get_running_loop().call_later(_HANDSHAKE_TIME, self._too_late)
        self._link.stream_begun(self)
        if not self._server and self._state == "new":
            self._guard(self._ask)

    def data_received(self, data: bytes) -> None:
        if self._state == "plain":
            self._link.stream_data(self, data)
        elif self._state == "new" and not self._begun and data[0] != _HANDSHAKE:
            self._go_without(data)
        elif self._state != "over":
            self._guard(lambda: self._receive(data))

    def connection_lost(self, exc: Exception | None) -> None:
        state = self._state
        if state in ("new", "handshake") and (self._begun or not self._server):
            self._failed(self._side(of_peer=True), "", "" if exc is None else str(exc))
        elif state == "open":
            text = f"the {self._peer} closed the connection without saying so in TLS (close_notify)"
            self._find("tls.truncated", "note", text)
        self._end()
        self.closed.set_result(None)
        self._link.stream_lost(self, exc)

    # -- what the link asks for ---------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send bytes of the party."""
        if self._state == "plain":
            self._transport.write(data)
        elif self._state == "open":
            self._guard(lambda: self._encrypt(data))

    def _encrypt(self, data: bytes) -> None:
        assert self._object is not None
        self._object.write(data)
        self._flush()

    def close(self) -> None:
        """Close, after what was written; a peer is told in TLS as well."""
        if self._state == "open":
            self._say_goodbye()
        self._state = "over"
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._state = "over"
        self._transport.abort()

    def pause_reading(self) -> None:
        """Let TCP hold the peer back."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str) -> Any:
        """As the transport's."""
        return self._transport.get_extra_info(name)

    # -- the handshake ------------------------------------------------------------------------------------------------

    def _ask(self) -> None:
        party = self._link.party
        assert isinstance(party, EVCC)
        self._begin(self._tls.vehicle(party.protocols))
        self._advance()

    def _begin(self, plan: Plan) -> None:
        self._plan = plan
        self._object = plan.context.wrap_bio(self._in, self._out, server_side=self._server)
        self._state = "handshake"

    def _receive(self, data: bytes) -> None:
        """Take ciphertext, a record at a time: so the journal has each before what it says."""
        self._begun = True
        try:
            records = self._decoders[self._side(of_peer=True)].receive_data(data)
            problem = ""
        except TLSError as error:
            records, problem = list(error.records), str(error)
        for record in records:
            self._record(record, of_peer=True)
            if self._state == "new" and not self._choose(record):
                continue
            self._in.write(record.pack())
            self._advance()
            if self._state == "over":
                return
        if problem:
            self._find("tls.record", "error", f"the {self._peer} sent what is no TLS: {problem}")
            self._break_off(f"the {self._peer} sent what is no TLS")

    def _choose(self, record: Record) -> bool:
        """Whether the ClientHello is whole: then the station knows how to answer it."""
        hello = self._handshake.client_hello
        if hello is None:
            self._in.write(record.pack())
            return False
        party = self._link.party
        assert isinstance(party, SECC)
        self._begin(self._tls.station(hello, party.supported, party.strict))
        return True

    def _advance(self) -> None:
        """Let the ssl module do what it can with what is here."""
        assert self._object is not None
        try:
            if self._state == "handshake":
                self._object.do_handshake()
                self._established()
            while self._state == "open":
                data = self._object.read(_PIECE)
                if not data:
                    self._closed_by_peer()
                    break
                self._flush()
                self._heard = True
                self._link.stream_data(self, data)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._closed_by_peer()
        finally:
            self._flush()

    def _established(self) -> None:
        assert self._object is not None
        self._flush()
        self._state = "open"
        self._stop_deadline()
        shake = self._handshake
        self.tls = shake.version
        self._know_leaf()
        self._note(f"{tls_judgement.ANNOUNCEMENT}{self._peer_address}: {tls_judgement.summary(shake)}")
        for said in tls_judgement.judge(shake):
            if said.rule != "tls.roots" or self._server:  # what our own vehicle cannot say is no finding
                self._find(said.rule, said.severity, said.text)
        if self._server and shake.tls13 and "client" not in shake.certificates:
            text = "the vehicle showed no certificate, which ISO 15118-20 demands ([V2G20-2400])"
            why = (
                "" if self._tls.settings.verifies else ": it was not asked for one, since there is no root to check it"
            )
            self._find("tls.no-certificate", "note" if why else "error", text + why)
        if not self._server and not self._tls.settings.verifies:
            why = "it was said so" if self._tls.settings.pki else "there is no root to check it with (tls='DIR')"
            self._find("tls.unverified", "note", f"the station's certificate is not checked: {why}")
        self._link.stream_made(self, self)

    def _know_leaf(self) -> None:
        """TLS 1.3 encrypts certificates: the peer's is known from the ssl module."""
        assert self._object is not None
        side = self._side(of_peer=True)
        der = self._object.getpeercert(binary_form=True)
        if der is not None and side not in self._handshake.certificates:
            self._handshake.certificates[side] = Certificate((der,))

    def _closed_by_peer(self) -> None:
        """The peer has said that it sends no more."""
        self._say_goodbye()
        self._state = "over"
        self._transport.close()

    def _say_goodbye(self) -> None:
        assert self._object is not None
        try:
            self._object.unwrap()
        except (ssl.SSLError, ValueError):
            pass  # the peer's answer is not waited for
        self._flush()

    def _go_without(self, data: bytes) -> None:
        """The vehicle speaks without TLS."""
        self._stop_deadline()
        plain = data[0] == _V2GTP
        if plain and not self._tls.settings.only:
            self._state = "plain"
            self._find("tls.plain", "warning", f"{self._peer_address} goes without TLS, though the station does TLS")
            self._link.stream_made(self, self)
            self._link.stream_data(self, data)
            return
        what = "speaks V2GTP without TLS" if plain else f"sent what is no TLS (first byte 0x{data[0]:02X})"
        text = f"{self._peer_address} {what}, and is refused: the station does TLS here"
        self._find("tls.plain", "error", text + (" only (tls_only)" if plain else ""))
        self._break_off(text)

    # -- what goes wrong ----------------------------------------------------------------------------------------------

    def _guard(self, call: Any) -> None:
        """Do something that may end the connection."""
        try:
            call()
        except ssl.SSLError as error:
            self._flush()
            sender, alert = self._who(error)
            # In TLS 1.3 a vehicle has done its part before the station has looked at its certificate.
            if self._state == "open" and (self._heard or self._server):
                self._find("tls.broken", "error", f"the connection broke: {_words(error)}" + _after(sender, alert))
                self._break_off(f"TLS broke: {_words(error)}")
            else:
                self._failed(sender, alert, _words(error))
        except (OSError, TLSError) as error:
            self._find("tls.failed", "error", f"TLS with {self._peer_address} failed: {error}")
            self._break_off(f"TLS failed: {error}")

    def _who(self, error: ssl.SSLError) -> tuple[str, str]:
        """Who gave up, and with which alert."""
        reason = (error.reason or "").upper()
        if "_ALERT_" in reason:
            return self._side(of_peer=True), reason.rpartition("_ALERT_")[2].lower()
        for sender, alert in self._handshake.alerts:
            return sender, alert.name
        return self._side(of_peer=False), _alert_of(error)

    def _failed(self, sender: str, alert: str, detail: str) -> None:
        """The handshake failed."""
        if self._state == "over":
            return
        # What the peer's alert is called in OpenSSL is said already.
        why = tls_judgement.failure(self._handshake, sender, alert, "" if " alert " in detail else detail)
        self._find("tls.handshake", "error", f"no TLS with {self._peer_address}: {why}")
        self._break_off(f"no TLS: {why.reason}")

    def _too_late(self) -> None:
        if self._state in ("new", "handshake"):
            text = f"{self._peer_address} did not finish the TLS handshake within {_HANDSHAKE_TIME:g} s"
            self._find("tls.handshake", "error", text)
            self._break_off(text)

    def _break_off(self, reason: str) -> None:
        """End the connection; alerts that are on their way still go out."""
        self._state = "over"
        self._stop_deadline()
        self._link.stream_failed(self, reason)
        self._transport.close()

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _end(self) -> None:
        self._state = "over"
        self._stop_deadline()
        if self._plan is not None:
            self._plan.tap.close()

    # -- the journal --------------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Send what the ssl module wants to send, and tell the secrets that it has made."""
        self._tell_secrets()
        data = self._out.read()
        if not data:
            return
        for record in self._decoders[self._side(of_peer=False)].receive_data(data):
            self._record(record, of_peer=False)
        self._transport.write(data)

    def _record(self, record: Record, *, of_peer: bool) -> None:
        side = self._side(of_peer)
        ends = [endpoint(self.get_extra_info(name)) for name in ("peername", "sockname")]
        src, dst = ends if of_peer else ends[::-1]
        party = self._link.party
        party.journal.append(
            FrameEntry(
                time=self._link.now,
                layer="tls",
                sender="EVCC" if side == "client" else "SECC",
                src=src,
                dst=dst,
                stream=self._stream_number(),
                payload_type=record.content_type,
                data=record.pack(),
            )
        )
        if not self._handshake.established or record.content_type == ContentType.Alert:
            for said in self._handshake.receive(side, record):
                if isinstance(said, Alert) and said.level == 1 and said.description:
                    self._find("tls.alert", "note", f"the {'vehicle' if side == 'client' else 'station'} warns: {said}")

    def _tell_secrets(self) -> None:
        lines = self._plan.tap.lines() if self._plan is not None else []
        if not lines:
            return
        number = self._stream_number()
        for line in lines:
            self._link.party.journal.append(SecretEntry(self._link.now, line, number))
        try:
            self._tls.log(lines)
        except LinkError as error:
            self._find("tls.keylog", "error", str(error))
        if self._tls.settings.disclose:
            self._link.disclose(lines)

    def _stream_number(self) -> int:
        if self.number is None:
            self.number = self._link.party.new_stream()
        return self.number

    def _find(self, rule: str, severity: str, text: str) -> None:
        self._link.party.journal.append(FindingEntry(self._link.now, rule, severity, text))

    def _note(self, text: str) -> None:
        self._link.party.journal.append(NoteEntry(self._link.now, text))

    # -- names --------------------------------------------------------------------------------------------------------

    def _side(self, of_peer: bool) -> str:
        return "client" if self._server == of_peer else "server"

    @property
    def _peer(self) -> str:
        return "vehicle" if self._server else "station"

    @property
    def _peer_address(self) -> str:
        return f"the {self._peer} {endpoint(self.get_extra_info('peername'))}"


#: What OpenSSL says when a chain is not accepted (X509_V_ERR_...) -> the alert that it sends.
_VERIFY_ALERTS = {
    2: "unknown_ca", 3: "unknown_ca", 7: "decrypt_error", 9: "bad_certificate", 10: "certificate_expired",
    18: "unknown_ca", 19: "unknown_ca", 20: "unknown_ca", 21: "unknown_ca", 23: "certificate_revoked",
    26: "unsupported_certificate",
}  # fmt: skip
#: OpenSSL's own reasons -> the alert that it sends.
_REASONS = {
    "NO_SHARED_CIPHER": "handshake_failure",
    "NO_SHARED_GROUPS": "handshake_failure",
    "NO_SUITABLE_KEY_SHARE": "handshake_failure",
    "NO_SUITABLE_SIGNATURE_ALGORITHM": "handshake_failure",
    "NO_SHARED_SIGNATURE_ALGORITHMS": "handshake_failure",
    "UNSUPPORTED_PROTOCOL": "protocol_version",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "certificate_required",
    "WRONG_VERSION_NUMBER": "protocol_version",
}


def _alert_of(error: ssl.SSLError) -> str:
    """The alert that our side sends with an error."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _VERIFY_ALERTS.get(error.verify_code, "bad_certificate")
    return _REASONS.get(error.reason or "", (error.reason or "internal_error").lower())


def _words(error: ssl.SSLError) -> str:
    """What OpenSSL says, without its numbers and places."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return str(error.verify_message)
    return (error.reason or str(error)).replace("_", " ").lower()


def _after(sender: str, alert: str) -> str:
    role = "vehicle" if sender == "client" else "station"
    return f" ({role}: {alert})" if alert else ""
