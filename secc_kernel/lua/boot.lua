-- The Lua side of secc_kernel.lua.runtime; its module docstring tells how the two work together.
--
-- This chunk runs once per engine, before any user code. It takes what it needs of the standard libraries into locals and
-- closes the metatable of wrapped Python objects; libraries.lua builds the globals that user code sees (`env`). Lua's own
-- table of globals is emptied at the end, so nothing that user code does to *its* globals reaches this chunk or lupa.

local host = ...                                -- Python functions by name; see LuaEngine._boot

local SELF = "=[secc]"                          -- the name of this chunk: its frames are not shown to users
local COUNT, FEW = 1000, 10                     -- VM instructions between two looks at the interrupt flag
local LONG, SHORT = 0.05, 0.0005                -- seconds: a look is late after LONG; in time again within SHORT
local TOP, BOTTOM = 20, 5                       -- stack frames kept of a deep stack
local PLACES = 100                              -- stack frames in which the way to a call is looked for

local error, select, type, next, tostring, rawequal, rawget, rawset, setmetatable =
  error, select, type, next, tostring, rawequal, rawget, rawset, setmetatable
local rawpcall, rawxpcall, rawload = pcall, xpcall, load
local sethook, getinfo = debug.sethook, debug.getinfo
local getmetatable = debug.getmetatable        -- the real one, whatever __metatable says
local find, gsub, sort, unpack = string.find, string.gsub, table.sort, table.unpack
local co_create, co_resume, co_yield, co_status, co_running, co_isyieldable, co_close = coroutine.create,
  coroutine.resume, coroutine.yield, coroutine.status, coroutine.running, coroutine.isyieldable, coroutine.close

local standard = {}                             -- the standard libraries as they are now, for what is loaded later
for name, value in next, _G do
  standard[name] = value
  if type(value) == "table" then
    standard[name] = {}
    for key, member in next, value do standard[name][key] = member end
  end
end

-- Python objects ----------------------------------------------------------------------------------------------------

-- The only way to call one from here on is `call`; user code that gets hold of a Python object can print it and hand it
-- back to Python, nothing else.
local pobject = getmetatable(host.check)
local call = pobject.__call
local function closed() error("this value belongs to Python: Lua can only pass it on", 2) end
pobject.__index, pobject.__newindex, pobject.__call, pobject.__metatable = closed, closed, closed, false

local check, block = host.check, host.block

-- Interrupts --------------------------------------------------------------------------------------------------------

local INTERRUPT = setmetatable({}, { __name = "interrupt", __metatable = false })   -- the error that unwinds a cell
local AWAIT = {}                                -- what a coroutine yields to the scheduler in Python
local state = { hit = false, mask = "", count = COUNT }   -- hit: false, or why the cell is being unwound; reset by Python
                                                -- hook, mask, count: of all coroutines; debug: debug.lua, while attached

local function raise() error(INTERRUPT, 0) end

-- Count hook of every coroutine. The call into Python is what lets CPython run a pending signal handler at all. Once hit,
-- the hook fires at each instruction, so whatever has caught the error (load, coroutine.close, a finalizer, a user's
-- message handler) does not get far. Where instructions are slow (they copy megabytes), it fires more often.
local function stop(why)
  state.hit = state.hit or why
  sethook(raise, "", 1)
  error(INTERRUPT, 0)
end

local hook, attend

local function hook_often()
  local why = state.hit or call(check, SHORT)
  if why == "late" or why == "debug" then return end
  if why then stop(why) end
  sethook(hook, "", COUNT)
end

function hook()
  local why = state.hit or call(check, LONG)
  if not why then
    if state.hook ~= hook then sethook(state.hook, state.mask, state.count) end   -- a debugger was attached meanwhile
    return
  end
  if why == "debug" then return attend() end
  if why ~= "late" then stop(why) end
  sethook(hook_often, "", FEW)
end
state.hook = hook

local function unwind(why)
  state.hit = state.hit or why
  error(INTERRUPT, 0)
end

