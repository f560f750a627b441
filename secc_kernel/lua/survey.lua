-- A survey of the globals that scripts have made: names, kinds and short values, for completion and inspection while Lua
-- runs. It runs no code of a user (no metamethods, no __tostring), and its size is bounded. secc_kernel.lua.survey reads it.
--
-- boot.lua runs this chunk with what it shares. It returns two functions: one that marks a global as part of the API, and one
-- that gives the survey as text, a record for each name: path, kind, value; a table's fields follow it; and what was marked.

local env, lazies = ...
local type, next, tostring, rawequal, rawget = type, next, tostring, rawequal, rawget
local concat, unpack, find, gsub, sub = table.concat, table.unpack, string.find, string.gsub, string.sub
local math_type = math.type
local getinfo, getlocal, getmetatable = debug.getinfo, debug.getlocal, debug.getmetatable

local RECORDS = 2000                            -- names in a survey
local FIELDS = 200                              -- fields of a table
local DEEPEST = 2                               -- levels of tables whose fields are named
local LONGEST = 200                             -- bytes of a name
local TEXT = 60                                 -- bytes shown of a string
local COUNTED = 1000                            -- entries of a table that are counted

local known = {}                                -- globals that are no script's own, with their values
local libraries = {}                            -- the tables among them: what they hold is documented elsewhere

local function mark(name)
  local value = rawget(env, name)
  known[name] = value
  if type(value) == "table" then libraries[value] = true end
end

for name in next, env do mark(name) end

local function signature(f)
  local facts, parameters = getinfo(f, "uS"), {}
  for i = 1, facts.nparams do parameters[i] = getlocal(f, i) end
  if facts.isvararg then parameters[#parameters + 1] = "..." end
  local place = facts.linedefined > 0 and facts.short_src ~= "[secc]" and " " .. facts.short_src .. ":" .. facts.linedefined or ""
  return "(" .. concat(parameters, ", ") .. ")" .. place
end

local function shown(value)
  local kind = type(value)
  if kind == "number" then return math_type(value), tostring(value) end
  if kind == "boolean" then return kind, tostring(value) end
  if kind == "string" then return kind, (gsub(sub(value, 1, TEXT), "%c", ".")) .. (#value > TEXT and "…" or "") end
  if kind == "function" then return kind, signature(value) end
  if kind ~= "table" then return kind, "" end
  local count, key = 0, next(value)
  while key ~= nil and count < COUNTED do
    count, key = count + 1, next(value, key)
  end
  return kind, count < COUNTED and tostring(count) or COUNTED .. "+"
end

local function survey()
  local parts, count, queue, queued = {}, 0, {}, 0

  local function add(path, value, level)
    if count >= RECORDS then return end
    count = count + 1
    local kind, text = shown(value)
    parts[count] = path .. "\31" .. kind .. "\31" .. text
    if kind == "table" and level <= DEEPEST and not lazies[value] and not libraries[value] then
      queued = queued + 1
      queue[queued] = { path, value, level }
    end
  end

  local function add_fields(path, t, level)
    local fields = 0
    for key, value in next, t do
      if type(key) == "string" and #key <= LONGEST and find(key, "^[%a_][%w_]*$") and sub(key, 1, 2) ~= "__" then
        fields = fields + 1
        if fields > FIELDS then return end
        add(path .. "." .. key, value, level)
      end
    end
  end

  for name, value in next, env do
    local own = not (rawequal(known[name], value) or type(value) == "table" and lazies[value])
    if own and type(name) == "string" and #name <= LONGEST and find(name, "^[%a_][%w_]*$") then add(name, value, 1) end
  end
  local at = 0
  while at < queued do                          -- the globals first, then their fields, then the fields of these
    at = at + 1
    local path, t, level = unpack(queue[at])
    add_fields(path, t, level + 1)
    local meta = getmetatable(t)                -- methods of an object, where its class is a plain table
    local class = type(meta) == "table" and rawget(meta, "__index")
    if type(class) == "table" and not rawequal(class, t) and not lazies[class] then add_fields(path, class, DEEPEST + 1) end
  end
  return concat(parts, "\30", 1, count)
end

return mark, survey, known
