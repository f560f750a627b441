-- The standard libraries as user code gets them: output to Python, files, modules, and what is left of os and debug.
--
-- boot.lua runs this chunk with what it shares, before any user code; its frames are not shown to users either. It
-- returns the globals of user code, and the set of tables that stand for the standard streams.

local core = ...
local host, lua, state, call, wrap, finish, unwind, as_called = core.host, core.lua, core.state, core.call, core.wrap,
  core.finish, core.unwind, core.as_called

local error, select, type, next, tostring, rawset, setmetatable, rawpcall, rawload =
  error, select, type, next, tostring, rawset, setmetatable, pcall, load
local concat, pack, unpack = table.concat, table.pack, table.unpack
local find, gmatch, gsub, sub = string.find, string.gmatch, string.gsub, string.sub
local open, io_lines, io_type, tmpfile = io.open, io.lines, io.type, io.tmpfile
local getinfo, traceback = debug.getinfo, debug.traceback
local tointeger = math.tointeger
local write, write_error, resolve_global = host.write, host.write_error, host.resolve_global

-- Output ------------------------------------------------------------------------------------------------------------

local function put(text)
  if call(write, text) then unwind("interrupt") end
end

function lua.print(...)
  local n = select("#", ...)
  if n == 1 then return put(tostring((...)) .. "\n") end
  local parts = { ... }
  for i = 1, n do parts[i] = tostring(parts[i]) end
  put(concat(parts, "\t", 1, n) .. "\n")
end

local function stream(name, out)
  local file = setmetatable({}, { __name = "FILE*", __tostring = function() return "file (" .. name .. ")" end,
    __metatable = false })
  function file:write(...)
    local parts = { ... }
    for i = 1, select("#", ...) do
      local kind = type(parts[i])
      if kind ~= "string" and kind ~= "number" then
        error("bad argument #" .. i .. " to 'write' (string expected, got " .. kind .. ")", 2)
      end
    end
    out(concat(parts))
    return self
  end
  function file:flush() return self end
  function file:setvbuf() return true end
  function file:close() return nil, "the standard streams stay open" end
  return file
end

local stdout = stream("stdout", put)
local stderr = stream("stderr", function(text) call(write_error, text) end)
local stdin = setmetatable({}, { __name = "FILE*", __tostring = function() return "file (stdin)" end, __metatable = false })
local read = wrap(host.read)
function stdin:read(...) return read(...) end
function stdin:lines(...)
  local formats = pack(...)
  return function() return read(unpack(formats, 1, formats.n)) end
end
function stdin:close() return nil, "the standard streams stay open" end

local function absent(name, instead)
  return function() error(name .. " is not available here: " .. instead, 2) end
end

local known_files = { [stdout] = true, [stderr] = true, [stdin] = true }
lua.io = {
  stdout = stdout, stderr = stderr, stdin = stdin, open = open, tmpfile = tmpfile,
  write = function(...) return stdout:write(...) end,
  read = function(...) return read(...) end,
  lines = function(name, ...)
    if name == nil then return stdin:lines(...) end
    return as_called("lines", rawpcall(io_lines, name, ...))
  end,
  output = function() return stdout end,
  input = function() return stdin end,
  type = function(value) return known_files[value] and "file" or io_type(value) end,
  popen = absent("io.popen", "run commands in a notebook cell that starts with !"),
}

-- Globals -----------------------------------------------------------------------------------------------------------

local env = { _VERSION = _VERSION }             -- the globals that user code sees
env._G = env
for _, name in ipairs { "assert", "error", "getmetatable", "ipairs", "next", "pairs", "rawequal", "rawget", "rawlen",
  "rawset", "select", "tonumber", "tostring", "type", "collectgarbage", "string", "table", "math", "utf8" } do
  env[name] = _G[name]
end
for name, value in next, lua do env[name] = value end
env.string.dump = nil                           -- bytecode can crash the process: nothing writes it, nothing loads it

