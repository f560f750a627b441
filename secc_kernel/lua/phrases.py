"""The sentences of inspection, completion and stubs in each language; what fields mean is in `messages.meanings`."""

from __future__ import annotations

from ..exi.datatypes import SimpleType
from .convert import is_text

__all__ = ["bounds", "deed", "kind", "say"]

_SAID: dict[str, tuple[str, str]] = {
    # labels
    "message": ("message", "메시지"),
    "element": ("element", "요소"),
    "part of": ("part of", "상위 요소"),
    "type": ("type", "형"),
    "range": ("range", "범위"),
    "unit": ("unit", "단위"),
    "presence": ("presence", "필수 여부"),
    "parameters": ("parameters", "파라미터"),
    "returns": ("returns", "반환"),
    "clause": ("clause", "조항"),
    "follows": ("may follow", "선행 메시지"),
    "standard": ("standard", "표준"),
    "example": ("example", "예제"),
    "members": ("members", "값"),
    "fields": ("fields", "필드"),
    "functions": ("functions", "함수"),
    "value": ("value", "값"),
    "defined": ("defined in", "정의"),
    "options": ("options", "옵션"),
    "meaning": ("meaning", "의미"),
    "function": ("function", "함수"),
    "header": ("header", "헤더"),
    "reference": ("The Lua API", "Lua API 레퍼런스"),
    # statements
    "about the reference": (
        "One page for each message, made from the declarations by `make docs`. A notebook tells the same by Tab.",
        "메시지마다 한 페이지이며 `make docs`가 선언에서 만듭니다. 노트북에서는 Tab으로 같은 설명을 볼 수 있습니다.",
    ),
    "other standards": (
        "`make docs` writes the pages of {standards} beside these, and all of them in Korean.",
        "`make docs`가 {standards}의 페이지도 만듭니다.",
    ),
    "header functions": (
        "The fields of the header have functions, too, the same for each message: see [header](header.md).",
        "헤더 필드의 함수는 모든 메시지에 공통입니다: [헤더](header.md).",
    ),
    "mandatory": ("mandatory", "필수"),
    "optional": ("optional", "선택"),
    "alternative": ("one of several alternatives", "여러 대안 중 하나"),
    "list": ("list, {low} to {high} items", "목록, 항목 {low}~{high}개"),
    "long list": ("list, at least {low} items", "목록, 항목 {low}개 이상"),
    "sent by": ("{message}, sent by the {sender}", "{message}, {sender}가 송신"),
    "goes with": ("goes with", "함께 설정"),
    "parts alone": (
        "{multiplier}: a number alone means what the autopilot's makes of it; with -1, 100 is 10.0",
        "{multiplier}: 숫자만 설정하면 오토파일럿의 값이 적용됩니다. -1이면 100은 10.0입니다",
    ),
    "index": ("list index, counted from 0", "목록 인덱스, 0부터"),
    "count": ("number of items, {max} at most", "항목 수, 최대 {max}"),
    "any count": ("number of items", "항목 수"),
    "specified": ("true or false", "true 또는 false"),
    "nil fits": ("nil fits any value", "nil은 모든 값과 일치"),
    "keyword": ("A keyword of Lua.", "Lua 예약어입니다."),
    "local": ("A local variable of this cell.", "이 셀의 지역 변수입니다."),
    "global": ("A global variable.", "전역 변수입니다."),
    "side SECC": (
        "The charger's side: its functions receive what the vehicle sends, and set and send the answers.",
        "충전기(SECC) 측 함수: 차량이 보낸 요청을 수신하고 응답을 설정해 송신합니다.",
    ),
    "side EVCC": (
        "The vehicle's side: its functions set and send the requests, and receive the answers.",
        "차량(EVCC) 측 함수: 요청을 설정해 송신하고 응답을 수신합니다.",
    ),
    "Session": (
        "The live session: open and close it, run it up to a message, wait, judge.",
        "라이브 세션: 열고 닫기, 원하는 메시지까지 실행, 대기, 판정.",
    ),
    "Ev": ("The simulated vehicle: plug it in, choose it, have it stop.", "시뮬레이션 차량: 연결, 선택, 정지."),
    "enumeration": (
        "The values of {name} in {standards}.",
        "{standards}의 {name} 값입니다.",
    ),
    "snippet": ("The whole exchange as a snippet.", "요청과 응답 전체의 코드 조각입니다."),
    "option": ("An option of {function}.", "{function}의 옵션입니다."),
    "or": (" or ", " 또는 "),
    # types of values
    "string": ("string", "문자열"),
    "hex": ("string of hex digits", "16진수 문자열"),
    "boolean": ("boolean", "boolean"),
    "integer": ("whole number", "정수"),
    "enum": ("enumeration", "열거형"),
    "characters": ("{range} characters", "{range}자"),
    "bytes": ("{range} bytes", "{range}바이트"),
    "between": ("{low} to {high}", "{low}~{high}"),
    "signed": ("64 bits, signed", "부호 있는 64비트"),
    "unsigned": ("64 bits, unsigned", "부호 없는 64비트"),
    "at least": ("at least {low}", "{low} 이상"),
    "at most": ("at most {high}", "최대 {high}"),
    # deeds of functions
    "Receive": (
        "Waits for {message}; the autopilot does everything else meanwhile.",
        "{message} 수신: 올 때까지 기다리며, 그동안 나머지는 오토파일럿이 합니다.",
    ),
    "Send": (
        "Sends {message} with what was set; mandatory fields that were not come from the autopilot.",
        "{message} 송신: 설정한 값으로 보내고, 설정하지 않은 필수 필드는 오토파일럿이 채웁니다.",
    ),
    "Check_Received": (
        "Whether {message} has arrived in this session.",
        "{message}를 이 세션에서 수신했는지 확인합니다.",
    ),
    "Set value": ("Sets {path}.", "{path} 설정."),
    "Get value": ("Reads {path}.", "{path} 조회."),
    "Check value": ("Compares what arrived: {path}.", "수신한 {path} 비교."),
    "Add value": ("Appends to the list: {path}.", "목록에 {path} 추가."),
    "Set count": ("Sets the number of items of {path}.", "{path}의 항목 수 설정."),
    "Get count": ("Reads the number of items of {path}.", "{path}의 항목 수 조회."),
    "Set specified": ("Sets whether {path} is present.", "{path}의 존재 여부 설정."),
    "Get specified": ("Reads whether {path} is present.", "{path}의 존재 여부 조회."),
    "Exist keys": (
        "Whether {message} has an item {path} with these values; nil fits any.",
        "{message}에 이 값들을 가진 {path} 항목이 있는지 확인합니다. nil은 모든 값과 일치합니다.",
    ),
}

