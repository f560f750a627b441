-- The debugger's part in Lua: where a script stops, and how it goes on. secc_kernel.lua.debugging tells how it works together
-- with Python; boot.lua runs this chunk, with what it shares, when somebody attaches a debugger for the first time.
--
-- While one is attached, every coroutine has `watch` as its hook instead of boot.lua's. A stop happens inside of that hook (or
-- of the handler of an error): a helper coroutine asks Python what to do, again and again, and the script's own stack stands
-- still meanwhile, whose frames and variables inspect.lua reads and sets.

local core, parts = ...
local state, self, call, check, block, count_hook = core.state, core.self, core.call, core.check, core.block, core.hook
local INTERRUPT, AWAIT, COUNT = core.interrupt, core.await, core.count

local type, next, rawequal, error, setmetatable = type, next, rawequal, error, setmetatable
local rawpcall, rawxpcall, sub = pcall, xpcall, string.sub
local sethook, getinfo = debug.sethook, debug.getinfo
local co_create, co_resume, co_running, co_status = coroutine.create, coroutine.resume, coroutine.running, coroutine.status

local next_job, stopped, lines_of, met, log, late = parts.next_job, parts.stopped, parts.lines_of, parts.met, parts.log,
  parts.late

local parents = setmetatable({}, { __mode = "k" })      -- coroutine -> the one that has resumed it
local wraps = setmetatable({}, { __mode = "k" })        -- coroutines of coroutine.wrap: their errors go on in the caller
local marks, by_source = {}, {}                 -- lines with a breakpoint in any source; source -> its lines
local step                                      -- where the script was told to step from, and how
local pausing = false
local skipping = false                          -- whether the next line is the one that the script has just stopped in
local ticks = 0                                 -- lines since the last look at the interrupt flag
local passed                                    -- an error that has stopped the script, on its way through coroutines

local LINES = 100                               -- lines between two looks: whatever loops passes lines

-- Beside the script -------------------------------------------------------------------------------------------------

local debugger = { all = false, uncaught = false }      -- which errors stop the script

-- Whether the cell is to end, or Python asks for something.
local function look()
  local why = state.hit or call(check)
  if why == "debug" then return debugger.attend() end
  if why then core.stop(why) end
end

local expired = false                           -- whether the expression that runs has taken too long

-- Hook of helper coroutines. Once an expression is late, this fires at each of its instructions, as interrupts do.
local function guard()
  if expired then
    if getinfo(2, "S").source ~= self then error("this takes too long: stopped", 0) end
    return
  end
  look()
  if call(late) then
    expired = true
    sethook(guard, "", 1)
  end
end

-- Run an expression of the user, for a limited time.
function core.limited(run, ...)
  call(late, true)
  local function done(...)
    call(late, false)
    if expired then
      expired = false
      sethook(guard, "", COUNT)
    end
    if state.hit then error(INTERRUPT, 0) end
    return ...
  end
  return done(run(...))
end

local inspect = load(parts.inspect, self, "t", core.standard)(core)

local beside = 0                                -- how many helpers run: nothing stops what they run

-- Run a function in a coroutine of its own beside the present one, whose levels then stand still. What it waits for blocks.
local function aside(f, ...)
  local helper = co_create(f)
  core.cells[helper] = true
  sethook(helper, guard, "", COUNT)
  beside = beside + 1
  local function settle(ok, first, ...)
    if ok and rawequal(first, AWAIT) and co_status(helper) == "suspended" then
      return settle(co_resume(helper, call(block)))
    end
    beside = beside - 1
    if state.hit then error(INTERRUPT, 0) end
    if not ok then error(first, 0) end
    return first, ...
  end
  return settle(co_resume(helper, ...))
end