-- Source text as Lua takes it: without a byte order mark and a first line that starts with '#'.
local function clean(source)
  source = gsub(source, "^\xEF\xBB\xBF", "")
  if sub(source, 1, 1) == "#" then source = gsub(source, "^#[^\n]*", "") end
  return source
end

function env.load(chunk, name, mode, ...)
  if mode ~= nil and not find(mode, "t", 1, true) then
    return nil, "attempt to load a binary chunk (only text is loaded here)"
  end
  local globals = env
  if select("#", ...) > 0 then globals = ... end
  -- Protected: what fails in here is told by `load` itself, not by the handler of the cell.
  return as_called("load", rawpcall(rawload, chunk, name, "t", globals))
end

function env.loadfile(path, mode, ...)
  local globals = env
  if select("#", ...) > 0 then globals = ... end
  local file, problem = open(path, "rb")
  if not file then return nil, problem end
  local source = file:read("a")
  file:close()
  call(host.remember, path, source)
  return rawload(clean(source), "@" .. path, "t", globals)
end

function env.dofile(path)
  local chunk, problem = env.loadfile(path)
  if not chunk then error(problem, 0) end
  return chunk()
end

env.package = { loaded = { _G = env }, preload = {}, path = "./?.lua;./?/init.lua", config = package.config }
for _, name in ipairs { "coroutine", "string", "table", "math", "utf8", "io" } do env.package.loaded[name] = env[name] end

function env.require(name)
  local package = env.package
  local module = package.loaded[name]
  if module ~= nil then return module end
  local loader, origin, tried = package.preload[name], ":preload:", {}
  if not loader then
    local path = gsub(name, "%.", "/")
    for template in gmatch(package.path, "[^;]+") do
      origin = gsub(template, "%?", path)
      local problem
      loader, problem = env.loadfile(origin)
      if loader then break end
      if not find(problem, "No such file", 1, true) then error(problem, 0) end
      tried[#tried + 1] = "\n\tno file '" .. origin .. "'"
    end
  end
  if not loader then error("module '" .. name .. "' not found:" .. concat(tried), 2) end
  module = loader(name, origin)
  if module ~= nil then package.loaded[name] = module end
  if package.loaded[name] == nil then package.loaded[name] = true end
  return package.loaded[name], origin
end

env.os = { time = os.time, clock = os.clock, date = os.date, difftime = os.difftime, getenv = os.getenv,
  remove = os.remove, rename = os.rename, tmpname = os.tmpname,
  execute = absent("os.execute", "run commands in a notebook cell that starts with !"),
  exit = function(code)
    if code ~= nil and type(code) ~= "boolean" and not tointeger(code) then
      error("bad argument #1 to 'exit' (whole number expected, got " .. type(code) .. ")", 2)
    end
    if type(code) ~= "boolean" then code = tointeger(code) end
    state.code = code
    unwind("exit")
  end }

env.debug = {
  traceback = function(...)
    local text = traceback(...)
    return type(text) == "string" and gsub(text, "\n[^\n]*%[secc%]:[^\n]*", "") or text
  end,
  getinfo = function(at, what)                  -- facts only: functions and tables of inner frames stay out of reach
    local facts = gsub(what or "nSltu", "[fLr>]", "")
    return getinfo(type(at) == "number" and at + 1 or at, facts)
  end,
}
env.input = wrap(host.input)
function env.warn(...) call(write_error, "Lua warning: " .. concat({ ... }) .. "\n") end

core.env = env
core.patterns = rawload(host.patterns, "=[secc]", "t")()
rawload(host.bounded, "=[secc]", "t")(core)
if host.restricted then rawload(host.restricted, "=[secc]", "t")(core) end

setmetatable(env, { __index = function(t, key)
  if type(key) ~= "string" then return nil end
  local value = finish(call(resolve_global, key))
  if value ~= nil then rawset(t, key, value) end
  return value
end })

return env, known_files
