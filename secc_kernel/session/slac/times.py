"""The times and counts of matching and of the data link by name (ISO 15118-3), and what devices are forgiven."""

from __future__ import annotations

from dataclasses import dataclass

from secc_kernel.session.timers import Limit

__all__ = [
    "ATTENUATION_DIRECT",
    "ATTENUATION_INDIRECT",
    "C_CONN_MAX_MATCH",
    "C_EV_MATCH_MNBC",
    "C_EV_MATCH_RETRY",
    "C_EV_START_ATTEN_CHAR_INDS",
    "LIMITS",
    "Tolerances",
    "seconds",
]

_TIMEOUTS = (
    # The table allows 20 to 50 s.
    ("TT_EVSE_SLAC_init", 50.0, "SECC", "CP state B -> the first CM_SLAC_PARM.REQ"),
    ("TT_match_response", 0.2, "both", "a request -> its confirmation or response"),
    ("TT_match_sequence", 0.4, "both", "a confirmation -> the next request"),
    ("TT_EVSE_match_MNBC", 0.6, "SECC", "the first CM_START_ATTEN_CHAR.IND -> the last sound"),
    ("TT_EV_atten_results", 1.2, "EVCC", "the first CM_START_ATTEN_CHAR.IND -> all CM_ATTEN_CHAR.IND"),
    ("TT_EVSE_match_session", 10.0, "SECC", "CM_ATTEN_CHAR.RSP -> validation or match"),
    ("TT_EVSE_vald_toggle", 3.5, "SECC", "CM_VALIDATE.REQ -> the last toggle of the control pilot"),
    ("TT_match_join", 12.0, "both", "CM_SLAC_MATCH.CNF -> the modems have a link"),
    ("TT_amp_map_exchange", 0.2, "both", "CM_AMP_MAP.REQ -> CM_AMP_MAP.CNF"),
    ("TT_matching_rate", 0.4, "EVCC", "an attempt has failed -> the next one"),
    ("TT_matching_repetition", 10.0, "EVCC", "the first attempt -> the beginning of the last one"),
)
_PERFORMANCE = (
    ("TP_EV_SLAC_init", 10.0, "EVCC", "CP state B -> the first CM_SLAC_PARM.REQ"),
    ("TP_match_response", 0.1, "both", "a request -> its confirmation or response"),
    ("TP_match_sequence", 0.1, "both", "a confirmation -> the next request"),
    # The table allows 20 to 50 ms.
    ("TP_EV_batch_msg_interval", 0.04, "EVCC", "between two announcements or sounds"),
    ("TP_EVSE_avg_atten_calc", 0.1, "SECC", "the last sound -> CM_ATTEN_CHAR.IND"),
    ("TP_EV_match_session", 0.5, "EVCC", "CM_ATTEN_CHAR.RSP -> validation or match"),
    ("TP_amp_map_exchange", 0.1, "both", "CM_AMP_MAP.REQ -> CM_AMP_MAP.CNF"),
    ("TP_match_leave", 1.0, "both", "unplugged, or the session is over -> the network is left"),
    # The table allows 0.2 to 1 s.
    ("TP_link_ready_notification", 0.2, "both", "the modems have a link -> D-LINK_READY"),
    # The table allows 0.6 to 3.5 s.
    ("TP_EV_vald_toggle", 2.1, "EVCC", "the EV begins to toggle the control pilot -> it has done so"),
    # The table allows 0.2 to 0.4 s.
    ("T_vald_state_duration", 0.3, "EVCC", "each state of the control pilot while the EV toggles it"),
)
_PILOT = (
    # At least 3 and 4 s.
    ("T_step_X1", 3.0, "performance", "SECC", "the station stops to oscillate -> it signals state E or F"),
    ("T_step_EF", 4.0, "performance", "SECC", "the station signals state E or F -> it takes that back"),
    ("T_conn_max_comm", 8.0, "timeout", "SECC", "plugged in -> the station can be matched"),
    ("T_conn_resume", 6.0, "timeout", "both", "woken up -> the modems have their link again"),
)
_OTHERS = (
    ("TT_link_status_response", 5.0, "both", "a modem is asked for its link -> it answers"),
    ("SET_KEY_Response", 1.0, "both", "a modem is given a key -> it confirms"),
)

_TABLE_A1 = "ISO 15118-3, Table A.1"

LIMITS: dict[str, Limit] = {
    limit.name: limit
    for limit in (
        *(Limit(name, seconds, "timeout", side, _TABLE_A1, meaning) for name, seconds, side, meaning in _TIMEOUTS),
        *(
            Limit(name, seconds, "performance", side, _TABLE_A1, meaning)
            for name, seconds, side, meaning in _PERFORMANCE
        ),
        *(Limit(name, seconds, kind, side, "ISO 15118-3", meaning) for name, seconds, kind, side, meaning in _PILOT),
        *(
            Limit(name, seconds, "timeout", side, "not in the standard", meaning)
            for name, seconds, side, meaning in _OTHERS
        ),
    )
}
"""The named times of matching and of the data link."""

C_EV_MATCH_MNBC = 10
"""Sounds of one attempt."""
C_EV_START_ATTEN_CHAR_INDS = 3
"""How often they are announced."""
C_EV_MATCH_RETRY = 2
"""How often a request without an answer is repeated."""
C_CONN_MAX_MATCH = 3
"""How often an EV matches in one go, and how often a data link begins anew, with state E between, until it is left."""
C_EV_VALD_NB_TOGGLES = 3
"""How often an EV toggles the control pilot to be recognised; 1 to 3."""
ATTENUATION_DIRECT = 10.0
"""C_EV_match_signalattn_direct, dB: an EVSE heard so well is the one that the cable leads to."""
ATTENUATION_INDIRECT = 20.0
"""C_EV_match_signalattn_indirect, dB: up to here it may be, and the control pilot has to tell."""


def seconds(name: str) -> float:
    """A named time, in seconds."""
    return LIMITS[name].seconds


@dataclass(frozen=True, slots=True)
class Tolerances:
    """What devices in the field do against the letter, and is let pass with a finding.

    Attributes
    ----------
    set_key_result_1 : bool
        A modem confirms a key with Result 1, which by the text is a failure: all of Qualcomm's do.
    other_time_out : bool
        The EV announces a sounding of other than 600 ms; its word is taken. (A Compleo ignores such announcements.)
    vendor_profile : bool
        An AR7420 reports attenuation by its maker's own message in place of CM_ATTEN_PROFILE.IND.
    rematch : bool
        The EV begins again after it has been matched, as cars of Stellantis do.
    missing_sounds : bool
        Fewer sounds than announced were heard; the average is of those.
    assumed_attenuation : int or None
        What an EVSE tells, in dB, whose modem measures nothing, as adapters for homes; None: it tells nothing.
    """

    set_key_result_1: bool = True
    other_time_out: bool = True
    vendor_profile: bool = True
    rematch: bool = True
    missing_sounds: bool = True
    assumed_attenuation: int | None = None
