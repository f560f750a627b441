"""Lua's standard functions in one line each, in English and Korean, for inspection and completion.

The reference manual of Lua tells the rest. What differs here from plain Lua (streams, what is left of ``os`` and
``debug``) is said in the line.
"""

from __future__ import annotations

__all__ = ["OURS", "STANDARD"]

OURS = ("display", "clear", "input", "read_capture")
"""Functions that plain Lua does not have: the notebook's own."""

STANDARD: dict[str, tuple[str, str, str]] = {
    "_G": ("_G", "The table of all globals.", "모든 전역 변수의 테이블입니다."),
    "_VERSION": ("_VERSION", "The version of Lua, a string.", "Lua 버전 문자열입니다."),
    "assert": (
        "assert(v, message)",
        "Raises an error with the message if v is false or nil; otherwise gives all its arguments.",
        "v가 false나 nil이면 message로 오류를 내고, 아니면 인수를 그대로 돌려줍니다.",
    ),
    "collectgarbage": (
        "collectgarbage(option, arg)",
        "Collects garbage; 'count' gives the memory in use in KiB.",
        "쓰레기 수집을 합니다. 'count'는 사용 중인 메모리(KiB)를 돌려줍니다.",
    ),
    "dofile": (
        "dofile(path)",
        "Runs a file of Lua; gives what it returns.",
        "Lua 파일을 실행하고 그 결과를 돌려줍니다.",
    ),
    "error": (
        "error(message, level)",
        "Raises an error; the message may be any value, level 2 blames the caller.",
        "오류를 냅니다. message는 어떤 값이든 되고, level 2는 호출한 쪽을 가리킵니다.",
    ),
    "getmetatable": ("getmetatable(object)", "The metatable of a value, or nil.", "값의 메타테이블(없으면 nil)입니다."),
    "ipairs": (
        "ipairs(t)",
        "Iterates over t[1], t[2], ... up to the first nil: for i, v in ipairs(t) do.",
        "t[1], t[2], …를 첫 nil까지 차례로 돕니다: for i, v in ipairs(t) do.",
    ),
    "load": (
        "load(chunk, name, mode, env)",
        "Compiles Lua text; gives a function, or nil and the error. Bytecode is refused.",
        "Lua 텍스트를 컴파일해 함수를, 실패하면 nil과 오류를 돌려줍니다. 바이트코드는 거부합니다.",
    ),
    "loadfile": (
        "loadfile(path, mode, env)",
        "Compiles a file; gives a function, or nil and the error.",
        "파일을 컴파일해 함수를, 실패하면 nil과 오류를 돌려줍니다.",
    ),
    "next": (
        "next(t, key)",
        "The key after this one and its value; nil after the last.",
        "다음 키와 값을 돌려줍니다. 마지막 다음은 nil입니다.",
    ),
    "pairs": (
        "pairs(t)",
        "Iterates over all keys and values of a table, in no order: for k, v in pairs(t) do.",
        "테이블의 모든 키와 값을 순서 없이 돕니다: for k, v in pairs(t) do.",
    ),
    "pcall": (
        "pcall(f, ...)",
        "Calls f and catches errors: true and its results, or false and the error.",
        "f를 호출하고 오류를 잡습니다: true와 결과, 또는 false와 오류입니다.",
    ),
    "print": (
        "print(...)",
        "Writes the values, separated by tabs, as a line below the cell.",
        "값들을 탭으로 구분해 셀 아래에 한 줄로 출력합니다.",
    ),
    "rawequal": (
        "rawequal(a, b)",
        "Whether both are the same value, whatever __eq says.",
        "메타메서드 없이 두 값이 같은지 비교합니다.",
    ),
    "rawget": ("rawget(t, key)", "t[key] without metamethods.", "메타메서드 없이 t[key]를 읽습니다."),
    "rawlen": (
        "rawlen(v)",
        "The length of a table or string without __len.",
        "__len 없이 테이블이나 문자열의 길이를 구합니다.",
    ),
    "rawset": ("rawset(t, key, value)", "t[key] = value without metamethods.", "메타메서드 없이 t[key]에 값을 씁니다."),
    "require": (
        "require(name)",
        "Loads a module once: name.lua beside the script or notebook; gives what it returns.",
        "모듈을 한 번 불러옵니다(스크립트나 노트북 옆의 name.lua). 모듈이 돌려주는 값을 줍니다.",
    ),
    "select": (
        "select(n, ...)",
        "The arguments from the n-th on; select('#', ...) counts them.",
        "n번째부터의 인수입니다. select('#', ...)는 개수를 셉니다.",
    ),
    "setmetatable": (
        "setmetatable(t, meta)",
        "Sets the metatable of t and gives t. Finalizers (__gc) are refused.",
        "t의 메타테이블을 정하고 t를 돌려줍니다. 종료자(__gc)는 거부합니다.",
    ),
    "tonumber": (
        "tonumber(v, base)",
        "v as a number, or nil; with a base, digits in that base.",
        "v를 숫자로 바꿉니다(안 되면 nil). base를 주면 그 진법으로 읽습니다.",
    ),
    "tostring": ("tostring(v)", "v as a string.", "v를 문자열로 바꿉니다."),
    "type": (
        "type(v)",
        "The type of a value as a string: 'nil', 'number', 'string', ...",
        "값의 형을 문자열로: 'nil', 'number', 'string' 등.",
    ),
    "warn": ("warn(message, ...)", "Writes a warning to the error stream.", "경고를 오류 스트림에 씁니다."),
    "xpcall": (
        "xpcall(f, handler, ...)",
        "As pcall; the handler gets the error while the stack is still there.",
        "pcall과 같되, 스택이 남아 있을 때 handler가 오류를 받습니다.",
    ),
    "coroutine": ("coroutine", "Functions that can be suspended.", "중단할 수 있는 함수(코루틴)의 라이브러리입니다."),
    "coroutine.close": (
        "coroutine.close(co)",
        "Ends a suspended coroutine and closes its variables.",
        "중단된 코루틴을 끝내고 변수를 닫습니다.",
    ),
    "coroutine.create": ("coroutine.create(f)", "A coroutine that will run f.", "f를 실행할 코루틴을 만듭니다."),
    "coroutine.isyieldable": (
        "coroutine.isyieldable(co)",
        "Whether it can yield here.",
        "여기서 yield할 수 있는지 알려 줍니다.",
    ),
    "coroutine.resume": (
        "coroutine.resume(co, ...)",
        "Starts or continues a coroutine: true and what it yields, or false and the error.",
        "코루틴을 시작하거나 이어 갑니다: true와 yield한 값, 또는 false와 오류입니다.",
    ),
    "coroutine.running": (
        "coroutine.running()",
        "The running coroutine, and whether it is the main one.",
        "실행 중인 코루틴과 그것이 주 코루틴인지입니다.",
    ),
    "coroutine.status": (
        "coroutine.status(co)",
        "'running', 'suspended', 'normal' or 'dead'.",
        "'running', 'suspended', 'normal', 'dead' 중 하나입니다.",
    ),
    "coroutine.wrap": (
        "coroutine.wrap(f)",
        "A function that resumes a new coroutine at each call.",
        "호출할 때마다 새 코루틴을 이어 가는 함수를 만듭니다.",
    ),
    "coroutine.yield": (
        "coroutine.yield(...)",
        "Suspends the coroutine; its resume gives these values.",
        "코루틴을 멈추고 resume에 이 값들을 돌려줍니다.",
    ),
    "debug": (
        "debug",
        "What is left of the debug library here: traceback and getinfo.",
        "여기서 쓸 수 있는 debug: traceback과 getinfo.",
    ),
    "debug.getinfo": (
        "debug.getinfo(f, what)",
        "Facts about a function or a level of the stack.",
        "함수나 스택 단계의 정보입니다.",
    ),
    "debug.traceback": ("debug.traceback(message, level)", "The call stack as text.", "호출 스택을 텍스트로 줍니다."),
    "io": (
        "io",
        "Files and streams; the standard ones are the notebook's.",
        "파일과 스트림. 표준 스트림은 노트북의 것입니다.",
    ),
    "io.input": ("io.input()", "The standard input.", "표준 입력입니다."),
    "io.lines": ("io.lines(name, ...)", "Iterates over the lines of a file.", "파일의 줄을 차례로 돕니다."),
    "io.open": (
        "io.open(name, mode)",
        "Opens a file; nil and the reason if that fails.",
        "파일을 엽니다. 실패하면 nil과 이유를 줍니다.",
    ),
    "io.output": ("io.output()", "The standard output.", "표준 출력입니다."),
    "io.popen": (
        "io.popen(command)",
        "Not available here: a cell that starts with ! runs commands.",
        "여기서는 쓸 수 없습니다: !로 시작하는 셀이 명령을 실행합니다.",
    ),
    "io.read": (
        "io.read(format)",
        "Asks the front end for a line: 'l', 'L', 'n', 'a' or a number of bytes.",
        "프런트엔드에 한 줄을 입력받습니다: 'l', 'L', 'n', 'a' 또는 바이트 수.",
    ),
    "io.stderr": ("io.stderr", "The error stream: io.stderr:write(text).", "오류 스트림: io.stderr:write(text)."),
    "io.stdin": ("io.stdin", "The input from the front end.", "프런트엔드의 입력입니다."),
    "io.stdout": ("io.stdout", "The output below the cell.", "셀 아래의 출력입니다."),
    "io.tmpfile": (
        "io.tmpfile()",
        "A temporary file, removed when it is closed.",
        "닫으면 지워지는 임시 파일을 엽니다.",
    ),
    "io.type": ("io.type(v)", "'file', 'closed file' or nil.", "'file', 'closed file' 또는 nil."),
    "io.write": (
        "io.write(...)",
        "Writes strings and numbers below the cell, without a line end.",
        "문자열과 숫자를 줄바꿈 없이 셀 아래에 씁니다.",
    ),
    "math": ("math", "Mathematical functions and constants.", "수학 함수와 상수입니다."),
    "math.abs": ("math.abs(x)", "The absolute value.", "절댓값입니다."),
    "math.acos": ("math.acos(x)", "The arc cosine, in radians.", "아크코사인(라디안)입니다."),
    "math.asin": ("math.asin(x)", "The arc sine, in radians.", "아크사인(라디안)입니다."),
    "math.atan": ("math.atan(y, x)", "The arc tangent of y/x, in radians.", "y/x의 아크탄젠트(라디안)입니다."),
    "math.ceil": ("math.ceil(x)", "The smallest integer that is not less than x.", "x 이상인 가장 작은 정수입니다."),
    "math.cos": ("math.cos(x)", "The cosine of x radians.", "x 라디안의 코사인입니다."),
    "math.deg": ("math.deg(x)", "Radians in degrees.", "라디안을 도로 바꿉니다."),
    "math.exp": ("math.exp(x)", "e to the power of x.", "e의 x제곱입니다."),
    "math.floor": ("math.floor(x)", "The largest integer that is not greater than x.", "x 이하인 가장 큰 정수입니다."),
    "math.fmod": (
        "math.fmod(x, y)",
        "The remainder of x/y, rounded towards zero.",
        "x/y의 나머지(0 쪽으로 반올림)입니다.",
    ),
    "math.huge": ("math.huge", "Infinity.", "무한대입니다."),
    "math.log": (
        "math.log(x, base)",
        "The logarithm; natural without a base.",
        "로그입니다. base가 없으면 자연로그입니다.",
    ),
    "math.max": ("math.max(x, ...)", "The largest of the arguments.", "인수 중 가장 큰 값입니다."),
    "math.maxinteger": ("math.maxinteger", "The largest integer, 2^63 - 1.", "가장 큰 정수(2^63 - 1)입니다."),
    "math.min": ("math.min(x, ...)", "The smallest of the arguments.", "인수 중 가장 작은 값입니다."),
    "math.mininteger": ("math.mininteger", "The smallest integer, -2^63.", "가장 작은 정수(-2^63)입니다."),
    "math.modf": ("math.modf(x)", "The integral and the fractional part.", "정수부와 소수부입니다."),
    "math.pi": ("math.pi", "π.", "원주율 π입니다."),
    "math.rad": ("math.rad(x)", "Degrees in radians.", "도를 라디안으로 바꿉니다."),
    "math.random": (
        "math.random(m, n)",
        "A random number: in [0, 1), from 1 to m, or from m to n.",
        "난수: [0, 1), 1에서 m까지, 또는 m에서 n까지.",
    ),
    "math.randomseed": (
        "math.randomseed(x, y)",
        "Makes math.random begin anew, the same for the same x and y.",
        "math.random을 처음부터 시작합니다. 같은 x와 y면 같은 수열입니다.",
    ),
    "math.sin": ("math.sin(x)", "The sine of x radians.", "x 라디안의 사인입니다."),
    "math.sqrt": ("math.sqrt(x)", "The square root.", "제곱근입니다."),
    "math.tan": ("math.tan(x)", "The tangent of x radians.", "x 라디안의 탄젠트입니다."),
    "math.tointeger": (
        "math.tointeger(x)",
        "x as an integer, or nil if it is none.",
        "x를 정수로 바꿉니다(정수가 아니면 nil).",
    ),
    "math.type": (
        "math.type(x)",
        "'integer', 'float', or nil for what is no number.",
        "'integer', 'float', 숫자가 아니면 nil입니다.",
    ),
    "math.ult": ("math.ult(m, n)", "Whether m < n as unsigned integers.", "부호 없는 정수로 m < n인지 비교합니다."),
    "os": (
        "os",
        "Time and files; what would end or leave the process is not here.",
        "시간과 파일. 프로세스를 끝내거나 벗어나는 것은 없습니다.",
    ),
    "os.clock": ("os.clock()", "Processor time that was used, in seconds.", "사용한 프로세서 시간(초)입니다."),
    "os.date": (
        "os.date(format, time)",
        "A time as text, or ('*t') as a table.",
        "시간을 텍스트로, '*t'면 테이블로 줍니다.",
    ),
    "os.difftime": ("os.difftime(t2, t1)", "Seconds from t1 to t2.", "t1에서 t2까지의 초입니다."),
    "os.execute": (
        "os.execute(command)",
        "Not available here: a cell that starts with ! runs commands.",
        "여기서는 쓸 수 없습니다: !로 시작하는 셀이 명령을 실행합니다.",
    ),
    "os.exit": (
        "os.exit(code)",
        "Ends the cell or script, not the kernel; the code is the exit status of `run`.",
        "셀이나 스크립트를 끝냅니다(커널은 계속됩니다). code는 `run`의 종료 상태입니다.",
    ),
    "os.getenv": ("os.getenv(name)", "An environment variable, or nil.", "환경 변수(없으면 nil)입니다."),
    "os.remove": (
        "os.remove(name)",
        "Deletes a file; nil and the reason if that fails.",
        "파일을 지웁니다. 실패하면 nil과 이유를 줍니다.",
    ),
    "os.rename": (
        "os.rename(old, new)",
        "Renames a file; nil and the reason if that fails.",
        "파일 이름을 바꿉니다. 실패하면 nil과 이유를 줍니다.",
    ),
    "os.time": (
        "os.time(t)",
        "Seconds since 1970: now, or of a table with year, month, day, ...",
        "1970년부터의 초: 지금, 또는 year, month, day 등을 가진 테이블의 시각.",
    ),
    "os.tmpname": ("os.tmpname()", "A name for a temporary file.", "임시 파일의 이름입니다."),
    "package": (
        "package",
        "Where require looks: package.path, package.loaded, package.preload.",
        "require가 찾는 곳: package.path, package.loaded, package.preload.",
    ),
    "package.config": (
        "package.config",
        "Characters that file names and templates use.",
        "파일 이름과 템플릿에 쓰는 문자입니다.",
    ),
    "package.loaded": (
        "package.loaded",
        "The modules that require has loaded.",
        "require가 불러온 모듈의 테이블입니다.",
    ),
    "package.path": (
        "package.path",
        "Where require looks for modules; ? stands for the name.",
        "require가 모듈을 찾는 경로. ?는 이름을 뜻합니다.",
    ),
    "package.preload": (
        "package.preload",
        "Loaders of modules that require asks first.",
        "require가 먼저 찾는 모듈 로더의 테이블입니다.",
    ),
    "string": (
        "string",
        "Functions for strings; also methods: s:upper().",
        "문자열 함수. 메서드로도 씁니다: s:upper().",
    ),
    "string.byte": (
        "string.byte(s, i, j)",
        "The bytes s[i] to s[j] as numbers.",
        "s[i]부터 s[j]까지의 바이트 값입니다.",
    ),
    "string.char": ("string.char(...)", "A string of these bytes.", "이 바이트들로 된 문자열입니다."),
    "string.find": (
        "string.find(s, pattern, init, plain)",
        "Where the pattern first matches: start, end and captures; or nil.",
        "패턴이 처음 맞는 곳: 시작, 끝, 캡처. 없으면 nil입니다.",
    ),
    "string.format": (
        "string.format(format, ...)",
        "Formats values: %d %x %s %q %.2f ...",
        "값을 서식에 맞춥니다: %d %x %s %q %.2f 등.",
    ),
    "string.gmatch": (
        "string.gmatch(s, pattern)",
        "Iterates over all matches of a pattern.",
        "패턴에 맞는 것을 모두 돕니다.",
    ),
    "string.gsub": (
        "string.gsub(s, pattern, repl, n)",
        "Replaces matches; gives the new string and how many there were.",
        "맞는 것을 바꾸고 새 문자열과 개수를 돌려줍니다.",
    ),
    "string.len": ("string.len(s)", "The length in bytes; #s.", "바이트 길이(#s)입니다."),
    "string.lower": ("string.lower(s)", "s in lower case.", "소문자로 바꿉니다."),
    "string.match": (
        "string.match(s, pattern, init)",
        "The first match of a pattern, or its captures; or nil.",
        "패턴의 첫 일치 또는 캡처. 없으면 nil입니다.",
    ),
    "string.pack": (
        "string.pack(format, ...)",
        "Values as binary data: '>I2' is 16 bits, big-endian.",
        "값을 이진 데이터로: '>I2'는 빅엔디언 16비트입니다.",
    ),
    "string.packsize": (
        "string.packsize(format)",
        "The length of what string.pack makes.",
        "string.pack 결과의 길이입니다.",
    ),
    "string.rep": ("string.rep(s, n, sep)", "s repeated n times.", "s를 n번 반복합니다."),
    "string.reverse": ("string.reverse(s)", "s backwards.", "s를 거꾸로 뒤집습니다."),
    "string.sub": (
        "string.sub(s, i, j)",
        "The part from i to j; negative positions count from the end.",
        "i부터 j까지의 부분. 음수는 끝에서 셉니다.",
    ),
    "string.unpack": (
        "string.unpack(format, s, pos)",
        "Values from binary data, and the position behind them.",
        "이진 데이터의 값들과 그다음 위치입니다.",
    ),
    "string.upper": ("string.upper(s)", "s in upper case.", "대문자로 바꿉니다."),
    "table": ("table", "Functions for lists.", "목록을 다루는 함수입니다."),
    "table.concat": (
        "table.concat(t, sep, i, j)",
        "The items of a list as one string.",
        "목록의 항목을 한 문자열로 잇습니다.",
    ),
    "table.insert": (
        "table.insert(t, pos, value)",
        "Puts a value into a list: at the end, or before pos.",
        "목록에 값을 넣습니다: 끝이나 pos 앞에.",
    ),
    "table.move": (
        "table.move(a, f, e, t, b)",
        "Copies a[f..e] to b[t..]; b is a by default.",
        "a[f..e]를 b[t..]로 복사합니다. b의 기본은 a입니다.",
    ),
    "table.pack": (
        "table.pack(...)",
        "A list of the arguments, with their number as n.",
        "인수의 목록이며 n이 개수입니다.",
    ),
    "table.remove": (
        "table.remove(t, pos)",
        "Takes an item out of a list, the last by default.",
        "목록에서 항목을 뺍니다. 기본은 마지막입니다.",
    ),
    "table.sort": ("table.sort(t, less)", "Sorts a list in place.", "목록을 제자리에서 정렬합니다."),
    "table.unpack": (
        "table.unpack(t, i, j)",
        "The items of a list as several values.",
        "목록의 항목을 여러 값으로 풀어 줍니다.",
    ),
    "utf8": ("utf8", "Functions for UTF-8 text.", "UTF-8 텍스트 함수입니다."),
    "utf8.char": ("utf8.char(...)", "The UTF-8 text of code points.", "코드 포인트의 UTF-8 텍스트입니다."),
    "utf8.charpattern": (
        "utf8.charpattern",
        "A pattern that matches one UTF-8 character.",
        "UTF-8 문자 하나에 맞는 패턴입니다.",
    ),
    "utf8.codepoint": ("utf8.codepoint(s, i, j)", "The code points of the characters.", "문자들의 코드 포인트입니다."),
    "utf8.codes": ("utf8.codes(s)", "Iterates over positions and code points.", "위치와 코드 포인트를 돕니다."),
    "utf8.len": ("utf8.len(s, i, j)", "The number of characters.", "문자의 개수입니다."),
    "utf8.offset": (
        "utf8.offset(s, n, i)",
        "The byte position of the n-th character.",
        "n번째 문자의 바이트 위치입니다.",
    ),
    "input": (
        "input(prompt)",
        "Asks the front end for a line, with a prompt in front; nil at the end of the input.",
        "프롬프트를 보이고 프런트엔드에 한 줄을 입력받습니다. 입력이 끝나면 nil입니다.",
    ),
    "clear": (
        "clear(wait)",
        "Removes what the cell has shown; with true only when something new is there.",
        "셀이 보여 준 것을 지웁니다. true이면 새 출력이 있을 때 지웁니다.",
    ),
    "display": (
        "display(value, ...)",
        "Shows values below the cell as its last value is shown; d = display(v) d:update(w) replaces them.",
        "값을 셀의 마지막 값처럼 셀 아래에 보여 줍니다. d = display(v) d:update(w)로 바꿀 수 있습니다.",
    ),
    "read_capture": (
        "read_capture(path, keylog)",
        "Reads a pcap or pcapng file (keylog: file of TLS secrets); shows its messages, has message(i), timing, ...",
        "pcap 또는 pcapng 파일을 읽고(keylog: TLS 비밀 키 파일) 메시지 목록을 보여 줍니다. message(i), timing 등.",
    ),
}
"""Signature, meaning in English and in Korean of each function, table and constant by its name in a script."""