_ORDER = {"en": 0, "ko": 1}


def say(key: str, language: str, **words: object) -> str:
    """A label or sentence in a language; English where there is no such language."""
    return _SAID[key][_ORDER.get(language, 0)].format(**words)


def deed(verb: str, what: str, path: str, message: str, language: str) -> str:
    """What a function of the API does."""
    key = verb if what == "message" else f"{verb} {what}"
    return say(key, language, path=path, message=message)


def kind(type_: SimpleType, language: str) -> str:
    """What kind of value a type has: string, whole number, ..."""
    if type_.kind in ("hexBinary", "base64Binary"):
        return say("string" if is_text(type_) else "hex", language)
    return say("enum" if type_.kind == "enumeration" else type_.kind, language)


def bounds(type_: SimpleType, language: str) -> str:
    """The range of a type's values or lengths; '' where it has none."""
    if type_.kind == "integer":
        return _between(type_.min_inclusive, type_.max_inclusive, language)
    length = _between(type_.min_length, type_.max_length, language)
    unit = "characters" if type_.kind == "string" else "bytes"
    return say(unit, language, range=length) if length else ""


def _between(low: int | None, high: int | None, language: str) -> str:
    if low is None and high is None:
        return ""
    if high is not None and high >= 2**63 - 1:
        return say("signed" if low else "unsigned", language)
    if low == high:
        return str(low)
    if low is None:
        return say("at most", language, high=high)
    return say("at least", language, low=low) if high is None else say("between", language, low=low, high=high)
