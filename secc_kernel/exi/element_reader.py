"""The careful reader's way through one element of declared type, deviations from the schema included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .datatypes import NO_BYTES, NO_TEXT, bits_for
from .declare import Child, Element, Field
from .errors import DecodeError, short
from .grammar import Grammar, State
from .names import ANY_TYPE, QName

if TYPE_CHECKING:
    from .reader import Reader


class ElementReader:
    """Reads one element by the grammar of its declared type."""

    def __init__(self, reader: Reader, qname: QName, grammar: Grammar) -> None:
        self.reader = reader
        self.input = reader.input
        self.qname = qname
        self.grammar = grammar
        self.value: Any = grammar.type() if grammar.simple is None else None

    def read(self) -> Any:
        state: State | None = self.grammar.start
        while state is not None:
            state = self._event(state)
        return self.value

    def _event(self, state: State) -> State | None:
        start = self.input.offset
        code = self.input.bits(state.width)
        count = len(state.productions)
        if code > count:
            raise DecodeError(f"event code {code}, but only 0 to {count} are defined here ({expected(state)})", start)
        if code == count:
            return self._deviation(state, start)
        production = state.productions[code]
        name = production.element.name if production.element else production.field.name if production.field else None
        self.reader.step(start, production.event, name, str(code), count + 1)
        if production.event == "EE":
            return None
        if production.event == "AT":
            assert production.field is not None
            setattr(self.value, production.field.name, self._attribute(production.field))
        elif production.event == "CH":
            self._characters()
        else:
            self._child(production.field, production.element)
        return state.after(code)

    def _attribute(self, field: Field) -> Any:
        with self.reader.inside(f"@{field.name}"):
            return self.reader.value(field.type, field.qname)

    def _characters(self) -> None:
        declared = self.grammar.value_type
        if declared is None:
            self._add_item(self.reader.untyped(self.qname))
        else:
            self._set_text(self.reader.value(declared, self.qname))

    def _set_text(self, value: Any) -> None:
        if self.grammar.simple is not None:
            self.value = value
        elif self.grammar.text_field is not None:
            setattr(self.value, self.grammar.text_field.name, value)

    def _add_item(self, item: Any) -> None:
        assert self.grammar.items_field is not None
        getattr(self.value, self.grammar.items_field.name).append(item)

    def _child(self, field: Field | None, element: Element | None) -> None:
        assert field is not None
        if element is None:
            start = self.input.offset
            qname = self.reader.qname()
            self.reader.step(start, "name", str(qname))
            self._add_item(self.reader.wildcard(qname))
        elif field.kind == "items":
            self._add_item(Child(element, self.reader.element(element)))
        elif field.repeated:
            values = getattr(self.value, field.name)
            values.append(self.reader.element(element, len(values)))
        else:
            setattr(self.value, field.name, self.reader.element(element))

    # -- what the schema does not foresee (EXI 1.0, 8.5.4.4.1) ----------------------------------------------------

    def _deviation(self, state: State, start: int) -> State | None:
        options = deviations(state)
        at = self.input.offset
        number = self.input.bits(bits_for(len(options)))
        if number >= len(options):
            raise DecodeError(
                f"undeclared event {number}, but only 0 to {len(options) - 1} are defined ({expected(state)})", at
            )
        option = options[number]
        self.reader.step(start, option, "not declared", f"{len(state.productions)}.{number}", len(options))
        if option == "EE":
            self._early_end(state)
            return None
        if option == "AT xsi:type":
            return self._change_type(state)
        if option == "AT xsi:nil":
            return self._nil(state)
        if option == "AT *":
            self._undeclared_attribute()
            return state
        if option == "AT untyped":
            return self._untyped_attribute(state)
        if option == "SE *":
            self.reader.any(f"an undeclared element in {self.qname.name}")
        else:
            self._untyped_characters()
        return state.content()

    def _early_end(self, state: State) -> None:
        name = self.qname.name
        declared = self.grammar.value_type
        if declared is None:
            self.reader.finding("schema.incomplete", "error", f"{name} ends early: {expected(state)}")
        elif state.productions[-1].event == "CH" and self._text() is None:
            if declared.coding.form in ("string", "binary"):
                self._set_text(NO_TEXT if declared.coding.form == "string" else NO_BYTES)
                self.reader.finding("exi.no-characters", "note", f"{name} is empty, without a characters event")
            else:
                self.reader.finding("schema.incomplete", "error", f"{name} has no value")

    def _text(self) -> Any:
        field = self.grammar.text_field
        return self.value if field is None else getattr(self.value, field.name)

    def _change_type(self, state: State) -> State | None:
        wanted, known = self.reader.type_value()
        declared = self.grammar.type
        fits = isinstance(known, type) and isinstance(declared, type) and issubclass(known, declared)
        text = f"{self.qname.name} changes its type to {short(str(wanted))}"
        self.reader.finding("schema.xsi-type", "warning" if fits or known is None else "error", text)
        if wanted == ANY_TYPE:
            self.value = self.reader.generic.anything(self.qname)
            return None
        if known is None:
            return state
        self.grammar = self.reader.grammars.of(known)
        self.value = self.grammar.type() if self.grammar.simple is None else None
        return self.grammar.start

    def _nil(self, state: State) -> State | None:
        start = self.input.offset
        nil = bool(self.input.bits(1))
        self.reader.step(start, "value", nil)
        self.reader.finding("schema.nil", "error", f"{self.qname.name} carries xsi:nil={str(nil).lower()}")
        if not nil:
            return state
        self.grammar = self.grammar.nil
        return self.grammar.start

    def _undeclared_attribute(self) -> None:
        start = self.input.offset
        name = self.reader.qname()
        self.reader.step(start, "name", str(name))
        value = self.reader.untyped(name)
        shown = f"{short(str(name))}={short(repr(value))}"
        self.reader.finding("schema.undeclared-attribute", "warning", f"undeclared attribute {shown}")

    def _untyped_attribute(self, state: State) -> State:
        declared = [(code, p) for code, p in enumerate(state.productions) if p.event == "AT"]
        start = self.input.offset
        number = self.input.bits(bits_for(len(declared) + 1))
        if number > len(declared):
            raise DecodeError(f"undeclared attribute event {number} of {len(declared) + 1}", start)
        code, field = (declared[number][0], declared[number][1].field) if number < len(declared) else (0, None)
        self.reader.step(start, "AT", field.name if field else "*", str(number), len(declared) + 1)
        if field is None:
            self._undeclared_attribute()
            return state
        value = self.reader.untyped(field.qname)
        setattr(self.value, field.name, value)
        shown = f"{field.name}={short(repr(value))}"
        self.reader.finding("schema.untyped", "error", f"attribute {shown} is no {field.type.name}")
        return state.after(code)

    def _untyped_characters(self) -> None:
        value = self.reader.untyped(self.qname)
        declared = self.grammar.value_type
        if declared is None:
            self.reader.finding("schema.undeclared-text", "warning", f"text in {self.qname.name}: {short(repr(value))}")
        else:
            text = f"{short(repr(value))} is no {declared.name or declared.kind}"
            self.reader.finding("schema.untyped", "error", text)
            self._set_text(value)


def deviations(state: State) -> list[str]:
    """The undeclared events of a state, in the order of their second event code."""
    found = [] if state.ends else ["EE"]
    if state.start:
        found += ["AT xsi:type", "AT xsi:nil"]
    if state.before_content:
        found += ["AT *", "AT untyped"]
    return [*found, "SE *", "CH"]


def expected(state: State) -> str:
    """What a state allows, for a person."""
    names = []
    for production in state.productions:
        if production.event == "EE":
            names.append(f"the end of {state.grammar.name}")
        elif production.event == "CH":
            names.append("a value" if state.grammar.value_type else "text")
        elif production.event == "AT" and production.field is not None:
            names.append(f"attribute {production.field.name}")
        else:
            names.append(production.element.name if production.element else "any element")
    shown = names if len(names) <= 8 else [*names[:7], f"{len(names) - 7} more"]
    return "expected: " + " or ".join(shown)
