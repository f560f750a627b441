-- What a debugger sees of the script: frames, their variables, the values in them; and expressions in a frame.
--
-- debug.lua runs this chunk with what boot.lua shares. All of it runs in a coroutine of its own beside the one that is looked
-- at, whose levels therefore stay the same, and nothing of this project's own Lua is shown. What goes to Python are tables of
-- plain values and pictures (picture.lua): a row is { name, type, picture, ref, items, fields, expression, lazy }.

local core = ...
local env, state, lazies, self, pobject, text_of = core.env, core.state, core.lazies, core.self, core.pobject, core.text_of
local INTERRUPT = core.interrupt

local type, next, tostring, rawequal, rawget, rawset, rawlen, select, setmetatable, math_type =
  type, next, tostring, rawequal, rawget, rawset, rawlen, select, setmetatable, math.type
local rawload, rawxpcall, error = load, xpcall, error
local find, format, gsub, sub = string.find, string.format, string.gsub, string.sub
local sort, unpack, pack, max, min = table.sort, table.unpack, table.pack, math.max, math.min
local getinfo, getlocal, setlocal, getupvalue, setupvalue, getmetatable = debug.getinfo, debug.getlocal, debug.setlocal,
  debug.getupvalue, debug.setupvalue, debug.getmetatable

local PAGE = 300                                -- rows that are given of a scope or table whose reader does not page
local DEEPEST = 500                             -- frames of a stack
local COUNTED = 10000                           -- fields of a table that are counted for its row
local FEW = 5                                   -- items, and fields, that a table's row names
local TEXT, SHORT = 2000, 40                    -- bytes of a string in a row, and in the row of a table that holds it
local NAME = "^[%a_][%w_]*$"

local KEYWORDS = {}
for word in string.gmatch("and break do else elseif end false for function goto if in local nil not or repeat return then "
  .. "true until while", "%a+") do KEYWORDS[word] = true end

local frames, refs = {}, {}                     -- by numbers that are not used again: of the present stop
local last_frame, last_ref = 0, 0

local inspect = {}

function inspect.forget() frames, refs = {}, {} end

-- Frames ------------------------------------------------------------------------------------------------------------

local function is_user(info) return info.what ~= "C" and info.source ~= self end

-- Frames, innermost first, of the coroutines of a stop: each was resumed by the next. At most `limit`.
function inspect.stack(chain, limit)
  local list = {}
  for n = 1, #chain do
    local co, level = chain[n], 0
    while #list < (limit or DEEPEST) do
      local info = getinfo(co, level, "Slntf")
      if not info then break end
      if is_user(info) then
        last_frame = last_frame + 1
        frames[last_frame] = { co = co, level = level, func = info.func }
        list[#list + 1] = { id = last_frame, source = info.source, line = info.currentline, what = info.what,
          name = info.name, defined = info.linedefined, tail = info.istailcall, inner = n > 1 }
      end
      level = level + 1
    end
  end
  return list
end

local function frame_of(id)
  if id == nil then return nil end
  return frames[id] or error("this frame is gone: the script has gone on", 0)
end

-- The innermost local of a name, and its value.
local function find_local(frame, name)
  local found, value
  for n = 1, 255 do
    local called, held = getlocal(frame.co, frame.level, n)
    if not called then break end
    if called == name then found, value = n, held end
  end
  return found, value
end

local function find_upvalue(frame, name)
  for n = 1, 255 do
    local called, value = getupvalue(frame.func, n)
    if not called then return nil end
    if called == name then return n, value end
  end
end

local function globals_of(frame)
  if not frame then return env end
  local at, value = find_local(frame, "_ENV")
  if not at then at, value = find_upvalue(frame, "_ENV") end
  return type(value) == "table" and value or env
end

-- Values ------------------------------------------------------------------------------------------------------------

local function reference(facts)
  last_ref = last_ref + 1
  refs[last_ref] = facts
  return last_ref
end

local function order(a, b)
  local x, y = type(a), type(b)
  if x ~= y then return x == "number" or x == "string" and y ~= "number" or x < y and y ~= "number" and y ~= "string" end
  if x == "number" or x == "string" then return a < b end
  return tostring(a) < tostring(b)
end

local function is_item(key, items) return math_type(key) == "integer" and key >= 1 and key <= items end

