-- Recurring jobs, for schedule, advance, trigger, unschedule and recurring (rule R20): what is stored of a name.
--
-- recurring   hash   name -> { 1 (version), cron, zone, name of the job, max attempts, timeout ms, keep ms, body, unique key, unique for ms }
-- ticks       hash   name -> { due ms, seen ms, last ms, removed (0, 1) }: the next tick, when a process that has this definition looked
--                    last, the last tick that was dealt with, and whether an operator removed it; all in server time
local SEEN_STEP_MS = 10000 -- looks closer together are not written down
local ABANDONED_MS = 120000 -- RecurringScheduler.AbandonedAfter mirrors it, a test compares: then another definition may take the name over

local function encode_definition(cron, zone, how, body)
  return cmsgpack.pack({
    1, cron, zone, how.name, how.max_attempts, how.timeout_ms, how.keep_ms, body, how.unique, how.unique_ms,
  })
end

local DEFINITION_TEXTS = { [2] = true, [3] = true, [4] = true, [8] = true, [9] = true }

-- nil for none, and for what cannot be read: a process that has it registers it again.
local function read_definition(recurring, name)
  local f = unpack_array(redis.call('HGET', recurring, name) or '')
  if f[1] ~= 1 or #f ~= 10 then return nil end
  for i = 2, #f do
    if DEFINITION_TEXTS[i] and type(f[i]) ~= 'string' or not DEFINITION_TEXTS[i] and not is_number(f[i]) then return nil end
  end
  return {
    cron = f[2], zone = f[3], body = f[8],
    how = { name = f[4], delay_ms = 0, max_attempts = f[5], timeout_ms = f[6], keep_ms = f[7], unique = f[9], unique_ms = f[10] },
  }
end

local function read_tick(ticks, name)
  local f = unpack_array(redis.call('HGET', ticks, name) or '')
  for i = 1, 4 do
    if not is_number(f[i]) then return nil end
  end
  return { due_ms = f[1], seen_ms = f[2], last_ms = f[3], removed = f[4] == 1 }
end

local function write_tick(ticks, name, tick)
  redis.call('HSET', ticks, name, cmsgpack.pack({ tick.due_ms, tick.seen_ms, tick.last_ms, tick.removed and 1 or 0 }))
end
