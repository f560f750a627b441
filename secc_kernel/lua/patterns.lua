-- Lua's patterns once more, in Lua: slower than the original, but within the reach of interrupts.
--
-- The original takes time that grows with a power of the subject's length, the number of repetitions that can share out the
-- same text among them. `limit` tells up to which length it is quick whatever the text; beyond, the functions here do the
-- same. bounded.lua chooses. libraries.lua runs this chunk.

local error, ipairs, tostring, type = error, ipairs, tostring, type
local byte, char, sub, find, concat, floor = string.byte, string.char, string.sub, string.find, table.concat, math.floor
local gsub, unpack, math_type, most_integer = string.gsub, table.unpack, math.type, math.maxinteger

local STEPS = 3e8                               -- of the original: less than half a second
local CAPTURES = 32
local UNFINISHED, POSITION = -1, -2             -- lengths of captures

-- Items: a pattern taken apart ------------------------------------------------------------------------------------------

local sets = {}                                 -- by the text of a class or set: the bytes that it takes
local known = 0

-- Each byte is tried by the original, so a class or set means here what it means there.
local function set_of(text)
  local set = sets[text]
  if not set then
    set = {}
    if #text == 1 and text ~= "." then
      set[byte(text)] = true
    else
      for b = 0, 255 do set[b] = find(char(b), "^" .. text) ~= nil end
    end
    if known >= 500 then sets, known = {}, 0 end
    sets[text], known = set, known + 1
  end
  return set
end

-- The end of the class or set that begins at i, or what is wrong with it.
local function class_end(pattern, i)
  local c = sub(pattern, i, i)
  if c == "%" then
    if i == #pattern then return nil, "malformed pattern (ends with '%')" end
    return i + 1
  end
  if c ~= "[" then return i end
  i = i + 1
  if sub(pattern, i, i) == "^" then i = i + 1 end
  repeat
    if i > #pattern then return nil, "malformed pattern (missing ']')" end
    local inside = sub(pattern, i, i)
    i = i + 1
    if inside == "%" then i = i + 1 end
  until sub(pattern, i, i) == "]"
  return i
end

local function item_at(pattern, i)
  local c, following = sub(pattern, i, i), sub(pattern, i + 1, i + 1)
  if c == "(" then
    if following == ")" then return { kind = "position" }, i + 2 end
    return { kind = "open" }, i + 1
  elseif c == ")" then
    return { kind = "close" }, i + 1
  elseif c == "$" and i == #pattern then
    return { kind = "end" }, i + 1
  elseif c == "%" and following == "b" then
    if i + 3 > #pattern then return { kind = "error", text = "malformed pattern (missing arguments to '%b')" } end
    return { kind = "balance", open = byte(pattern, i + 2), close = byte(pattern, i + 3) }, i + 4
  elseif c == "%" and following == "f" then
    if sub(pattern, i + 2, i + 2) ~= "[" then
      return { kind = "error", text = "missing '[' after '%f' in pattern" }
    end
    local last, problem = class_end(pattern, i + 2)
    if not last then return { kind = "error", text = problem } end
    return { kind = "frontier", set = set_of(sub(pattern, i + 2, last)) }, last + 1
  elseif c == "%" and find(following, "^%d") then
    return { kind = "back", number = byte(following) - 48 }, i + 2
  end
  local last, problem = class_end(pattern, i)
  if not last then return { kind = "error", text = problem } end
  local text = sub(pattern, i, last)
  local repeats = sub(pattern, last + 1, last + 1)
  local item = { kind = "one", set = set_of(text) }
  if repeats == "*" or repeats == "+" or repeats == "-" or repeats == "?" then
    item.kind = repeats
    return item, last + 2
  end
  return item, last + 1
end

local function items_of(pattern, first)
  local items, i = {}, first
  while i and i <= #pattern do items[#items + 1], i = item_at(pattern, i) end
  return items
end

-- How long the original may take ----------------------------------------------------------------------------------------

local REPEATS = { ["*"] = true, ["+"] = true, ["-"] = true, ["?"] = true }

local function overlap(one, other)
  for b = 0, 255 do
    if one[b] and other[b] then return true end
  end
  return false
end