-- The keys beside the list part, sorted; at most `limit`, and whether these are all.
local function fields_of(value, items, limit)
  local keys, all = {}, true
  local looked = 0
  for key in next, value do
    looked = looked + 1
    if limit and looked > items + limit then
      all = false
      break
    end
    if not is_item(key, items) then keys[#keys + 1] = key end
  end
  sort(keys, order)
  return keys, all
end

local function described(f)
  local info = getinfo(f, "S")
  if not is_user(info) then return "function (built in)" end
  return "function (" .. info.short_src .. ":" .. info.linedefined .. ")"
end

local function cut(text, bytes)
  if #text <= bytes then return text end
  return { "text", sub(text, 1, utf8.offset(text, 0, bytes + 1) - 1), #text }
end

-- A value without a look into tables; `bytes` is what is shown of a string.
local function outside(value, bytes)
  local kind = type(value)
  if kind == "string" then return cut(value, bytes) end
  if kind == "table" then
    return { "object", lazies[value] and tostring(value) or next(value) == nil and "{}" or "{…}" }
  end
  if kind == "function" then return { "object", described(value) } end
  if kind == "thread" then return { "object", "coroutine (" .. coroutine.status(value) .. ")" } end
  if kind == "userdata" and getmetatable(value) ~= pobject then return { "object", tostring(value) } end
  return value
end

local function meta_of(value)
  local meta = getmetatable(value)
  if type(meta) == "table" and rawget(meta, "__metatable") == nil then return meta end
end

-- The picture of a table for its row, the number of its items and (nil for too many) of its fields.
local function preview(value)
  local items = rawlen(value)
  local meta = meta_of(value)
  local keys, all = fields_of(value, items, COUNTED)
  if meta and rawget(meta, "__tostring") ~= nil then return { "object", text_of(value) }, items, all and #keys end
  local name = meta and rawget(meta, "__name")
  local shown, fields = min(items, FEW), all and min(#keys, FEW) or 0
  local list = { "table", type(name) == "string" and name or "", shown, shown, items - shown, fields,
    all and #keys - fields or 0 }
  for n = 1, shown do
    local item = rawget(value, n)
    list[#list + 1] = item == nil and { "object", "nil" } or outside(item, SHORT)
  end
  for n = 1, fields do
    list[#list + 1] = outside(keys[n], SHORT)
    list[#list + 1] = outside(rawget(value, keys[n]), SHORT)
  end
  return list, items, all and #keys
end

-- The name of a key in a list of variables, and the expression that reads it.
local function key_name(key, owner)
  local kind = type(key)
  if kind == "string" and find(key, NAME) and not KEYWORDS[key] then return key, owner and owner .. "." .. key end
  if kind == "string" then
    local quoted = gsub(format("%q", key), "\\\n", "\\n")
    return "[" .. quoted .. "]", owner and owner .. "[" .. quoted .. "]"
  end
  local text = "[" .. tostring(key) .. "]"
  local plain = kind == "boolean" or kind == "number" and key == key
  return text, plain and owner and owner .. text or nil
end

local function has_upvalues(f)
  return is_user(getinfo(f, "S")) and getupvalue(f, 1) ~= nil and (getupvalue(f, 1) ~= "_ENV" or getupvalue(f, 2) ~= nil)
end

local function row(name, value, expression, frame)
  local kind = type(value)
  local made = { name = name, type = kind, expression = expression }
  if kind == "table" and not lazies[value] then
    local fields
    made.picture, made.items, fields = preview(value)
    made.fields = fields or 1
    if next(value) ~= nil or meta_of(value) then
      made.ref = reference { kind = "table", value = value, expression = expression, frame = frame }
    end
  else
    made.picture = outside(value, TEXT)
    if kind == "function" and has_upvalues(value) then
      made.ref = reference { kind = "upvalues", frame = { func = value } }
    end
  end
  return made
end

-- Scopes and children -----------------------------------------------------------------------------------------------

-- Whether a global came with the kernel: such are not listed.
local function is_provided(name, value)
  local kind = type(value)
  return rawequal(core.known[name], value) or kind == "table" and lazies[value] ~= nil
    or kind == "function" and getinfo(value, "S").source == self
end

local function provided_left_out(t)
  local keys = {}
  for key, value in next, t do
    if not (rawequal(t, env) and is_provided(key, value)) then keys[#keys + 1] = key end
  end
  sort(keys, order)
  return keys
end

local list = {}                                 -- by kind of reference: its number of children, and the function of one

function list.locals(ref)
  local frame, found, at = ref.frame, {}, {}
  for n = 1, 255 do
    local name = getlocal(frame.co, frame.level, n)
    if not name then break end
    if sub(name, 1, 1) ~= "(" then
      if not at[name] then
        found[#found + 1] = name
        at[name] = true
      end
    end
  end
  local names = #found
  local extra = 0
  while getlocal(frame.co, frame.level, -(extra + 1)) do extra = extra + 1 end
  return names + extra, function(n)
    if n <= names then
      local _, value = find_local(frame, found[n])
      return row(found[n], value, found[n], frame)
    end
    local _, value = getlocal(frame.co, frame.level, names - n)
    return row("...[" .. n - names .. "]", value, "(select(" .. n - names .. ", ...))", frame)
  end
end

function list.upvalues(ref)
  local frame, found = ref.frame, {}
  for n = 1, 255 do
    local name = getupvalue(frame.func, n)
    if not name then break end
    if name ~= "_ENV" and name ~= "" then found[#found + 1] = n end
  end
  return #found, function(n)
    local name, value = getupvalue(frame.func, found[n])
    return row(name, value, frame.co and name or nil, frame)
  end
end

function list.globals(ref)
  local t = globals_of(ref.frame)
  local keys = provided_left_out(t)
  return #keys, function(n)
    local name, expression = key_name(keys[n], "_G")
    return row(name, rawget(t, keys[n]), name == keys[n] and name or expression, ref.frame)
  end
end

function list.table(ref)
  local t = ref.value
  local items, keys = rawlen(t), nil
  keys = fields_of(t, items)
  local meta = meta_of(t)
  return items + #keys + (meta and 1 or 0), function(n)
    if n > items + #keys then return row("(metatable)", meta, nil, ref.frame) end
    local key = keys[n - items]
    if n <= items then key = n end
    local name, expression = key_name(key, ref.expression)
    return row(name, rawget(t, key), expression, ref.frame)
  end, items
end

-- Rows of a reference: all (a page, and a row that holds the rest), or `count` from `start` of the items, fields, or both.
function inspect.children(id, filter, start, count)
  local ref = refs[id] or error("this variable is gone: the script has gone on", 0)
  local total, child, items = list[ref.rest and ref.rest.kind or ref.kind](ref.rest or ref)
  items = items or 0
  local first, last = ref.first or 1, total
  if filter == "indexed" then last = items elseif filter == "named" then first = items + 1 end
  first = first + (start or 0)
  local paged = count ~= nil and count > 0
  last = min(last, first + (paged and count or PAGE) - 1)
  local rows = {}
  for n = first, last do rows[#rows + 1] = child(n) end
  local left = (filter == "indexed" and items or total) - last
  if not paged and left > 0 then
    rows[#rows + 1] = { name = "…", type = "", picture = { "object", left .. " more" },
      ref = reference { kind = "rest", rest = ref.rest or ref, first = last + 1 } }
  end
  return rows
end

-- The scopes of a frame, and beside them a table of Python's with its name (the message at a protocol breakpoint).
function inspect.scopes(id, name, extra)
  local frame = frame_of(id)
  local scopes = { { name = "Locals", hint = "locals", ref = reference { kind = "locals", frame = frame } } }
  if list.upvalues { frame = frame } > 0 then
    scopes[#scopes + 1] = { name = "Upvalues", ref = reference { kind = "upvalues", frame = frame } }
  end
  if name then
    scopes[#scopes + 1] = { name = name, ref = reference { kind = "table", value = extra, fixed = true } }
  end
  scopes[#scopes + 1] = { name = "Globals", hint = "globals", ref = reference { kind = "globals", frame = frame } }
  return scopes
end

-- Globals while nothing is stopped.
function inspect.globals()
  inspect.forget()
  return inspect.children(reference { kind = "globals" })
end

-- Expressions -------------------------------------------------------------------------------------------------------

local function assign_in(frame, name, value)
  local at = find_local(frame, name)
  if at then return setlocal(frame.co, frame.level, at, value) end
  at = find_upvalue(frame, name)
  if at then return setupvalue(frame.func, at, value) end
  globals_of(frame)[name] = value
end

-- What an expression finds as its globals: the names that are visible in a frame, for as long as there is that frame.
local function scope_of(id)
  local function frame() return id and frames[id] end
  return setmetatable({}, {
    __index = function(_, name)
      local there = frame()
      if there then
        local at, value = find_local(there, name)
        if at then return value end
        at, value = find_upvalue(there, name)
        if at then return value end
      end
      return globals_of(there)[name]
    end,
    __newindex = function(_, name, value)
      local there = frame()
      if there then return assign_in(there, name, value) end
      env[name] = value
    end,
    __metatable = false,
  })
end

local function varargs(frame)
  local found = { n = 0 }
  while frame do
    local name, value = getlocal(frame.co, frame.level, -(found.n + 1))
    if not name then break end
    found.n = found.n + 1
    found[found.n] = value
  end
  return unpack(found, 1, found.n)
end

local function message_of(err)
  if rawequal(err, INTERRUPT) or state.hit then return err end
  return type(err) == "string" and gsub(err, "^%(debugger%):1: ", "") or text_of(err)
end

-- The values of an expression, or of statements, in a frame; raises a text where it fails.
function inspect.values(id, text)
  local frame = frame_of(id)
  local scope = scope_of(id)
  text = gsub(text, "^%s*[=?]%s*", "")
  local f, problem = rawload("return " .. text, "=(debugger)", "t", scope)
  if not f then
    local other
    f, other = rawload(text, "=(debugger)", "t", scope)
    if not f then
      local unfinished = find(problem, "<eof>", 1, true)
      error(gsub(unfinished and problem or other, "^%(debugger%):1: ", ""), 0)
    end
  end
  local results = pack(core.limited(rawxpcall, f, message_of, varargs(frame)))
  if not results[1] then error(results[2], 0) end
  return unpack(results, 2, results.n)
end

-- The row of an expression; of several values, a row whose children they are.
function inspect.evaluate(id, text)
  local values = pack(inspect.values(id, text))
  if values.n == 0 then return { name = "", type = "", picture = { "object", "" } } end
  if values.n == 1 then return row("", values[1], text, frame_of(id)) end
  local shown = {}
  for n = 1, values.n do shown[n] = outside(values[n], TEXT) end
  return { name = "", type = "", several = shown, count = values.n }
end

-- The whole picture of an expression's value, as a cell would show it.
function inspect.picture(id, text)
  local value = inspect.values(id, text)
  return { picture = core.picture(value) }
end

-- The text that a message of a logpoint shows of an expression.
function inspect.text(id, text)
  local values = pack(inspect.values(id, text))
  for n = 1, max(values.n, 1) do values[n] = text_of(values[n]) end
  return table.concat(values, ", ")
end

-- Set a variable in the list of a reference to the value of an expression.
function inspect.assign(id, name, text)
  local ref = refs[id] or error("this variable is gone: the script has gone on", 0)
  ref = ref.rest or ref
  if ref.fixed then error("this is a picture: it cannot be set", 0) end
  local frame = ref.frame
  local at
  for number, known in next, frames do if known == frame then at = number end end
  local value = inspect.values(at, text)
  local kind = ref.kind
  local extra = kind == "locals" and tonumber(string.match(name, "^%.%.%.%[(%d+)%]$"))
  if extra then
    setlocal(frame.co, frame.level, -extra, value)
  elseif kind == "locals" then
    local n = find_local(frame, name) or error("there is no local " .. name, 0)
    setlocal(frame.co, frame.level, n, value)
  elseif kind == "upvalues" then
    local n = find_upvalue(frame, name) or error("there is no upvalue " .. name, 0)
    setupvalue(frame.func, n, value)
  else
    local t = kind == "globals" and globals_of(frame) or ref.value
    local items = rawlen(t)
    local function try(key)
      if key_name(key) ~= name then return false end
      rawset(t, key, value)
      return true
    end
    local position = tonumber(string.match(name, "^%[(%d+)%]$"))
    if not (position and is_item(position, items) and try(position)) then
      local found = false
      for key in next, t do
        if not found and try(key) then
          found = true
          break
        end
      end
      if not found then error("there is no field " .. name .. " to set", 0) end
    end
  end
  return row(name, value, nil, frame)
end

-- Give a global the value of a frame's variable.
function inspect.copy(id, from, to)
  local value = inspect.values(id, from)
  env[to] = value
  return row(to, value, to)
end

return inspect
