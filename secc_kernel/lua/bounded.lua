-- Functions of the standard libraries that could stay in C for long, where no interrupt reaches them, in forms that cannot.
--
-- libraries.lua runs this chunk with what it shares; it replaces functions of `string` and `table`. What takes a moment at
-- most is left to the original; else it is done in Lua, in pieces, or refused where no memory could hold it.

local core = ...
local getmetatable, look = core.getmetatable, core.look         -- look: unwinds if somebody has asked to stop
local error, ipairs, rawlen, tonumber, type, math_type, tointeger = error, ipairs, rawlen, tonumber, type, math.type,
  math.tointeger
local string, table = string, table
local find, match, gmatch, gsub, rep = string.find, string.match, string.gmatch, string.gsub, string.rep
local sub, concat, sort, move, insert, remove = string.sub, table.concat, table.sort, table.move, table.insert, table.remove

local MOST = 1 << 26                            -- items; no table that fits into memory has more
local MANY = 1 << 16                            -- items that are sorted in a moment
local LARGE = 1 << 20                           -- bytes that are handled in a moment

-- A whole number as the originals take it: 2.0 and "2" are ones, too. Nil for what they refuse.
local function whole(value)
  if math_type(value) == "integer" then return value end
  return value ~= nil and tointeger(tonumber(value)) or nil
end

-- Patterns ----------------------------------------------------------------------------------------------------------

local patterns = core.patterns
local limits = {}                               -- by pattern: the longest subject for which the original is quick
local known = 0

local function limit_of(pattern)
  local limit = patterns.limit(pattern)
  if #pattern <= 200 then
    if known >= 500 then limits, known = {}, 0 end
    limits[pattern], known = limit, known + 1
  end
  return limit
end

-- A text or pattern as the original takes it; nil for what it refuses.
local function text(value)
  if type(value) == "string" then return value end
  if type(value) == "number" then return value .. "" end
end

-- Whether the original does it in a moment: also what it refuses, that it may say why.
local function is_quick(s, pattern)
  return not s or not pattern or #s <= (limits[pattern] or limit_of(pattern))
end

-- Find a text without pattern characters; in pieces where comparing at each place might take long.
local function find_plain(s, pattern, init)
  local size = #pattern
  if #s * size <= 1 << 28 then return find(s, pattern, init, true) end
  local step = (1 << 28) // size + 1
  local at = init < 0 and #s + init + 1 or init
  if at < 1 then at = 1 end
  while at + size - 1 <= #s do
    look()
    local from, to = find(sub(s, at, at + step + size - 2), pattern, 1, true)
    if from then return from + at - 1, to + at - 1 end
    at = at + step
  end
end

function string.find(s, pattern, init, plain)
  if type(s) == "string" and #s <= (limits[pattern or 0] or -1) then return find(s, pattern, init, plain) end
  local subject, p = text(s), text(pattern)
  if subject and p and (init == nil or math_type(init) == "integer") and (plain or not find(p, "[%^%$%*%+%?%.%(%[%%%-]")) then
    return find_plain(subject, p, init or 1)
  end
  if is_quick(subject, p) then return find(s, pattern, init, plain) end
  return patterns.find(subject, p, init)
end

function string.match(s, pattern, init)
  if type(s) == "string" and #s <= (limits[pattern or 0] or -1) then return match(s, pattern, init) end
  local subject, p = text(s), text(pattern)
  if is_quick(subject, p) then return match(s, pattern, init) end
  return patterns.match(subject, p, init)
end

function string.gmatch(s, pattern, init)
  local subject, p = text(s), text(pattern)
  if not p or sub(p, 1, 1) ~= "^" and is_quick(subject, p) then return gmatch(s, pattern, init) end
  return patterns.gmatch(subject or s, p, init)
end

function string.gsub(s, pattern, replacement, ...)
  if type(s) == "string" and #s <= (limits[pattern or 0] or -1) then return gsub(s, pattern, replacement, ...) end
  local subject, p = text(s), text(pattern)
  local kind = type(replacement)
  if is_quick(subject, p) or kind ~= "string" and kind ~= "number" and kind ~= "table" and kind ~= "function" then
    return gsub(is_quick(subject, p) and s or "", pattern, replacement, ...)
  end
  return patterns.gsub(subject, p, kind == "number" and replacement .. "" or replacement, ...)
end

-- Others ------------------------------------------------------------------------------------------------------------

function string.rep(...)
  local s, n, separator = ...
  local one, between, count = text(s), text(separator or ""), whole(n)
  if one and between and count then
    if #one + #between == 0 then return "" end  -- the original would count to n
    if count > 0 and (count > LARGE or count * (#one + #between) > LARGE) then look() end
  end
  return rep(...)
end

-- Quick once, but not a thousand times, which is how often an interrupt is looked for.
for _, name in ipairs { "lower", "upper", "reverse" } do
  local original = string[name]
  string[name] = function(...)
    if type((...)) == "string" and #(...) > LARGE then look() end
    return original(...)
  end
end

local function looked(result)
  if #result > LARGE then look() end
  return result
end

function table.concat(...) return looked(concat(...)) end

-- The length of a table may be anything that a script says.
local function has_sane_length(t)
  if type(t) ~= "table" then return end
  local meta = getmetatable(t)
  if meta and meta.__len ~= nil then
    local length = whole(#t)
    if length and length > MOST then error("object length is too large", 3) end
  end
end

function table.insert(...)
  has_sane_length((...))
  return insert(...)
end

function table.remove(...)
  has_sane_length((...))
  return remove(...)
end

function table.move(...)
  local _, first, last = ...
  first, last = whole(first), whole(last)
  if first and last and last >= first then
    local count = last - first
    if count < 0 or count > MOST then error("too many elements to move", 2) end
    if count > LARGE then look() end
  end
  return move(...)
end

local function before(a, b) return a < b end

function table.sort(...)
  local t, comparison = ...
  -- Comparing in Lua takes longer, but can be interrupted.
  if comparison == nil and type(t) == "table" and rawlen(t) > MANY then return sort(t, before) end
  return sort(...)
end