-- Whether what follows item n may begin with a byte that item n takes as well: then there are many ways to share out.
local function is_ambiguous(items, n)
  local set = items[n].set
  for k = n + 1, #items do
    local item = items[k]
    local kind = item.kind
    if kind == "end" then return false end
    if kind == "one" or REPEATS[kind] then
      if overlap(set, item.set) then return true end
      if kind == "one" or kind == "+" then return false end
    elseif kind ~= "open" and kind ~= "close" and kind ~= "position" then
      return true
    end
  end
  return false
end

local patterns = {}

-- The longest subject on which the original does not take more than STEPS steps, whatever the subject holds.
function patterns.limit(pattern)
  local anchored = sub(pattern, 1, 1) == "^"
  local items = items_of(pattern, anchored and 2 or 1)
  local power, once, factor = anchored and 0 or 1, 0, #items + 1
  for n, item in ipairs(items) do
    local kind = item.kind
    if kind == "balance" or kind == "back" then
      power = power + 1
    elseif kind == "?" then
      if is_ambiguous(items, n) then factor = factor * 2 end
    elseif REPEATS[kind] then
      if is_ambiguous(items, n) then power = power + 1 else once = 1 end
    end
  end
  power = power + once
  if power == 0 then return factor > STEPS and 0 or most_integer end
  return floor((STEPS / factor) ^ (1 / power))
end

-- Matching --------------------------------------------------------------------------------------------------------------

-- A matcher is a function of a state and a position: the position behind the match, or nil. Each calls the next one, so what
-- comes after an item decides how much of the text it may keep.

local make = {}

function make.one(item, following)
  local set = item.set
  return function(m, i)
    if set[byte(m.s, i)] then return following(m, i + 1) end
  end
end

local function longest(least)
  return function(item, following)
    local set = item.set
    return function(m, i)
      local s, j = m.s, i
      while set[byte(s, j)] do j = j + 1 end
      for at = j, i + least, -1 do
        local stop = following(m, at)
        if stop then return stop end
      end
    end
  end
end
make["*"], make["+"] = longest(0), longest(1)

make["-"] = function(item, following)
  local set = item.set
  return function(m, i)
    local s = m.s
    while true do
      local stop = following(m, i)
      if stop then return stop end
      if not set[byte(s, i)] then return nil end
      i = i + 1
    end
  end
end

make["?"] = function(item, following)
  local set = item.set
  return function(m, i)
    return set[byte(m.s, i)] and following(m, i + 1) or following(m, i)
  end
end

local function opening(size)
  return function(_, following)
    return function(m, i)
      local level = m.level + 1
      if level > CAPTURES then error("too many captures") end
      m.from[level], m.size[level], m.level = i, size, level
      local stop = following(m, i)
      if not stop then m.level = level - 1 end
      return stop
    end
  end
end
make.open, make.position = opening(UNFINISHED), opening(POSITION)

function make.close(_, following)
  return function(m, i)
    local level = m.level
    while level > 0 and m.size[level] ~= UNFINISHED do level = level - 1 end
    if level == 0 then error("invalid pattern capture") end
    m.size[level] = i - m.from[level]
    local stop = following(m, i)
    if not stop then m.size[level] = UNFINISHED end
    return stop
  end
end

make["end"] = function(_, following)
  return function(m, i)
    if i == #m.s + 1 then return following(m, i) end
  end
end

function make.back(item, following)
  local number = item.number
  return function(m, i)
    local size = m.size[number]
    if number == 0 or number > m.level or size == UNFINISHED then
      error("invalid capture index %" .. number)
    end
    if size == POSITION then return nil end
    local from = m.from[number]
    if sub(m.s, i, i + size - 1) == sub(m.s, from, from + size - 1) then return following(m, i + size) end
  end
end

function make.balance(item, following)
  local open, close = item.open, item.close
  return function(m, i)
    local s = m.s
    if byte(s, i) ~= open then return nil end
    local depth = 1
    for j = i + 1, #s do
      local b = byte(s, j)
      if b == close then
        depth = depth - 1
        if depth == 0 then return following(m, j + 1) end
      elseif b == open then
        depth = depth + 1
      end
    end
  end
end

