-- The globals of scripts that are not trusted: without files, the environment and the collector's settings.
--
-- libraries.lua runs this chunk with what it shares, when the engine is restricted.

local core = ...
local env = core.env
local error, ipairs, tostring, type = error, ipairs, tostring, type
local collect, io_lines = collectgarbage, env.io.lines

local function closed(name)
  return function() error(name .. " is not available: a notebook that is not trusted has no files and no environment", 2) end
end

for _, name in ipairs { "open", "tmpfile", "popen" } do env.io[name] = closed("io." .. name) end
for _, name in ipairs { "getenv", "remove", "rename", "tmpname", "execute" } do env.os[name] = closed("os." .. name) end
for _, name in ipairs { "loadfile", "dofile" } do env[name] = closed(name) end

function env.io.lines(name, ...)
  if name ~= nil then return closed("io.lines of a file")() end
  return io_lines(nil, ...)
end

env.package.path = ""
function env.require(name)
  local package = env.package
  local module = package.loaded[name]
  if module ~= nil then return module end
  local loader = package.preload[name]
  if not loader then
    error("module '" .. tostring(name) .. "' is not there: a notebook that is not trusted loads no files", 2)
  end
  module = loader(name, ":preload:")
  if module == nil then module = true end
  package.loaded[name] = module
  return module, ":preload:"
end

function env.collectgarbage(what)
  if what ~= nil and what ~= "collect" and what ~= "count" then
    error("collectgarbage takes only 'collect' and 'count' here, not " .. (type(what) == "string" and "'" .. what .. "'" or
      tostring(what)), 2)
  end
  return collect(what)
end

-- The methods of all strings are in one table: here a cell cannot change them for the next ones.
core.getmetatable("").__metatable = false
