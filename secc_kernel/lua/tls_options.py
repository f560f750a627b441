"""The options of a session that concern TLS."""

from __future__ import annotations

from dataclasses import fields

from ..link.tls_contexts import VERSIONS, TlsSettings
from .errors import LuaUserError
from .options import Options

__all__ = ["tls_settings"]

_BELONGING = ("certificate", "tls_version", "tls_only", "tls_verify", "keylog", "disclose")
_DEFAULTS = {field.name: field.default for field in fields(Options)}


def tls_settings(options: Options) -> TlsSettings | None:
    """How the options say that TLS is done; None without TLS.

    Raises
    ------
    LuaUserError
        They contradict each other, or are no such values.
    """
    given = [name for name in _BELONGING if getattr(options, name) != _DEFAULTS[name]]
    if options.link == "listen":
        _check_listener(options, given)
        return None
    if options.tls is False:
        if given:
            raise LuaUserError(f"Session.Open: {given[0]} belongs to TLS: say tls=true, or tls='the folder of a PKI'")
        return None
    tls: object = options.tls  # whatever a script has given
    if tls is not True and not (isinstance(tls, str) and tls):
        raise LuaUserError(f"Session.Open: tls is true, false or the folder of a PKI, not {tls!r}")
    if options.link == "sim":
        raise LuaUserError(
            "Session.Open: the simulated link has no TCP connection that TLS could secure; "
            "use a real one: link='tcp' or link='plc'"
        )
    _check(options)
    return TlsSettings(
        pki=None if options.tls is True else options.tls,
        certificate=options.certificate,
        version=options.tls_version,
        only=options.tls_only,
        verify=options.tls_verify,
        keylog=options.keylog,
        disclose=options.disclose,
    )


def _check_listener(options: Options, given: list[str]) -> None:
    """Who listens does no TLS of its own, and reads that of others with a file of their secrets."""
    unfit = [name for name in ("tls", *given) if name != "keylog" and getattr(options, name) != _DEFAULTS[name]]
    if unfit:
        raise LuaUserError(
            f"Session.Open: {unfit[0]} is for who takes part in a session; a listener reads TLS with keylog='FILE', "
            "where the secrets of one end are written"
        )
    _check_strings(options, "keylog")


def _check(options: Options) -> None:
    for name in ("tls_only", "tls_verify", "disclose"):
        if not isinstance(getattr(options, name), bool):
            raise LuaUserError(f"Session.Open: {name} is true or false, not {getattr(options, name)!r}")
    _check_strings(options, "certificate", "keylog")
    if options.tls_version not in (None, *VERSIONS):
        shown = " or ".join(map(repr, VERSIONS))
        raise LuaUserError(f"Session.Open: tls_version is {shown}, not {options.tls_version!r}")
    if options.certificate is not None and options.tls is True:
        raise LuaUserError(
            "Session.Open: certificate names one of a PKI's: say tls='the folder' (secc-kernel pki new DIR makes one)"
        )


def _check_strings(options: Options, *names: str) -> None:
    for name in names:
        value = getattr(options, name)
        if value is not None and (not isinstance(value, str) or not value):
            raise LuaUserError(f"Session.Open: {name} is a string, not {value!r}")