function make.frontier(item, following)
  local set = item.set
  return function(m, i)
    if not set[i > 1 and byte(m.s, i - 1) or 0] and set[byte(m.s, i) or 0] then return following(m, i) end
  end
end

function make.error(item)
  return function() error(item.text) end
end

local function finish(_, i) return i end

local function compile(pattern, anchors)
  local anchored = anchors and sub(pattern, 1, 1) == "^"
  local items = items_of(pattern, anchored and 2 or 1)
  local matcher = finish
  for n = #items, 1, -1 do matcher = make[items[n].kind](items[n], matcher) end
  return matcher, anchored
end

local function state_for(s) return { s = s, level = 0, from = {}, size = {} } end

-- Capture n of a match from i to before `stop`; without captures, the first is the match as a whole.
local function capture(m, n, i, stop)
  if n > m.level then
    if n ~= 1 then error("invalid capture index %" .. n) end
    return sub(m.s, i, stop - 1)
  end
  local from, size = m.from[n], m.size[n]
  if size == POSITION then return from end
  if size == UNFINISHED then error("unfinished capture") end
  return sub(m.s, from, from + size - 1)
end

local function captures(m, i, stop, whole)
  local list, count = {}, (m.level == 0 and whole) and 1 or m.level
  for n = 1, count do list[n] = capture(m, n, i, stop) end
  return unpack(list, 1, count)
end

local function first_place(s, init)
  init = init == nil and 1 or math_type(init) == "integer" and init or floor(init)
  if init < 0 then init = #s + init + 1 end
  return init < 1 and 1 or init
end

-- The first match at or behind `init`: the state, where it begins, and where it stops.
local function search(s, pattern, init)
  local matcher, anchored = compile(pattern, true)
  local m = state_for(s)
  for i = first_place(s, init), #s + 1 do
    m.level = 0
    local stop = matcher(m, i)
    if stop then return m, i, stop end
    if anchored then return nil end
  end
end

function patterns.find(s, pattern, init)
  local m, i, stop = search(s, pattern, init)
  if m then return i, stop - 1, captures(m, i, stop, false) end
  return nil
end

function patterns.match(s, pattern, init)
  local m, i, stop = search(s, pattern, init)
  if m then return captures(m, i, stop, true) end
  return nil
end

function patterns.gmatch(s, pattern, init)
  local matcher = compile(pattern, false)
  local at, last = first_place(s, init), nil
  return function()
    local m = state_for(s)
    for i = at, #s + 1 do
      m.level = 0
      local stop = matcher(m, i)
      if stop and stop ~= last then
        at, last = stop, stop
        return captures(m, i, stop, true)
      end
    end
    at = #s + 2
    return nil
  end
end

-- What a match is replaced by.
local function replaced(m, i, stop, replacement)
  local kind, value = type(replacement), nil
  if kind == "string" then
    return (gsub(replacement, "%%(.?)", function(c)
      if c == "%" then return "%" end
      if not find(c, "^%d") then error("invalid use of '%' in replacement string") end
      return tostring(c == "0" and sub(m.s, i, stop - 1) or capture(m, byte(c) - 48, i, stop))
    end))
  elseif kind == "table" then
    value = replacement[capture(m, 1, i, stop)]
  else
    value = replacement(captures(m, i, stop, true))
  end
  if not value then return sub(m.s, i, stop - 1) end
  if type(value) ~= "string" and type(value) ~= "number" then
    error("invalid replacement value (a " .. type(value) .. ")")
  end
  return value
end

function patterns.gsub(s, pattern, replacement, most)
  local matcher, anchored = compile(pattern, true)
  local pieces, kept, count, i, last = {}, 1, 0, 1, nil
  local size = #s
  most = most or size + 1
  while count < most do
    local m = state_for(s)
    local stop = matcher(m, i)
    if stop and stop ~= last then
      count = count + 1
      pieces[#pieces + 1] = sub(s, kept, i - 1)
      pieces[#pieces + 1] = replaced(m, i, stop, replacement)
      i, last, kept = stop, stop, stop
    elseif i <= size then
      i = i + 1
    else
      break
    end
    if anchored then break end
  end
  pieces[#pieces + 1] = sub(s, kept)
  return concat(pieces), count
end

return patterns
