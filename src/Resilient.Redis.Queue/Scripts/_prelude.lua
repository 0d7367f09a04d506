-- In front of every script: the reply codes, unique keys, leases and the doorbell. See README.md beside this file.

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

-- Calls command(key, ...) with no more than CHUNK items at a time. Replies what the last of these calls did.
local function call_in_chunks(command, key, items)
  local reply
  for from = 1, #items, CHUNK do
    reply = redis.call(command, key, unpack(items, from, math.min(from + CHUNK - 1, #items)))
  end
  return reply
end

-- Sets { key, value, ... }.
local function set_in_chunks(records)
  for from = 1, #records, CHUNK do redis.call('MSET', unpack(records, from, math.min(from + CHUNK - 1, #records))) end
end

local function unpack_array(raw)
  local ok, fields = pcall(cmsgpack.unpack, raw)
  return ok and type(fields) == 'table' and fields or {}
end

local function is_number(value) return type(value) == 'number' and value >= 0 and value <= 9007199254740992 end

local REPEATABLE_MS = 60000 -- how long a producer's call may be repeated: EnqueueCall.MaxValidity mirrors it, a test compares (rule R15)

local function job_key_of(root, id) return root .. 'j:' .. id end

local function unique_key(root, key) return root .. 'unique:' .. key end

-- In the script that ends the job, whichever it is (rule R21). Not what another job has taken over.
local function release_unique(root, id, job)
  if job.unique == '' then return end
  local key = unique_key(root, job.unique)
  if redis.call('GET', key) == id then redis.call('DEL', key) end
  job.unique = ''
end

local leases_read = {} -- packed -> lease (false: damaged); those of one claim are alike, and are unpacked once. Nobody changes what is in here.

-- A damaged lease is none: its holder has lost it, and the job comes back at its deadline.
local function decode_lease(packed)
  local lease = leases_read[packed]
  if lease ~= nil then return lease end
  local f = unpack_array(packed)
  lease = type(f[1]) == 'string' and is_number(f[2]) and is_number(f[3]) and is_number(f[4])
    and (not f[5] or type(f[5]) == 'string') and (not f[6] or type(f[6]) == 'string')
    and { session = f[1], token = f[2], started = f[3], claimed_ms = f[4], progress = f[5] or '', cancel = f[6] or '' }
  leases_read[packed] = lease
  return lease
end

-- A hash whose values are longer than this is a table; a shorter one is a list in which each field is searched for, up to
-- hash-max-listpack-entries (512), which costs more than all else that is done for a job.
local LISTPACK_VALUE = 64 -- hash-max-listpack-value

local function pack_lease(lease)
  local fields = { lease.session, lease.token, lease.started, lease.claimed_ms }
  if lease.progress ~= '' or lease.cancel ~= '' then fields[5], fields[6] = lease.progress, lease.cancel end
  local packed = cmsgpack.pack(fields)
  if #packed > LISTPACK_VALUE then return packed end
  fields[5], fields[6], fields[7] = lease.progress, lease.cancel, string.rep('-', LISTPACK_VALUE - #packed) -- with its head that is enough
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
