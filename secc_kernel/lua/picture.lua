-- Pictures of values: what Python is to show of them. A picture is bounded however large the value is, holds no table of the
-- script, and is taken where the script runs, so taking it can be interrupted. secc_kernel.lua.picture reads it.
--
-- boot.lua runs this chunk with what it shares. A picture is a plain value, a Python object that Lua has only passed on, or
-- one of
--   { "object", text }                      a function, a coroutine, a file, a table that has a __tostring
--   { "text", head, bytes }                 a string inside of a table, cut
--   { "again" }                             a table inside of itself
--   { "table", name, shown, head, skipped, fields, more, ... }
-- where ... are the shown items of the list part (`head` of them before the `skipped` ones that are left out), then keys and
-- values of as many `fields`, of which `more` are left out.

local core = ...
local env, lazies, known_files, self, pobject, text_of = core.env, core.lazies, core.known_files, core.self, core.pobject,
  core.text_of

local type, next, tostring, rawequal, rawget, rawlen, math_type = type, next, tostring, rawequal, rawget, rawlen, math.type
local sort, sub, byte, min, max = table.sort, string.sub, string.byte, math.min, math.max
local getinfo, getmetatable, status = debug.getinfo, debug.getmetatable, coroutine.status

local ITEMS = { 60, 30, 15, 10 }               -- items, and fields, shown of a table on each level
local DEEPEST = 8                               -- levels of tables
local BUDGET = 700                              -- items and fields of the whole picture
local TEXT = 400                                -- bytes shown of a string inside of a table
local SORTED = 10000                            -- fields of a table that are put in order

-- The name of a function: of a global, or of a member of a library or of the API.
local function name_of(f)
  for name, value in next, env do
    if rawequal(value, f) and type(name) == "string" then return name end
  end
  local function within(owner, members)
    for name, value in next, members do
      if rawequal(value, f) and type(name) == "string" then return owner .. "." .. name end
    end
  end
  for owner, value in next, env do
    local members = type(value) == "table" and (lazies[value] and lazies[value].members or value)
    -- A table of the API knows its name; it may have several here.
    local found = members and type(owner) == "string" and owner ~= "_G" and
      within(lazies[value] and tostring(value) or owner, members)
    if found then return found end
  end
end

local function describe(f)
  local name, info = name_of(f), getinfo(f, "S")
  local place = (info.what == "C" or info.source == self) and "built in" or info.short_src .. ":" .. info.linedefined
  return "function " .. (name and name .. " " or "") .. "(" .. place .. ")"
end

local function object(value, kind)
  if kind == "function" then return { "object", describe(value) } end
  if kind == "thread" then return { "object", "coroutine (" .. status(value) .. ")" } end
  if getmetatable(value) == pobject then return value end
  return { "object", tostring(value) }
end

-- The first bytes of a text, without the beginning of a character at the end.
local function head_of(text)
  local last = TEXT
  while last > TEXT - 4 and (byte(text, last + 1) or 0) & 0xC0 == 0x80 do last = last - 1 end
  return sub(text, 1, last)
end

local RANK = { number = 1, string = 2 }

local function before(a, b)
  local x, y = RANK[type(a)] or 3, RANK[type(b)] or 3
  if x ~= y then return x < y end
  if x < 3 then return a < b end
  return tostring(a) < tostring(b)
end

local function key_picture(key)
  local kind = type(key)
  if kind == "string" and #key > TEXT then return { "text", head_of(key), #key } end
  if kind == "table" then return { "object", lazies[key] and tostring(key) or "table" } end
  if kind == "function" or kind == "thread" or kind == "userdata" then return object(key, kind) end
  return key
end

-- The keys of a table that do not belong to its list part: as many as are put in order, and their number.
local function fields_of(value, listed)
  local keys, count = {}, 0
  for key in next, value do
    if not (math_type(key) == "integer" and key >= 1 and key <= listed) then
      count = count + 1
      if count <= SORTED then keys[count] = key end
    end
  end
  sort(keys, before)
  return keys, count
end

local budget                                    -- what is left of it for the picture that is being taken
local picture

local function table_picture(value, level, open)
  if open[value] then return { "again" } end
  local listed = 0
  while rawget(value, listed + 1) ~= nil do listed = listed + 1 end
  local keys, count = fields_of(value, listed)
  local limit = level >= DEEPEST and 0 or min(ITEMS[level + 1] or ITEMS[#ITEMS], max(budget, 0))
  local shown = min(listed, limit)
  local head = shown < listed and (shown * 4 + 4) // 5 or shown
  local fields = min(count, #keys, limit)
  budget = budget - shown - fields
  local meta = getmetatable(value)
  local name = type(meta) == "table" and rawget(meta, "__name")
  local list = { "table", type(name) == "string" and #name <= TEXT and name or "", shown, head, listed - shown, fields,
    count - fields }
  open[value] = true
  local at = #list
  for n = 1, shown do
    list[at + n] = picture(rawget(value, n <= head and n or listed - shown + n), level + 1, open)
  end
  at = at + shown
  for n = 1, fields do
    list[at + 2 * n - 1] = key_picture(keys[n])
    list[at + 2 * n] = picture(rawget(value, keys[n]), level + 1, open)
  end
  open[value] = nil
  return list
end

function picture(value, level, open)
  local kind = type(value)
  if kind == "string" then
    if level > 0 and #value > TEXT then return { "text", head_of(value), #value } end
    return value
  elseif kind == "table" then
    if lazies[value] then return lazies[value].origin end
    local meta = getmetatable(value)
    -- What an error is thrown with is shown whole (level -1): its text is the message already.
    if known_files[value] or level >= 0 and type(meta) == "table" and rawget(meta, "__tostring") ~= nil then
      return { "object", text_of(value) }
    end
    return table_picture(value, level < 0 and 0 or level, open)
  elseif kind == "nil" or kind == "boolean" or kind == "number" then
    return value
  end
  return object(value, kind)
end

-- The picture of a value; of one that was thrown, if `thrown`.
return function(value, thrown)
  local kind = type(value)
  if kind ~= "table" and kind ~= "function" and kind ~= "thread" and kind ~= "userdata" then return value end
  budget = BUDGET
  return picture(value, thrown and -1 or 0, {})
end
