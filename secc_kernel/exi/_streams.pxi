"""The streams of `_engine`, which includes this file: bits read from and written to bytes."""

cdef class Input:
    """A stream, eight zero bytes after it, and how far it is read."""

    cdef bytes padded
    cdef const unsigned char* data
    cdef Py_ssize_t at
    cdef Py_ssize_t end
    cdef int depth

    cdef inline uint64_t take(self, int width) except? 0xFFFFFFFFFFFFFFFF:
        """Up to 57 bits."""
        cdef Py_ssize_t at = self.at
        cdef uint64_t found = 0
        cdef const unsigned char* p
        cdef int i
        if width == 0:
            return 0
        if at + width > self.end:
            raise Odd
        p = self.data + (at >> 3)
        for i in range(8):
            found = found << 8 | p[i]
        self.at = at + width
        return (found << (at & 7)) >> (64 - width)

    cdef bytes octets(self, Py_ssize_t count):
        cdef bytes found
        cdef unsigned char* q
        cdef const unsigned char* p = self.data + (self.at >> 3)
        cdef int shift = self.at & 7
        cdef Py_ssize_t i
        if count < 0 or count > (self.end - self.at) >> 3:
            raise Odd
        found = PyBytes_FromStringAndSize(NULL, count)
        q = <unsigned char*>PyBytes_AS_STRING(found)
        if shift == 0:
            memcpy(q, p, count)
        else:
            for i in range(count):
                q[i] = <unsigned char>(p[i] << shift | p[i + 1] >> (8 - shift))
        self.at += 8 * count
        return found

    cdef object unsigned(self):
        """An integer of any size."""
        cdef uint64_t octet = self.take(8)
        cdef uint64_t small = octet & 0x7F
        cdef int shift = 7
        while octet > 0x7F and shift < 56:
            octet = self.take(8)
            small |= (octet & 0x7F) << shift
            shift += 7
        if octet < 0x80:
            return small
        large = small
        places = shift
        while octet > 0x7F:
            octet = self.take(8)
            large |= int(octet & 0x7F) << places
            places += 7
            if places > 7 * MAX_OCTETS:
                raise Odd
        return large

    cdef Py_ssize_t length(self) except -1:
        """An announced length: more than the stream holds is odd, whatever it is."""
        cdef uint64_t octet = self.take(8)
        cdef uint64_t found = octet & 0x7F
        cdef int shift = 7
        while octet > 0x7F:
            if shift > 42:
                raise Odd
            octet = self.take(8)
            found |= (octet & 0x7F) << shift
            shift += 7
        return <Py_ssize_t>found

    cdef str characters(self):
        cdef Py_ssize_t count = self.length() - 2
        cdef Py_ssize_t start = self.at
        cdef uint64_t point, octet
        cdef Py_ssize_t i
        if count < 0:
            raise Odd  # a string-table reference
        cdef bytes plain = self.octets(count)
        if plain.isascii():
            return plain.decode("ascii")
        self.at = start
        cdef list found = []
        for i in range(count):
            point = self.take(8)
            if point > 0x7F:
                octet = self.take(8)
                point = point & 0x7F | (octet & 0x7F) << 7
                if octet > 0x7F:
                    octet = self.take(8)
                    if octet > 0x7F:
                        raise Odd
                    point |= octet << 14
            if point > 0x10FFFF or 0xD800 <= point <= 0xDFFF:
                raise Odd
            found.append(chr(point))
        return "".join(found)


cdef class Output:
    """A stream being written: whole bytes, and up to seven bits after them."""

    cdef unsigned char* data
    cdef Py_ssize_t size
    cdef Py_ssize_t room
    cdef uint64_t rest
    cdef int count
    cdef int depth

    def __dealloc__(self):
        PyMem_Free(self.data)

    cdef int reserve(self, Py_ssize_t more) except -1:
        cdef Py_ssize_t room
        cdef unsigned char* grown
        if self.size + more > self.room:
            room = 2 * (self.size + more) + 256
            grown = <unsigned char*>PyMem_Realloc(self.data, room)
            if grown == NULL:
                raise MemoryError
            self.data = grown
            self.room = room
        return 0

    cdef inline int put(self, uint64_t value, int width) except -1:
        """Up to 56 bits."""
        self.reserve(8)
        self.rest = self.rest << width | value
        self.count += width
        while self.count >= 8:
            self.count -= 8
            self.data[self.size] = <unsigned char>(self.rest >> self.count)
            self.size += 1
        self.rest &= (1 << self.count) - 1
        return 0

    cdef int octets(self, bytes value) except -1:
        cdef Py_ssize_t length = PyBytes_GET_SIZE(value)
        cdef const unsigned char* p = <const unsigned char*>PyBytes_AS_STRING(value)
        cdef Py_ssize_t i
        self.reserve(length + 8)
        if self.count == 0:
            memcpy(self.data + self.size, p, length)
            self.size += length
        else:
            for i in range(length):
                self.rest = self.rest << 8 | p[i]
                self.data[self.size] = <unsigned char>(self.rest >> self.count)
                self.size += 1
            self.rest &= (1 << self.count) - 1
        return 0

    cdef int small(self, uint64_t value) except -1:
        """An unsigned integer."""
        while value > 0x7F:
            self.put(value & 0x7F | 0x80, 8)
            value >>= 7
        return self.put(value, 8)

    cdef int unsigned(self, object value) except -1:
        cdef int overflow = 0
        cdef long long number = PyLong_AsLongLongAndOverflow(value, &overflow)
        if overflow == 0:
            if number < 0:
                raise Odd
            return self.small(<uint64_t>number)
        if not 0 <= value <= MAX_INTEGER:
            raise Odd
        while value > 0x7F:
            self.put(<uint64_t>(value & 0x7F | 0x80), 8)
            value >>= 7
        return self.put(<uint64_t>value, 8)

    cdef int string(self, object value) except -1:
        if type(value) is not str:
            raise Odd  # among them `NO_TEXT`
        cdef bytes plain = (<str>value).encode()
        self.small(<uint64_t>(len(<str>value) + 2))
        return self.octets(plain if PyBytes_GET_SIZE(plain) == len(<str>value) else code_points(value))

    cdef int bits(self, object led) except -1:
        """Bits led by a 1 bit."""
        cdef int odd
        width = led.bit_length() - 1
        odd = width & 7
        value = led ^ 1 << width
        self.octets((value >> odd).to_bytes(width >> 3, "big"))
        return self.put(<uint64_t>(value & (1 << odd) - 1), odd)
