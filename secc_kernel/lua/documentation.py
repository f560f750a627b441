"""What ``Session.*`` and ``Ev.*`` do and what their options are, in English and Korean.

The English texts stand where the functions and options are declared (`session_table.DOCUMENTATION`, the docstrings of
`bench.Options` and `bench.Vehicle`); here are the Korean ones beside them, and which values an option has.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from functools import cache, partial

from ..link.reach import known_requests
from ..link.tls_contexts import VERSIONS
from ..messages import vocabulary
from ..session.handshake import PREFERENCES
from ..session.sequence import HANDSHAKE, SEQUENCES
from ..session.station import Station
from ..vehicle import PROFILES, rules
from .control_pilot import AUTO, STATES, Drive
from .functions import SIDES, layer_messages
from .options import Options, Vehicle
from .session_table import DOCUMENTATION
from .station_table import MEMBERS, SETTINGS

__all__ = ["KOREAN", "OPTIONS", "Described", "choices", "described", "documented", "options", "switches"]

#: Values of an option that its description names; longer lists are for completion.
_NAMED = 8

OPTIONS: dict[str, tuple[type, ...]] = {
    "Session.Open": (Options, Vehicle),
    "Session.Station": (Station,),
    "Session.ControlPilot": (Drive,),
    "Ev.Plug": (Vehicle,),
}
"""The functions that take a table of options, and what declares the options."""

KOREAN: dict[str, str] = {
    "Session.Open": (
        "세션을 열고 그 위치를 돌려줍니다. 열려 있던 세션은 먼저 닫고, 메시지에 설정한 값은 잊습니다. "
        "Session.Autopilot(false), Session.Protocol, Session.Station은 Session.Close까지 그대로입니다. "
        "prefer는 충전기가 프로토콜을 고르는 방법('standard': 차량의 순위대로, 'latest', 'oldest')이고, "
        "strict는 금지된 것을 차량이 흔히 하더라도 거부합니다. "
        "나머지 옵션은 Ev.Plug와 같습니다."
    ),
    "Session.Close": ("세션을 끝냅니다. 저널은 남습니다. 차량, 충전기, 프로토콜, 오토파일럿은 처음 상태로 돌아갑니다."),
    "Session.Protocol": (
        "스크립트 쪽이 쓸 프로토콜을 제한합니다: 'iso2', 'din'. 인수가 없으면 협상된 프로토콜을 돌려줍니다."
    ),
    "Session.Autopilot": (
        "스크립트가 하지 않는 일을 오토파일럿이 할지 정합니다(기본: 켜짐). 인수가 없으면 상태를 돌려줍니다."
    ),
    "Session.RunTo": (
        "요청에 응답하기 직전까지(EVCC라면 그 요청 직전까지) 오토파일럿이 진행합니다. "
        "SLAC과 SDP는 모든 메시지를 받습니다: 이쪽 메시지는 보내기 직전까지, 상대의 메시지는 도착할 때까지 진행합니다."
    ),
    "Session.RunToEnd": (
        "세션이 끝날 때까지 오토파일럿이 진행하고, 끝난 방법('terminated', 'paused', 'aborted')과 이유를 돌려줍니다."
    ),
    "Session.RunFor": ("정한 시간 동안 오토파일럿이 진행합니다. 그동안 세션이 끝났으면 끝난 방법과 이유를 돌려줍니다."),
    "Session.RunUntil": (
        "함수가 true를 돌려줄 때까지 오토파일럿이 진행합니다. "
        "함수는 메시지마다 그 필드(fields.EVSEPresentVoltage_Value처럼 API의 이름)와 메시지 이름으로 호출됩니다."
    ),
    "Session.Station": (
        "충전기가 제공하는 것과 동작을 지금과 이후의 세션에 설정하고, 모든 설정을 테이블로 돌려줍니다. "
        "없을 수 있는 값(예: authorization_time, 고객이 결제하지 않음)은 false로 설정합니다."
    ),
    "Session.RunToPilot": (
        "컨트롤 파일럿이 그 상태('A'~'F')가 될 때까지 오토파일럿이 진행합니다(최대 seconds초, 기본 60초). "
        "true 또는 false와 이유를 돌려줍니다."
    ),
    "Session.ControlPilot": (
        "컨트롤 파일럿의 충전기 쪽을 곧바로 움직입니다. 이후는 오토파일럿이 이어 갑니다. "
        "상태, 듀티(%, 100은 발진 없음), 둘을 합친 글을 테이블로 돌려줍니다."
    ),
    "Session.Wait": ("스크립트 차례인 일을 미룬 채 시간이 흐르게 합니다: 응답을 늦게 하거나 하지 않을 수 있습니다."),
    "Session.Status": "세션이 어디까지 왔는지를 테이블로 돌려줍니다.",
    "Session.Check": (
        "판정을 기록합니다: 조건이 false나 nil이면 실패입니다. 스크립트는 계속되고, `run`은 상태 1로 끝납니다."
    ),
    "Session.Note": "저널에 메모를 남깁니다.",
    "Session.Break": (
        "이 메시지를 보내기 직전이나 받은 직후에 멈추는 중단점을 두고 그 번호를 돌려줍니다. "
        "condition은 필드 값의 테이블({ResponseCode='OK'})이나 필드를 받는 함수이고, hits는 멈출 차례입니다. "
        "인수가 없으면 중단점의 목록을 돌려줍니다. 시뮬레이션 시계는 멈춰 있습니다."
    ),
    "Session.Unbreak": "이 번호의 중단점, 이 메시지의 중단점, 또는 (인수가 없으면) 모든 중단점을 지웁니다.",
    "Ev.Plug": (
        "시뮬레이션 차량을 연결합니다: 프로파일, 지금과 멈출 때의 충전 상태(%), 'AC' 또는 'DC', 그리고 제안할 프로토콜"
        "({'din', 'iso2'}처럼 앞의 것이 우선). 실제 차량이 멈출 곳에서 멈추며, patient=true이면 계속 충전하고, "
        "tolerates={'isolation'}이면 그 규칙만 넘어갑니다."
    ),
    "Ev.ControlPilot": (
        "컨트롤 파일럿의 차량 쪽을 'A', 'B', 'C', 'D'로 옮기고 세션이 끝날 때까지 그대로 둡니다. "
        "'auto'이면 다시 차량이 움직입니다. 상태와 듀티를 테이블로 돌려줍니다."
    ),
    "Ev.Unplug": "진행 중인 일과 관계없이 플러그를 뽑습니다.",
    "Ev.Profile": "다음에 연결할 차량을 고르고, 고른 프로파일을 돌려줍니다.",
    "Ev.Profiles": "고를 수 있는 차량과 그 설명을 테이블로 돌려줍니다.",
    "Ev.Stop": "운전자가 멈춥니다: 차량이 다음 기회에 세션을 정상적으로 끝냅니다.",
    "Ev.Pause": "차량이 세션을 정상적으로 일시 중지합니다. 다음에 기다리는 메시지가 다시 깨웁니다.",
    "Ev.Renegotiate": "차량이 스케줄과 파라미터를 다시 협상합니다.",
    "link": "sim(자체 시계를 가진 시뮬레이션 차량), tcp, plc(전력선 모뎀), listen(보내지 않고 남의 세션 듣기).",
    "side": "스크립트가 맡는 쪽: SECC 또는 EVCC.",
    "interface": "TCP: SDP를 하는 네트워크 인터페이스. plc: 모뎀이 연결된 인터페이스. listen: 듣는 인터페이스.",
    "file": "listen: 인터페이스 대신, 다른 프로그램이 쓰고 있는 pcap 또는 pcapng 파일.",
    "host": "TCP: 수신 대기할 주소, EVCC라면 SDP 없이 접속할 충전기의 주소.",
    "port": "TCP: 수신 대기할 포트, EVCC라면 SDP 없이 접속할 충전기의 포트.",
    "slac": "시뮬레이션: 컨트롤 파일럿과 전력선(SLAC 매칭)을 둘지 여부. false이면 곧바로 IP로 시작.",
    "pilot": "TCP와 전력선: 컨트롤 파일럿 보드의 직렬 장치(예: /dev/ttyACM0).",
    "duty": "발진기의 듀티(%): 5는 통신 요청, 10~96은 전류 제한, 100은 발진 없음.",
    "error": "E(0 V) 또는 F(-12 V). false이면 끝냄.",
    "mac": "전력선: 인터페이스의 주소 대신 스크립트 쪽이 쓸 MAC 주소.",
    "key": "전력선, SECC: 차량마다 새로 만드는 대신 쓸 네트워크 키(NMK), 16진수 32자리.",
    "assumed_attenuation": "전력선, SECC: 모뎀이 측정하지 않을 때 차량에 알릴 감쇠(dB).",
    "receive_attenuation": "전력선, SECC: 콘센트와 모뎀 사이에서 잃는 감쇠(dB). 케이블의 것이 아님.",
    "tls": (
        "실제 링크의 TLS. true는 아무도 모르는 인증서를 만들고 상대를 검사하지 않습니다. "
        "PKI 폴더(secc-kernel pki new)를 주면 그 인증서를 보이고 상대를 검사합니다."
    ),
    "certificate": "TLS: 보일 PKI의 인증서(예: secc_expired). 기본은 secc 또는 vehicle.",
    "tls_version": "TLS: 1.2(ISO 15118-2) 또는 1.3(ISO 15118-20)만. 기본은 상대와 프로토콜에 따름.",
    "tls_only": "TLS: TLS를 쓰지 않는 상대를 거부할지 여부. 아니면 소견으로 남습니다.",
    "tls_verify": "TLS: PKI에 루트가 있을 때 상대의 인증서를 검사할지 여부.",
    "keylog": "TLS: 비밀 값을 쓸 파일. Wireshark가 이것으로 캡처를 해독합니다.",
    "disclose": "TLS: 비밀 값을 인터페이스에 UDP로 보낼지 여부(dsV2Gshark용).",
    "journal": "저널을 쓸 파일.",
    "prefer": "양쪽이 모두 아는 프로토콜 중에서 충전기가 고르는 방법.",
    "strict": "차량이 흔히 하더라도 프로토콜이 금지한 것을 충전기가 거부할지 여부.",
    "profile": "차량의 종류.",
    "soc": "연결할 때의 충전 상태(%).",
    "target": "차량이 충전을 멈추는 충전 상태(%).",
    "patient": "응답에 잘못이 있어도 계속 충전하고 전압을 보지 않을지 여부. 넘어간 것은 소견으로 남습니다.",
    "tolerates": "차량이 넘어갈 소견의 규칙('isolation' 등). 기본은 프로파일이 정합니다.",
    "EVSEID": "ISO 15118-2 부속서 H 형식의 EVSEID. DIN SPEC 70121에서는 그 문자의 바이트.",
    "energy_transfer_modes": "커넥터가 제공하는 방식, ISO 15118-2의 이름.",
    "payment_options": "결제 방식, 앞의 것이 우선.",
    "free": "충전 서비스의 FreeService.",
    "maximum_voltage": "DC 출력의 최대 전압(V).",
    "minimum_voltage": "DC 출력의 최소 전압(V).",
    "maximum_current": "DC 출력의 최대 전류(A).",
    "minimum_current": "DC 출력의 최소 전류(A).",
    "maximum_power": "DC 출력의 최대 전력(W).",
    "nominal_voltage": "AC 출력의 상전압(V).",
    "phase_current": "AC 출력의 상별 전류(A).",
    "authorization_time": "첫 AuthorizationReq부터 고객이 인증될 때까지의 초. 없으면 인증되지 않음.",
    "parameter_time": "스케줄을 준비하는 데 걸리는 초.",
    "isolation_time": "절연 시험에 걸리는 초.",
    "voltage_rate": "DC 출력 전압의 변화율(V/s).",
    "current_rate": "DC 출력 전류의 변화율(A/s).",
    "notification": "EVSEStatus가 차량에 알리는 것: None, StopCharging, ReNegotiation. 차량이 따르면 None으로 돌아감.",
    "notification_max_delay": "알림을 따라야 하는 시간(초).",
    "status_code": "평소의 DC_EVSEStatusCode 대신 보여 줄 값(예: EVSE_EmergencyShutdown).",
    "receipt_interval": "충전 중 계량 영수증 사이의 초. 없으면 요구하지 않음.",
    "meter_id": "계량기의 MeterID.",
    "mode": "AC 또는 DC. 기본은 양쪽이 DC를 지원하면 DC.",
    "protocols": "차량이 제안할 프로토콜, 앞의 것이 우선. 기본은 프로파일에 따름.",
}
"""The Korean texts, by function or option. What is not here is said in English."""


@dataclass(frozen=True, slots=True)
class Described:
    """A function of ``Session`` or ``Ev``.

    Attributes
    ----------
    signature, text : str
        How it is called, and what it does.
    options : tuple of (name, text)
        What its table of options may hold.
    """

    signature: str
    text: str
    options: tuple[tuple[str, str], ...] = ()


def described(name: str, language: str = "en") -> Described | None:
    """What there is to say about ``Session.RunTo``; None for a name that is not documented."""
    if name not in DOCUMENTATION:
        return None
    signature, english = DOCUMENTATION[name]
    text = KOREAN.get(name, english) if language == "ko" else english
    return Described(signature, text, options(name, language))


def documented(table: str) -> list[str]:
    """The documented functions of ``Session`` or ``Ev``."""
    return [name.partition(".")[2] for name in DOCUMENTATION if name.startswith(f"{table}.")]


@cache
def options(function: str, language: str = "en") -> tuple[tuple[str, str], ...]:
    """The options of a function that takes a table of them, and what each is for."""
    found = {}
    for declaring in OPTIONS.get(function, ()):
        english = _attributes(declaring)
        for declared in fields(declaring):
            if declaring is Station and declared.name not in SETTINGS:
                continue
            text = english.get(declared.name, "")
            said = KOREAN.get(declared.name, text) if language == "ko" else text
            values = choices(declared.name)
            if len(values) <= _NAMED and not all(value in said for value in values):
                said = f"{said.rstrip('.')}: {', '.join(map(repr, values))}."
            found[declared.name] = said
    return tuple(found.items())


def switches(function: str, option: str) -> bool:
    """Whether an option of a function is on or off, or may be."""
    types = (
        declared.type
        for declaring in OPTIONS.get(function, ())
        for declared in fields(declaring)
        if declared.name == option
    )
    return any("bool" in str(type_) for type_ in types)


def _attributes(declaring: type) -> dict[str, str]:
    """The lines of a docstring's section on attributes, by name."""
    section = (inspect.getdoc(declaring) or "").partition("Attributes\n----------\n")[2]
    found = {}
    for names, text in re.findall(r"^([\w, ]+) : .*\n((?:    .*\n?)+)", section, re.MULTILINE):
        said = re.sub(r"[;,] see [\w.`]+", "", " ".join(text.split()).replace("``", "")).replace("`", "")
        found.update(dict.fromkeys(names.split(", "), said))
    return found


