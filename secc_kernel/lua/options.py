"""The options of scripts: how a session is opened, and which simulated vehicle is plugged in."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Options", "Vehicle"]


@dataclass(frozen=True, slots=True)
class Options:
    """How a session is opened.

    Attributes
    ----------
    link : str
        ``sim`` (a simulated vehicle, on a clock of its own), ``tcp``, ``plc`` (a powerline modem), or ``listen`` (to
        somebody else's session, without sending anything).
    side : str
        The party that the script plays: ``SECC`` or ``EVCC``.
    interface : str or None
        TCP: the network interface with SDP; powerline: the one at the modem; listening: where.
    file : str or None
        Listening: a pcap or pcapng file that somebody writes, instead of an interface.
    host, port : str or None, int or None
        TCP: where to listen, or (as the EVCC) the station, without SDP.
    mac : str or None
        Powerline: the address that the script's side uses there, instead of the interface's own.
    key : str or None
        Powerline, SECC: the network's key (NMK), 32 hex digits, instead of a fresh one for each vehicle.
    assumed_attenuation : int or None
        Powerline, SECC: what the EV is told, in dB, where the modem measures none, as adapters for homes.
    receive_attenuation : int
        Powerline, SECC: what is lost between outlet and modem, dB, and no part of the cable's attenuation.
    slac : bool
        Simulated vehicle: whether there is a control pilot and a powerline, on which the modems are matched before IP.
    pilot : str or None
        TCP and powerline: the serial device of a control pilot board, such as ``/dev/ttyACM0``.
    tls : bool or str
        TLS on a real link: true makes certificates that nobody knows, and checks none; the folder of a PKI, as
        ``secc-kernel pki new`` makes it, shows and checks those.
    certificate : str or None
        TLS: which certificate of the PKI is shown, such as ``secc_expired``; ``secc`` or ``vehicle`` by default.
    tls_version : str or None
        TLS: ``1.2`` (ISO 15118-2) or ``1.3`` (ISO 15118-20) only; by default what the other side and the protocols ask.
    tls_only : bool
        TLS: whether the other side is refused if it goes without; otherwise that is a finding.
    tls_verify : bool
        TLS: whether the other side's certificate is checked, where the PKI has the root.
    keylog : str or None
        TLS: a file for the secrets, a line each, with which Wireshark reads a capture of the session. Listening: a file
        that has them.
    disclose : bool
        TLS: whether the secrets are sent as UDP datagrams on the interface, as dsV2Gshark reads them.
    journal : str or None
        A file for the journal.
    prefer : str
        How the station chooses among the protocols that both sides know; see `handshake.PREFERENCES`.
    strict : bool
        Whether the station refuses what its protocol forbids even where vehicles on the road are known to do it.
    """

    link: str = "sim"
    side: str = "SECC"
    interface: str | None = None
    file: str | None = None
    host: str | None = None
    port: int | None = None
    mac: str | None = None
    key: str | None = None
    assumed_attenuation: int | None = None
    receive_attenuation: int = 0
    slac: bool = True
    pilot: str | None = None
    tls: bool | str = False
    certificate: str | None = None
    tls_version: str | None = None
    tls_only: bool = False
    tls_verify: bool = True
    keylog: str | None = None
    disclose: bool = False
    journal: str | None = None
    prefer: str = "standard"
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Vehicle:
    """The simulated vehicle that is plugged in.

    Attributes
    ----------
    profile : str
        One of `vehicle.PROFILES`.
    soc, target : float
        State of charge when it is plugged in, and when it stops, in percent.
    mode : str or None
        ``AC`` or ``DC``; by default DC where the station and the vehicle have it.
    protocols : tuple of str or None
        What it offers, the first with the highest priority; by default what its profile does.
    patient : bool
        Whether it charges on whatever is wrong with a response, and looks at no voltage; findings tell what it was.
    tolerates : tuple of str or None
        The rules of findings that it lets pass, such as ``isolation``; by default what its profile does.
    """

    profile: str = "compact"
    soc: float = 40.0
    target: float = 80.0
    mode: str | None = None
    protocols: tuple[str, ...] | None = None
    patient: bool = False
    tolerates: tuple[str, ...] | None = None