local function chain_of(co, list)
  list = list or {}
  while co do
    list[#list + 1] = co
    co = parents[co]
  end
  return list
end

-- Jobs --------------------------------------------------------------------------------------------------------------

local jobs = {}                                 -- what Python asks for, beside what inspect.lua has
local chain                                     -- the coroutines of the present stop

function jobs.stack() return inspect.stack(chain or {}) end

-- Ask Lua for the events that are needed now: of lines only where one may stop the script, since that costs time.
local function arm()
  if step then
    state.mask, state.count = "lr", 0
  elseif pausing or next(marks) then
    state.mask, state.count = "l", 0
  else
    state.mask, state.count = "", COUNT
  end
end

-- The next line tells anew which lines have a breakpoint.
function jobs.refresh()
  by_source = {}
  marks = {}
  for _, line in next, call(parts.marks) do marks[line] = true end
  arm()
end

function jobs.errors(all, uncaught) debugger.all, debugger.uncaught = all, uncaught end
function jobs.pause()
  pausing = true
  arm()
end

local watch
function jobs.attach()
  state.debug, state.hook = debugger, watch
  jobs.refresh()
end

function jobs.detach()
  state.debug, state.hook, state.mask, state.count = nil, count_hook, "", COUNT
  debugger.all, debugger.uncaught, step, pausing = false, false, nil, false
end

local function answer_to(ok, result)
  if state.hit then error(INTERRUPT, 0) end
  if ok then return { result = result } end
  return { failure = core.text_of(result) }
end

-- Do what Python asks for until it says "go"; gives how. Where nothing is stopped, Python says so when it has no more.
local function converse()
  local answer
  while true do
    local job, a, b, c, d = call(next_job, answer)
    if not job then core.unwind("interrupt") end
    if job == "go" then return a end
    answer = answer_to(rawpcall(jobs[job] or inspect[job], a, b, c, d))
  end
end

-- Between two instructions of a script, or of cells: do what Python asks for.
function debugger.attend()
  if beside > 0 then return end
  aside(converse)
  local _, main = co_running()
  if not main then sethook(state.hook, state.mask, state.count) end
end

-- Stopping ----------------------------------------------------------------------------------------------------------

local function is_user(info) return info.what ~= "C" and info.source ~= self end

-- The innermost level of user code in a coroutine, and the number of frames from there to the bottom.
local function top_of(co)
  local level = 0
  local info = getinfo(co, level, "S")
  while info and not is_user(info) do
    level = level + 1
    info = getinfo(co, level, "S")
  end
  if not info then return nil end
  local below = level                           -- the bottom, by doubling and halving: each look walks the stack
  local beyond = level + 1
  while getinfo(co, beyond, "") do below, beyond = beyond, beyond * 2 end
  while beyond - below > 1 do
    local middle = (below + beyond) // 2
    if getinfo(co, middle, "") then below = middle else beyond = middle end
  end
  return level, below - level + 1
end

local function step_from(how)
  for n = 1, #chain do
    local co = chain[n]
    local level, height = top_of(co)
    if level and co_status(co) ~= "dead" then
      local ancestors = {}
      for above = n + 1, #chain do ancestors[chain[above]] = true end
      return { how = how, co = co, height = height, func = getinfo(co, level, "f").func, ancestors = ancestors }
    end
  end
end

local function set_hooks()
  for n = 1, #chain do
    if co_status(chain[n]) ~= "dead" then sethook(chain[n], state.hook, state.mask, state.count) end
  end
end

-- Stop here. `dead` is a coroutine that an error has ended; else the running one is looked at.
local function stop(reason, text, ids, dead)
  step, pausing = nil, false
  local here = chain_of(co_running())
  if dead then table.insert(here, 1, dead) end
  chain = here
  local ok, how = rawpcall(aside, function()
    inspect.forget()
    call(stopped, reason, text, ids)
    local how = converse()
    inspect.forget()
    if how ~= "continue" then step = step_from(how) end
    return how
  end)
  if ok and state.debug then arm() end
  if ok then set_hooks() end
  chain = nil
  if not ok then error(how, 0) end
end

-- Breakpoints -------------------------------------------------------------------------------------------------------

local function message_of(err)
  return type(err) == "string" and err or core.text_of(err)
end

-- Whether a breakpoint stops the script, and why not as it was meant.
local function tried(entry, frame)
  if entry.condition then
    local ok, value = rawpcall(inspect.values, frame, entry.condition)
    if state.hit then error(INTERRUPT, 0) end
    if not ok then return true, "the condition " .. entry.condition .. " failed: " .. message_of(value) end
    if not value then return false end
  end
  if not call(met, entry.id) then return false end
  if not entry.log then return true end
  local shown = {}
  for n = 1, #entry.log do
    local part = entry.log[n]
    if sub(part, 1, 1) == "=" then
      local ok, text = rawpcall(inspect.text, frame, sub(part, 2))
      if state.hit then error(INTERRUPT, 0) end
      part = ok and text or "{" .. message_of(text) .. "}"
    else
      part = sub(part, 2)
    end
    shown[n] = part
  end
  call(log, table.concat(shown))
  return false
end

-- At a line that has breakpoints: the numbers of those that stop here, and what is to be said of them.
local function hits(entries)
  local co = co_running()
  return aside(function()
    local ids, said
    inspect.forget()
    local frame = inspect.stack({ co }, 1)[1]
    for n = 1, #entries do
      local stops, why = tried(entries[n], frame.id)
      if stops then
        ids = ids or {}
        ids[#ids + 1] = entries[n].id
        said = said or why
      end
    end
    return ids, said
  end)
end

local function entries_at(source, line)
  local lines = by_source[source]
  if lines == nil then
    lines = call(lines_of, source) or false
    by_source[source] = lines
  end
  return lines and lines[line]
end

-- Stepping ----------------------------------------------------------------------------------------------------------

-- The three below are called by `watch`: level 3 is the function that runs.

-- Whether no more than `height` frames are on the stack. (Not to be called as the tail of a function: levels would differ.)
local function not_deeper(height) return not getinfo(4 + height, "") end

local function step_ends_at_line(co)
  if step.how == "in" then return true end
  if step.ancestors[co] then return true end
  if co ~= step.co or not not_deeper(step.height) then return false end
  if step.how == "over" and rawequal(getinfo(3, "f").func, step.func) then return true end
  return (not_deeper(step.height - 1))
end

-- Whether anything of the script is left on a stack from a level on, or on those below it.
local function leads_on(level, co)
  local info = getinfo(level + 1, "S")
  while info do
    if is_user(info) then return true end
    level = level + 1
    info = getinfo(level + 1, "S")
  end
  co = parents[co]
  while co do
    if top_of(co) then return true end
    co = parents[co]
  end
  return false
end

-- A function returns: where that is the one that the step began in, it ends where the script goes on, be it amid a line.
local function step_returns(co)
  if step.ancestors[co] then
    step.ending = true
  elseif co == step.co and not_deeper(step.height) and getinfo(2 + step.height, "") then
    if not leads_on(4, co) then                 -- the cell is at its end
      step = nil
      arm()
      return sethook(watch, state.mask, state.count)
    end
    step.ending = true
    local parent = parents[co]
    if parent then sethook(parent, watch, "lr", 1) end
  end
  if step.ending then sethook(watch, "lr", 1) end
end

local function step_ends_amid(co)
  if not is_user(getinfo(3, "S")) then return false end
  return step.ancestors[co] or co ~= step.co or not_deeper(step.height - 1)
end

function watch(event, line)
  if state.hook ~= watch then                   -- detached: this coroutine has not heard of it
    sethook(state.hook, state.mask, state.count)
    return look()
  end
  if state.hit then return look() end
  if event == "line" then
    ticks = ticks + 1
    if ticks >= LINES then
      ticks = 0
      look()
    end
    if beside > 0 then return end
    if skipping then
      skipping = false
      return
    end
    if marks[line] then
      local info = getinfo(2, "S")
      local entries = info.source ~= self and entries_at(info.source, line)
      if entries then
        local ids, said = hits(entries)
        if ids then return stop("breakpoint", said, ids) end
      end
    end
    if (step or pausing) and getinfo(2, "S").source ~= self then
      if pausing then return stop("pause") end
      if step_ends_at_line((co_running())) then return stop("step") end
    end
  elseif event == "count" and beside > 0 then
    look()
  elseif beside > 0 then return
  elseif event == "count" then
    if not (step and step.ending) then
      look()
      if state.mask ~= "" then sethook(watch, state.mask, state.count) end
    elseif step_ends_amid((co_running())) then
      skipping = true                           -- Lua calls the hook again here, for the same line
      return stop("step")
    end
  elseif step and not step.ending then          -- a function returns
    step_returns((co_running()))
  end
end

-- What boot.lua tells -----------------------------------------------------------------------------------------------

-- A cell begins.
function debugger.begin(co)
  step, pausing, passed, skipping = nil, false, nil, false
  jobs.refresh()
  sethook(co, watch, state.mask, state.count)
end

-- A coroutine is about to be resumed.
function debugger.resuming(co)
  parents[co] = co_running()
  sethook(co, watch, state.mask, state.count)
end

function debugger.wrapping(co) wraps[co] = true end
function debugger.passing(err) passed = err end

local function stop_at(err, dead)
  if beside > 0 then return end
  local ok, problem = rawpcall(stop, "exception", message_of(err), nil, dead)
  if not ok and not state.hit then call(log, message_of(problem) .. "\n") end    -- no room left to stop in
end

-- Whether somebody catches what is thrown in a coroutine: a pcall on its stack, or who has resumed it.
local function is_caught(co)
  while co do
    local protected, level = 0, 0
    local info = getinfo(co, level, "f")
    while info do
      if info.func == rawpcall or info.func == rawxpcall then protected = protected + 1 end
      level = level + 1
      info = getinfo(co, level, "f")
    end
    if core.cells[co] then return protected > 1 end
    if protected > 0 or not wraps[co] then return true end
    co = parents[co]
  end
  return true
end

-- An error has ended a coroutine: its stack is still there.
function debugger.died(co, err)
  if rawequal(err, passed) then return end
  if debugger.all or debugger.uncaught and wraps[co] and not is_caught(co_running()) then stop_at(err, co) end
end

-- An error that a pcall or xpcall is about to catch.
function debugger.raised(err)
  if state.hit or rawequal(err, INTERRUPT) then return end
  if debugger.all and not rawequal(err, passed) then stop_at(err) end
  passed = nil
end

-- An error that nobody has caught.
function debugger.escaped(err)
  if (debugger.all or debugger.uncaught) and not rawequal(err, passed) then stop_at(err) end
  passed = nil
end

-- Python waits for something on behalf of the line that runs, and somebody wants the script to stop there.
function debugger.hold(reason, text) stop(reason, text) end

return debugger