def _messages() -> list[str]:
    requests = sorted(known_requests(), key=_order().__getitem__)
    return [*(message for request in requests for message in (request, f"{request[:-3]}Res")), *layer_messages()]


@cache
def _order() -> dict[str, int]:
    names = dict.fromkeys([HANDSHAKE, *(m for schema in SEQUENCES for m in vocabulary(schema).messages)])
    return {name: place for place, name in enumerate(names)}


def _links() -> Iterable[str]:
    from .links import LINKS  # late: it needs what is documented here

    return LINKS


_CHOICES: dict[str, Callable[[], Iterable[str]]] = {
    "Session.RunTo": lambda: (*sorted(known_requests(), key=_order().__getitem__), *layer_messages()),
    "Session.Break": _messages,
    "Session.Protocol": lambda: SEQUENCES,
    "Ev.Profile": lambda: PROFILES,
    "link": _links,
    "side": SIDES.values,
    "prefer": lambda: PREFERENCES,
    "tls_version": lambda: VERSIONS,
    "profile": lambda: PROFILES,
    "mode": lambda: ("AC", "DC"),
    "protocols": lambda: SEQUENCES,
    "tolerates": rules,
    "Session.RunToPilot": lambda: STATES,
    "Ev.ControlPilot": lambda: (*STATES[:4], AUTO),
    "error": lambda: STATES[4:],
    **{setting: partial(map, str, members) for setting, members in MEMBERS.items()},
}


def choices(name: str) -> tuple[str, ...]:
    """The texts that a function's argument (``Session.RunTo``) or an option (``profile``) may be; () for any."""
    return tuple(_CHOICES[name]()) if name in _CHOICES else ()
