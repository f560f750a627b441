# cython: language_level=3, wraparound=False
"""The compiled codec's loops in C: reads and writes types whose content is a list (`linear`), for `native`.

One small program instead of a C function for each type of each vocabulary (these come to some hundred megabytes of C):
a type's items become arrays of numbers, made from the same declarations at run time, and never out of date. Whatever is
not quite what the schema says raises `Odd`, or a Python error, exactly as in generated source.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItem
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_Check
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.object cimport PyObject
from libc.stdint cimport uint64_t
from libc.string cimport memcpy

from .bits import MAX_INTEGER, MAX_OCTETS, code_points
from .linear import linear
from .runtime import Odd

cdef object _create = object.__new__

cdef enum Form:
    ENUMERATION
    NBIT
    BOOLEAN
    UNSIGNED
    INTEGER
    STRING
    BINARY
    COMPLEX
    UNUSUAL

cdef dict _FORMS = {
    "enumeration": ENUMERATION, "nbit": NBIT, "boolean": BOOLEAN, "unsigned": UNSIGNED, "integer": INTEGER,
    "string": STRING, "binary": BINARY,
}

cdef int DEEPEST = 64  # elements within elements; deeper streams are the careful reader's


include "_streams.pxi"


cdef class Step:
    """One alternative of a type's content: where its value goes and how it is coded."""

    cdef int item
    cdef str name
    cdef Form form
    cdef bint element  # a simple value within an element: a code of one bit before it and one after it
    cdef int width
    cdef long long offset
    cdef tuple members
    cdef dict codes
    cdef object type
    cdef Program program


cdef class Item:
    """One item, as `linear.Item`."""

    cdef int first
    cdef int alternatives
    cdef Py_ssize_t min
    cdef Py_ssize_t max
    cdef bint repeated
    cdef bint group
    cdef str name
    cdef dict by_class
    cdef int width, choices  # of the event in the state before it
    cdef int width_again, choices_again


cdef class Program:
    """What one type's elements consist of."""

    cdef object type
    cdef list items
    cdef list steps
    cdef list unset
    cdef list lists
    cdef int count, end, end_width, end_choices
    cdef object careful_read, careful_write