-- For functions that may have long to do before the next instruction.
local function look()
  local why = state.hit or call(check)
  if why and why ~= "debug" then unwind(why) end
end

-- Stack frames ------------------------------------------------------------------------------------------------------

-- The stack of a coroutine (of the running one without `co`) as a list of facts, without the frames of this chunk.
local function frames(co)
  local function at(level) if co then return getinfo(co, level, "Slnt") end return getinfo(level + 1, "Slnt") end
  local list, level = {}, 0
  local function add(info, caller)              -- a C function that this chunk has called is not shown either
    if info.source ~= SELF and not (info.what == "C" and caller and caller.source == SELF) then
      list[#list + 1] = { source = info.short_src, line = info.currentline, name = info.name, namewhat = info.namewhat,
        what = info.what, defined = info.linedefined, tail = info.istailcall }
    end
  end
  while #list < TOP do
    local info = at(level)
    if not info then return list end
    add(info, at(level + 1))
    level = level + 1
  end
  if not at(level) then return list end
  local low, high = level, level * 2            -- the last level, by doubling and halving: each look walks the stack
  while at(high) do low, high = high, high * 2 end
  while high - low > 1 do
    local middle = (low + high) // 2
    if at(middle) then low = middle else high = middle end
  end
  if low - BOTTOM > level then
    list[#list + 1] = { skipped = low - BOTTOM - level }
    level = low - BOTTOM
  end
  for l = level, low do add(at(l), at(l + 1)) end
  return list
end

-- "In[3]:2: " of the nearest line of user code on the stack (of a coroutine that has failed).
local function where(co)
  local l = co and 0 or 2
  while true do
    local info
    if co then info = getinfo(co, l, "Sl") else info = getinfo(l, "Sl") end
    if not info then return "" end
    if info.currentline > 0 and info.source ~= SELF then return info.short_src .. ":" .. info.currentline .. ": " end
    l = l + 1
  end
end

local function text_of(value)
  local ok, text = rawpcall(tostring, value)
  return ok and text or "(an error object whose __tostring fails)"
end

-- The place of a user's call in an error that this chunk has raised, or a C function that it has called, instead of theirs.
local function placed(err, co)
  if type(err) ~= "string" or not find(err, "^%[secc%]:%d+: ") then return err end
  return where(co) .. gsub(err, "^%[secc%]:%d+: ", "")
end

-- The results of a C function, or its error with the place of the user's call, and its name there, instead of this chunk's.
local function as_called(name, ok, ...)
  if ok then return ... end
  if type((...)) ~= "string" then error((...), 0) end
  local message = gsub((...), "^%[secc%]:%d+: ", "")
  error(where() .. gsub(message, "to '%?'", "to '" .. name .. "'"), 0)
end

local picture                                   -- what Python shows of a value; see picture.lua

-- Message handler of a cell: runs where the error is raised, so the stack is still there.
local function handler(err)
  if state.debug and not state.hit then state.debug.escaped(placed(err)) end
  if rawequal(err, INTERRUPT) or state.hit then
    if not state.report then state.report = { frames = frames(), inner = state.inner } end
    return INTERRUPT
  end
  err = placed(err)
  local report = { frames = frames(), inner = state.inner, value = picture(err, true), kind = type(err) }
  if report.kind == "string" or report.kind == "number" then
    report.message = tostring(err)
  elseif report.kind == "table" and getmetatable(err) and getmetatable(err).__tostring then
    report.message = text_of(err)
  end
  return report
end

-- Calls into Python -------------------------------------------------------------------------------------------------

-- A bound Python function answers with a status and values. The status is nil when all is well; other statuses are the
-- keys of `special`.
local special = {}
local function finish(status, ...)
  if status == nil then return ... end
  return special[status](...)
end

-- Wait for what the last call into Python returned: by yielding to the scheduler where Lua can yield, else by blocking.
local function wait()
  if co_isyieldable() then return co_yield(AWAIT) end
  return call(block)
end

local function wrap(f)
  return function(...) return finish(call(f, ...)) end
end

-- A table whose members come from Python when first asked for. It stays empty itself: `members`, behind it, has them,
-- so a member once resolved costs one table access more than a plain field.
local lazies = setmetatable({}, { __mode = "k" })       -- proxy -> {names function, the LazyTable in Python}
local function lazy(name, resolve, names, refuse, origin)
  local members = setmetatable({}, { __index = function(t, key)
    local value = finish(call(resolve, key))
    if value ~= nil then rawset(t, key, value) end
    return value
  end })
  local function iterate(list, previous)
    local i = previous == nil and 1 or list.at[previous] + 1
    local key = list[i]
    if key == nil then return nil end
    list.at[key] = i
    return key, members[key]
  end
  local proxy = setmetatable({}, {
    __name = name,
    __index = members,
    __newindex = function(_, key) return finish(call(refuse, key)) end,
    __pairs = function()
      local list = finish(call(names))
      list.at = {}
      return iterate, list, nil
    end,
    __tostring = function() return name end,
    __metatable = false,
  })
  lazies[proxy] = { names = names, origin = origin, members = members }
  return proxy
end

-- Values on their way to Python's display.
local function outward(...)
  local n = select("#", ...)
  if n == 0 then return end
  if n == 1 then return picture((...)) end
  local values = { ... }
  for i = 1, n do values[i] = picture(values[i]) end
  return unpack(values, 1, n)
end

-- As `wrap`, for functions that look at values instead of using them (display).
local function wrap_raw(f)
  return function(...) return finish(call(f, outward(...))) end
end

-- "common.lua:3, from script.lua:12": the line of user code that calls, and the one in the main chunk that led there.
local function place()
  local first, last
  for level = 2, PLACES do
    local info = getinfo(level, "Sl")
    if not info then break end
    if info.currentline > 0 and info.source ~= SELF then
      last = info.short_src .. ":" .. info.currentline
      first = first or last
    end
  end
  return first ~= last and first .. ", from " .. last or first or ""
end

-- As `wrap`, for functions that want to know where they are called.
local function wrap_placed(f)
  return function(...) return finish(call(f, place(), ...)) end
end

-- As `wrap`, for functions that call functions of the user: those stay here, by number, and Python says which to call.
local kept = {}
local function keep(value)
  if type(value) ~= "function" then return value end
  local made, number = call(host.keep)
  kept[number] = value
  return made
end

local function wrap_calling(f)
  return function(...)
    local values, n = { ... }, select("#", ...)
    for i = 1, n do values[i] = keep(values[i]) end
    return finish(call(f, unpack(values, 1, n)))
  end
end

-- Call a function of the user, in its own coroutine, and go on with what Python makes of its results.
function special.ask(again, number, ...) return finish(call(again, kept[number](...))) end

function special.error(message) error(where() .. message, 0) end
function special.raise(problem) error(problem, 0) end
function special.await() return finish(wait()) end
function special.interrupt() return unwind("interrupt") end
function special.closure(f) return wrap(f) end
function special.raw_closure(f) return wrap_raw(f) end
function special.placed_closure(f) return wrap_placed(f) end
function special.hold(reason, text)             -- a debugger stops the script where it waits, which it then does again
  attend()                                      -- it may have been attached just now
  if state.debug then state.debug.hold(reason, text) end
  return finish(wait())
end
special.lazy = lazy

-- Coroutines --------------------------------------------------------------------------------------------------------

local cells = setmetatable({}, { __mode = "k" })       -- the coroutines that cells run in: to users, the main thread

local function create(f)
  if type(f) ~= "function" then error("bad argument #1 to 'create' (function expected, got " .. type(f) .. ")", 2) end
  local co = co_create(f)
  sethook(co, state.hook, state.mask, state.count)
  return co
end

-- Pass a wait for Python of a nested coroutine on to the scheduler, and everything else to whoever resumed it.
local function forward(co, ok, ...)
  if state.hit then
    state.inner = state.inner or frames(co)
    error(INTERRUPT, 0)
  end
  if ok and rawequal((...), AWAIT) then return forward(co, co_resume(co, wait())) end
  if not ok then
    local err = placed((...), co)
    if state.debug then state.debug.died(co, err) end
    return false, err
  end
  return ok, ...
end

local function resume(co, ...)
  if type(co) ~= "thread" then error("bad argument #1 to 'resume' (coroutine expected, got " .. type(co) .. ")", 2) end
  if state.debug then state.debug.resuming(co) end
  return forward(co, co_resume(co, ...))
end

local function wrapped(co, ok, ...)
  if ok then return ... end
  state.inner = state.inner or frames(co)
  if co_status(co) == "dead" then co_close(co) end
  if state.debug then state.debug.passing((...)) end
  error((...), 0)
end

local function after(ok, ...)
  if state.hit then error(INTERRUPT, 0) end
  if not ok then state.inner = nil end
  return ok, ...
end

local lua = {}                                  -- what user code gets in place of the standard functions

local function caught(err)
  err = placed(err)
  if state.debug then state.debug.raised(err) end
  return err
end

function lua.pcall(...)
  if select("#", ...) == 0 then error("bad argument #1 to 'pcall' (value expected)", 2) end
  return after(rawxpcall((...), caught, select(2, ...)))
end
function lua.xpcall(f, on_error, ...)
  local function guarded(err)
    if state.hit then return err end
    return on_error(caught(err))
  end
  return after(rawxpcall(f, type(on_error) == "function" and guarded or on_error, ...))
end

-- A finalizer would run at any allocation, out of reach of interrupts, and once more when the process has no Python left.
function lua.setmetatable(t, meta)
  if type(meta) == "table" and rawget(meta, "__gc") ~= nil then
    error("finalizers (__gc) are not run here: close what is open in a variable declared <close>", 2)
  end
  return as_called("setmetatable", rawpcall(setmetatable, t, meta))
end

lua.coroutine = {
  create = create, resume = resume, status = co_status,
  close = function(...) return after(co_close(...)) end,
  wrap = function(f)
    local co = create(f)
    if state.debug then state.debug.wrapping(co) end
    return function(...) return wrapped(co, resume(co, ...)) end
  end,
  yield = function(...)
    if cells[co_running()] then error("attempt to yield from outside a coroutine", 2) end
    return co_yield(...)
  end,
  running = function()
    local co, main = co_running()
    return co, main or cells[co] or false
  end,
  isyieldable = function(...) return co_isyieldable(...) and not cells[(...) or (co_running())] end,
}

-- Libraries ---------------------------------------------------------------------------------------------------------

-- The globals that user code sees, and the tables among them that stand for the standard streams.
local env
local known_files
env, known_files = rawload(host.libraries, SELF, "t") { host = host, lua = lua, state = state, call = call, wrap = wrap,
  finish = finish, unwind = unwind, as_called = as_called, getmetatable = getmetatable, look = look }

picture = rawload(host.picture, SELF, "t") { env = env, lazies = lazies, known_files = known_files, self = SELF,
  pobject = pobject, text_of = text_of }

-- Cells -------------------------------------------------------------------------------------------------------------

-- What a cell leaves to show: its values without the first `drop`. What io.write returns is for chaining, not for display.
local function left(drop, ok, ...)
  if not ok then return ok, ... end
  local n = select("#", ...) - drop
  if n == 1 and known_files[(select(drop + 1, ...))] then return ok end
  return ok, outward(select(drop + 1, ...))
end

-- What a step came to: "await"; "done" and the values; "error" or "interrupt" and a report; "exit" and its code.
local function outcome(co, ok, first, ...)
  local hit = state.hit
  if hit == "exit" then return "exit", state.code end
  if hit then return hit, state.report end
  if not ok then                                -- not even the handler could run, for want of stack or memory
    return "error", { frames = frames(co), message = type(first) == "string" and first or "an error", kind = "string" }
  end
  if co_status(co) == "suspended" then return "await" end
  if first then return "done", ... end
  local report = ...
  if type(report) == "table" then return "error", report end
  return "error", { frames = {}, message = tostring(report), kind = "string" }    -- out of memory, or of stack in the handler
end

local mark_known, survey, known = rawload(host.survey, SELF, "t")(env, lazies)

-- The debugger is loaded when somebody attaches one.
local debugger
function attend()
  if not debugger then
    local parts = call(host.debugger)
    debugger = rawload(parts.source, SELF, "t", standard)({ env = env, state = state, lazies = lazies, known = known, cells = cells,
      self = SELF, pobject = pobject, text_of = text_of, interrupt = INTERRUPT, await = AWAIT, count = COUNT, call = call,
      check = check, block = block, hook = hook, stop = stop, unwind = unwind, picture = picture, standard = standard }, parts)
  end
  return debugger.attend()
end

local engine = { collect = collectgarbage, lazy = lazy, wrap = wrap, wrap_raw = wrap_raw,
  wrap_placed = wrap_placed, wrap_calling = wrap_calling, survey = survey, attend = attend }

-- Globals for Python, without metamethods: lupa would call those of a script unprotected, and an error would end the
-- process.
function engine.set(name, value)
  rawset(env, name, value)
  mark_known(name)
end
function engine.get(name) return rawget(env, name) end

-- What scripts cannot lose: a global of ours that was set to something else is there again as soon as that is nil.
local kept, globals_of = {}, getmetatable(env)
local made_when_used = globals_of.__index
globals_of.__index = function(t, key)
  local value = kept[key]
  if value == nil then return made_when_used(t, key) end
  rawset(t, key, value)
  return value
end
function engine.keep(name) kept[name] = rawget(env, name) end

-- As `wrap`, for the results that Python has asked for: a lazy table goes as the object that it is made of.
function engine.receiver(f)
  return function(...)
    local n, values = select("#", ...), { ... }
    for i = 1, n do
      local made = type(values[i]) == "table" and lazies[values[i]]
      if made then values[i] = made.origin end
    end
    return finish(call(f, unpack(values, 1, n)))
  end
end
function engine.look(name)
  local value = rawget(env, name)
  local made = type(value) == "table" and lazies[value]
  return made and made.origin or value
end

local package = env.package
function engine.look_in(folder)
  local path = rawget(package, "path")
  rawset(package, "path", folder .. "/?.lua;" .. folder .. "/?/init.lua;" .. (type(path) == "string" and path or ""))
end

local chunk                                     -- the last one that compiled; functions do not pass through Python

function engine.compile(source, name)
  local f, problem = rawload(source, name, "t", env)
  if f then chunk = f end
  return problem
end

-- A function that runs the compiled chunk up to its end or its next wait for Python, without the first `drop` values. It
-- is called on Lua's main thread, which has no hook: nothing a user wrote ever runs there.
function engine.start(drop)
  local f = chunk
  chunk = nil
  state.hit, state.report, state.inner, state.code = false, nil, nil, nil
  local co = create(function(...) return left(drop, rawxpcall(f, handler, ...)) end)
  cells[co] = true
  if state.debug then state.debug.begin(co) end
  return function(...)
    call(check)                                 -- values have crossed: the memory limit holds again
    return outcome(co, co_resume(co, ...))
  end
end

-- Member names below a path of global names, without running user code; for completion and suggestions.
function engine.members(...)
  local value = env
  for i = 1, select("#", ...) do
    if type(value) ~= "table" or lazies[value] then return nil end
    value = rawget(value, (select(i, ...)))
  end
  if type(value) == "string" then value = env.string end
  if type(value) ~= "table" then return nil end
  if lazies[value] then return (finish(call(lazies[value].names))) end
  local list = {}
  for key in next, value do
    if type(key) == "string" then list[#list + 1] = key end
  end
  sort(list)
  return list
end

local globals = _G                              -- lupa, too, looks up names there: now it finds none
for name in next, globals do globals[name] = nil end
return engine
