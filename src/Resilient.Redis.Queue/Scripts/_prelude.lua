-- In front of every script: the reply codes, and how a job is stored. See README.md beside this file.

-- ReplyCode.cs mirrors these; a test compares the two.
local ACCEPTED, ALREADY, LOST, GONE, STALE, LATE, DUPLICATE, FULL, ENDED, RUNNING, DRAINING, CHANGED = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12

-- JobState.cs mirrors these. LIVE is stored; whether a live job waits, is scheduled or active follows from the sets it is in,
-- so that moving it between them does not rewrite its payload.
local LIVE, WAITING, SCHEDULED, ACTIVE, COMPLETED, DEAD, CANCELLED = 1, 1, 2, 3, 4, 5, 6

local CHUNK = 1000 -- the most arguments of one variadic call (rule R3)

-- Integers leave Lua in digits: 1.7e15 would print as an exponent, and Lua 5.4 would print 5.0 (rule R6).
local function int(number)
  return string.format('%d', math.floor(number))
end

-- Calls command(key, ...) with no more than CHUNK items at a time.
local function call_in_chunks(command, key, items)
  for from = 1, #items, CHUNK do
    redis.call(command, key, unpack(items, from, math.min(from + CHUNK - 1, #items)))
  end
end

-- A stored job: a packed array, its version first. A fresh one ends after timeout_ms; the rest is added when there is something to tell.
-- Of a live job ended_ms is since when it is ready, 0 for since it was enqueued.
local function encode(job)
  local fields = { 1, job.state, job.name, job.body, job.enqueued_ms, job.max_attempts, job.keep_ms, job.timeout_ms }
  if job.token then
    local more = { job.attempt, job.lapses, job.expiries, job.token, job.session, job.ended_ms, job.error, job.result, job.history, job.unique }
    for i = 1, #more do fields[8 + i] = more[i] end
  end
  return cmsgpack.pack(fields)
end

local TEXTS = { [3] = true, [4] = true, [13] = true, [15] = true, [16] = true, [17] = true, [18] = true } -- the fields of a stored job that are text
local STATES = { [LIVE] = true, [COMPLETED] = true, [DEAD] = true, [CANCELLED] = true } -- the states that are stored

local function unpack_array(raw)
  local ok, fields = pcall(cmsgpack.unpack, raw)
  return ok and type(fields) == 'table' and fields or {}
end

local function is_number(value) return type(value) == 'number' and value >= 0 and value <= 9007199254740992 end

-- nil for what is no job: the caller decides what becomes of it, and the rest of the batch goes on. Every field is checked here,
-- since a wrong one would end the script between two writes (rule R1).
local function decode(raw)
  local f = unpack_array(raw)
  if f[1] ~= 1 or (#f ~= 8 and #f ~= 18) or not STATES[f[2]] then return nil end
  for i = 3, #f do
    if TEXTS[i] and type(f[i]) ~= 'string' or not TEXTS[i] and not is_number(f[i]) then return nil end
  end
  return {
    state = f[2], name = f[3], body = f[4], enqueued_ms = f[5], max_attempts = f[6], keep_ms = f[7], timeout_ms = f[8],
    attempt = f[9] or 0, lapses = f[10] or 0, expiries = f[11] or 0, token = f[12] or 0, session = f[13] or '',
    ended_ms = f[14] or 0, error = f[15] or '', result = f[16] or '', history = f[17] or '', unique = f[18] or '',
  }
end

-- A call that was refused because another job holds its unique key: remembered under its own id, for its repeats (rule R15).
local REFUSAL = 2
local function encode_refusal(holder) return cmsgpack.pack({ REFUSAL, holder }) end

local function decode_refusal(raw)
  local f = unpack_array(raw)
  return f[1] == REFUSAL and type(f[2]) == 'string' and f[2] or nil
end

-- What is left of a job that an operator has removed, likewise.
local REMOVAL = 3
local function encode_removal() return cmsgpack.pack({ REMOVAL }) end

-- Whether it is one of these two: no job, and never in a set.
local function decode_trace(raw)
  local f = unpack_array(raw)
  return (f[1] == REMOVAL and #f == 1) or (f[1] == REFUSAL and type(f[2]) == 'string')
end

local REPEATABLE_MS = 60000 -- how long a producer's call may be repeated: EnqueueCall.MaxValidity mirrors it, a test compares (rule R15)

local function unique_key(root, key) return root .. 'unique:' .. key end

-- In the script that ends the job, whichever it is (rule R21). Not what another job has taken over.
local function release_unique(root, id, job)
  if job.unique == '' then return end
  local key = unique_key(root, job.unique)
  if redis.call('GET', key) == id then redis.call('DEL', key) end
  job.unique = ''
end

-- A damaged lease is none: its holder has lost it, and the job comes back at its deadline.
local function decode_lease(packed)
  local f = unpack_array(packed)
  if type(f[1]) ~= 'string' or not (is_number(f[2]) and is_number(f[3]) and is_number(f[4])) then return false end
  if (f[5] and type(f[5]) ~= 'string') or (f[6] and type(f[6]) ~= 'string') then return false end
  return { session = f[1], token = f[2], started = f[3], claimed_ms = f[4], progress = f[5] or '', cancel = f[6] or '' }
end

local function pack_lease(lease)
  local fields = { lease.session, lease.token, lease.started, lease.claimed_ms }
  if lease.progress ~= '' or lease.cancel ~= '' then fields[5], fields[6] = lease.progress, lease.cancel end
  return cmsgpack.pack(fields)
end

-- Rings for one idle worker, the one that looked last: a thousand idle workers must not all call for one job (rule R19).
-- Not for the caller itself; and where nobody hears, as of a process that ended a moment ago, for the next, three in all.
-- Last of all writes and under pcall: a user without channel rights would fail the script after the push (rule R3).
local function ring(root, idle, caller)
  for _, session in ipairs(redis.call('ZREVRANGE', idle, 0, 2)) do
    if session ~= caller then
      redis.call('ZREM', idle, session)
      local allowed, hearers = pcall(redis.call, 'PUBLISH', root .. 'wake:' .. session, '1')
      if not allowed or hearers ~= 0 then return end
    end
  end
end