cdef class Engine:
    """The programs of a schema.

    Parameters
    ----------
    compiler : Compiler
        Has the functions for types whose content is no list.
    """

    cdef object compiler, grammars
    cdef dict programs
    cdef tuple elements
    cdef list roots
    cdef int document_width

    def __init__(self, compiler):
        self.compiler = compiler
        self.grammars = compiler.grammars
        self.programs = {}
        self.elements = tuple(self.grammars.schema.elements)
        self.roots = [None] * len(self.elements)
        self.document_width = self.grammars.document_width

    # -- streams ----------------------------------------------------------------------------------------------------

    def decode(self, bytes data, bint fragment):
        """Element and value of a stream that follows the schema."""
        cdef Input stream = Input.__new__(Input)
        cdef Py_ssize_t left
        cdef Program program
        cdef uint64_t code
        stream.padded = data + b"\0\0\0\0\0\0\0\0"
        stream.data = <const unsigned char*>PyBytes_AS_STRING(stream.padded)
        stream.end = 8 * PyBytes_GET_SIZE(data)
        if stream.take(8) != 0x80:
            raise Odd
        if fragment:
            element, value = self._fragment(stream)
        else:
            code = stream.take(self.document_width)
            if code >= <uint64_t>len(self.roots):
                raise Odd
            element = self.elements[code]
            program = self.roots[code]
            if program is None:
                if not element.concrete or element.simple_type is not None:
                    raise Odd
                program = self.roots[code] = self.program(element.type)
            value = self.read(program, stream)
        left = stream.end - stream.at
        if left > 7 or stream.take(<int>left) != 0:
            raise Odd  # surplus bytes or odd padding
        return element, value

    cdef tuple _fragment(self, Input stream):
        cdef uint64_t code
        names = self.grammars.schema.fragments
        width = self.grammars.fragment_width
        code = stream.take(width)
        if code >= <uint64_t>len(names):
            raise Odd
        element = names[code].element
        if element is None or element.simple_type is not None:
            raise Odd
        value = self.read(self.program(element.type), stream)
        if stream.take(width) != <uint64_t>(len(names) + 1):
            raise Odd
        return element, value

    def encode(self, type_, value, int code, int width, int closing):
        """The stream of a root's value: its code, and after a fragment the closing one (else -1), have this width."""
        cdef Output stream = Output.__new__(Output)
        stream.put(0x80, 8)
        stream.put(code, width)
        self.write(self.program(type_), value, stream)
        if closing >= 0:
            stream.put(closing, width)
        if stream.count:
            stream.put(0, 8 - stream.count)
        return PyBytes_FromStringAndSize(<char*>stream.data, stream.size)

    # -- programs ---------------------------------------------------------------------------------------------------

    cdef Program program(self, type_):
        cdef PyObject* known = PyDict_GetItem(self.programs, type_)
        if known != NULL:
            return <Program>known
        cdef Program made = Program.__new__(Program)
        made.type = type_
        content = linear(self.grammars.of(type_))
        if content is None:
            made.careful_read = self.compiler.careful_reader(type_)
            made.careful_write = self.compiler.careful_writer(type_)
        else:
            self._fill(made, content)
        self.programs[type_] = made
        return made

    cdef int _fill(self, Program made, content) except -1:
        made.items, made.steps, made.unset, made.lists = [], [], [], []
        made.count = len(content.items)
        made.end = content.end
        made.end_width, made.end_choices = content.width(made.count), content.choices(made.count)
        for number, item in enumerate(content.items):
            made.items.append(self._item(content, number, item))
            for element, field in item.alternatives:
                made.steps.append(self._step(number, item, element, field))
                if item.kind == "CH" or (item.min > 0 and item.one_field):
                    continue  # will be set
                if field.repeated:
                    if field.name not in made.lists:
                        made.lists.append(field.name)
                elif field.name not in made.unset:
                    made.unset.append(field.name)
        return 0

    cdef Item _item(self, content, int number, item):
        cdef Item made = Item.__new__(Item)
        made.first, made.alternatives = item.first, len(item.alternatives)
        made.min, made.max = item.min, -1 if item.max is None else item.max
        made.repeated = item.repeated
        made.group = made.alternatives > 1 and item.one_field
        made.name = item.field.name
        made.width, made.choices = content.width(number), content.choices(number)
        if made.repeated:
            made.choices_again = content.choices_again(number)
            made.width_again = made.choices_again.bit_length()
        if made.group:
            made.by_class = {}
            for position, (element, _) in enumerate(item.alternatives):
                if element.concrete and element.simple_type is None:
                    made.by_class.setdefault(element.type, item.first + position)
        return made

    cdef Step _step(self, int number, item, element, field):
        cdef Step made = Step.__new__(Step)
        made.item = number
        made.name = field.name
        simple = field.type if item.kind != "SE" else element.simple_type
        made.element = item.kind == "SE"
        if made.element and (not element.concrete or (simple is not None and len(item.alternatives) > 1 and item.one_field)):
            made.form = UNUSUAL
        elif simple is None:
            made.form = COMPLEX
            made.type = element.type
        else:
            coding = simple.coding
            made.form = _FORMS[coding.form]
            made.width, made.offset = coding.width, coding.offset
            if made.form == ENUMERATION:
                made.members = tuple(simple.members)
                made.codes = {member: code for code, member in enumerate(simple.members)}
        return made

    # -- reading ----------------------------------------------------------------------------------------------------

    cdef object read(self, Program program, Input stream):
        if program.careful_read is not None:
            return self._read_carefully(program, stream)
        cdef object found = _create(program.type)
        cdef int position = 0, number
        cdef bint again = False
        cdef uint64_t code
        cdef Py_ssize_t occurrences = 0
        cdef Item item
        cdef Step step
        cdef list values = None
        stream.depth += 1
        if stream.depth > DEEPEST:
            raise Odd
        for name in program.unset:
            setattr(found, name, None)
        for name in program.lists:
            setattr(found, name, [])
        while True:
            if position == program.count:
                code = stream.take(program.end_width)
                if code >= <uint64_t>program.end_choices:
                    raise Odd
                break
            item = <Item>program.items[position]
            if again and occurrences < item.min:
                if stream.take(1) != 0:
                    raise Odd
                number = item.first
            elif again:
                code = stream.take(item.width_again)
                if code >= <uint64_t>item.choices_again:
                    raise Odd
                number = item.first + <int>code
            else:
                code = stream.take(item.width)
                if code >= <uint64_t>item.choices:
                    raise Odd
                number = item.first + <int>code
            if number == program.end:
                break
            step = <Step>program.steps[number]
            if again and step.item != position:
                again = False
            position = step.item
            item = <Item>program.items[position]
            value = self.value(step, stream)
            if not item.repeated:
                setattr(found, step.name, value)
                position += 1
                continue
            if not again:
                values = []
                setattr(found, step.name, values)
                again = True
                occurrences = 0
            values.append(value)
            occurrences += 1
            if occurrences == item.max:
                again = False
                position += 1
        stream.depth -= 1
        return found

    cdef object _read_carefully(self, Program program, Input stream):
        end = stream.end
        value, left = program.careful_read(int.from_bytes(stream.padded[: end >> 3], "big"), end - stream.at)
        stream.at = end - left
        return value

    cdef object value(self, Step step, Input stream):
        cdef object found
        cdef uint64_t code
        if step.form == COMPLEX:
            if step.program is None:
                step.program = self.program(step.type)
            return self.read(step.program, stream)
        if step.element and stream.take(1) != 0:
            raise Odd
        if step.form == ENUMERATION:
            code = stream.take(step.width)
            if code >= <uint64_t>len(step.members):
                raise Odd
            found = step.members[code]
        elif step.form == NBIT:
            found = <long long>stream.take(step.width) + step.offset
        elif step.form == BOOLEAN:
            found = stream.take(1) == 1
        elif step.form == UNSIGNED:
            found = stream.unsigned()
        elif step.form == INTEGER:
            found = -stream.unsigned() - 1 if stream.take(1) else stream.unsigned()
        elif step.form == STRING:
            found = stream.characters()
        elif step.form == BINARY:
            found = stream.octets(stream.length())
        else:
            raise Odd
        if step.element and stream.take(1) != 0:
            raise Odd
        return found

    # -- writing ----------------------------------------------------------------------------------------------------

    cdef int write(self, Program program, object source, Output stream) except -1:
        cdef int first, width, number, position
        cdef Py_ssize_t occurrences
        cdef Item item
        cdef object value
        if program.careful_write is not None:
            return stream.bits(program.careful_write(1, source))
        if type(source) is not program.type:
            raise Odd
        stream.depth += 1
        if stream.depth > DEEPEST:
            raise Odd
        first = 0
        width = (<Item>program.items[0]).width if program.count else program.end_width
        for position in range(program.count):
            item = <Item>program.items[position]
            if item.repeated:
                values = getattr(source, item.name)
                if type(values) is not list:
                    raise Odd
                occurrences = 0
                for value in <list>values:
                    if 0 < occurrences < item.min:
                        width = 1
                    stream.put(item.first - first, width)
                    self.put((<Step>program.steps[item.first]), value, stream)
                    occurrences += 1
                    first, width = item.first, item.width_again
                if occurrences < item.min or (item.max >= 0 and occurrences > item.max):
                    raise Odd
                if occurrences != item.max or occurrences == 0:
                    continue
            else:
                number = self._alternative(program, item, source)
                if number < 0:
                    continue
                stream.put(number - first, width)
                self.put((<Step>program.steps[number]), getattr(source, (<Step>program.steps[number]).name), stream)
            first = item.first + item.alternatives
            width = (<Item>program.items[position + 1]).width if position + 1 < program.count else program.end_width
        stream.put(program.end - first, width)
        stream.depth -= 1
        return 0

    cdef int _alternative(self, Program program, Item item, object source) except -2:
        """Number of the alternative that is there; -1 if none is and none has to be."""
        cdef int number, found = -1
        if item.group:
            value = getattr(source, item.name)
            if value is not None:
                return item.by_class[type(value)]
        else:
            for number in range(item.first, item.first + item.alternatives):
                if getattr(source, (<Step>program.steps[number]).name) is not None:
                    if found >= 0:
                        raise Odd
                    found = number
        if found < 0 and item.min > 0:
            raise Odd
        return found

    cdef int put(self, Step step, object value, Output stream) except -1:
        cdef long long number
        if step.form == COMPLEX:
            if step.program is None:
                step.program = self.program(step.type)
            return self.write(step.program, value, stream)
        if step.element:
            stream.put(0, 1)
        if step.form == ENUMERATION:
            stream.put(<uint64_t><long long>step.codes[value], step.width)
        elif step.form == BOOLEAN:
            if value is True:
                stream.put(1, 1)
            elif value is False:
                stream.put(0, 1)
            else:
                raise Odd
        elif step.form == STRING:
            stream.string(value)
        elif step.form == BINARY:
            if type(value) is not bytes:
                raise Odd  # among them `NO_BYTES`
            stream.small(<uint64_t>PyBytes_GET_SIZE(value))
            stream.octets(<bytes>value)
        elif not PyLong_Check(value):
            raise Odd
        elif step.form == NBIT:
            number = <long long>value - step.offset
            if number < 0 or number >> step.width:
                raise Odd
            stream.put(<uint64_t>number, step.width)
        elif step.form == UNSIGNED:
            stream.unsigned(value)
        elif step.form == INTEGER:
            stream.put(value < 0, 1)
            stream.unsigned(-value - 1 if value < 0 else value)
        else:
            raise Odd
        if step.element:
            stream.put(0, 1)
        return 0
