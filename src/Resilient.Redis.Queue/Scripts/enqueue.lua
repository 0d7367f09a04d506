-- enqueue: accept each job unless its id is known.
--
-- KEYS[1]     root         never stored: makes scripts atomic on Garnet too
-- KEYS[2]     waiting      list of ids
-- KEYS[3]     scheduled    sorted set   id -> due, ms of server time
-- KEYS[4]     stats        hash of counters
-- KEYS[5]     idle         sorted set   session -> last look, ms of server time
-- KEYS[6..]   job keys     one for each job below
-- ARGV[1]     not after    integer      ms of server time; a call that arrives later is refused (rule R15)
-- ARGV[2..]   seven for each job: id, name, delay ms, max attempts, timeout ms, keep ms, body
--
-- reply       server time in ms, then a code for each job: ACCEPTED, ALREADY (the id is known) or LATE (it is not, and is
--             refused)
-- cost        O(n) for n jobs, O(log m) for each delayed one
local root, waiting, scheduled, stats, idle = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local FIRST_JOB_KEY, FIRST_JOB, FIELDS = 6, 2, 7
local not_after_ms = tonumber(ARGV[1])

local now_ms = math.floor(now_us() / 1000)
local count = (#ARGV - FIRST_JOB + 1) / FIELDS
local reply = { int(now_ms) }
if now_ms > not_after_ms then
  -- An earlier attempt of this call may have been in time: LATE says that the job is not there.
  for i = 1, count do reply[i + 1] = redis.call('EXISTS', KEYS[FIRST_JOB_KEY + i - 1]) == 1 and ALREADY or LATE end
  return reply
end

-- Read and validate everything ...
local ready, delayed, records, seen = {}, {}, {}, {}
local was_empty = redis.call('EXISTS', waiting) == 0
local first_due = redis.call('ZRANGE', scheduled, 0, 0, 'WITHSCORES')[2]
first_due = first_due and tonumber(first_due) or math.huge
local rings = false
for i = 1, count do
  local key, at = KEYS[FIRST_JOB_KEY + i - 1], FIRST_JOB + (i - 1) * FIELDS
  local id, delay_ms = ARGV[at], tonumber(ARGV[at + 2])
  if seen[id] or redis.call('EXISTS', key) == 1 then
    reply[i + 1] = ALREADY
  else
    seen[id] = true
    reply[i + 1] = ACCEPTED
    records[#records + 1] = { key, encode({
      state = LIVE, name = ARGV[at + 1], body = ARGV[at + 6], enqueued_ms = now_ms,
      max_attempts = tonumber(ARGV[at + 3]), timeout_ms = tonumber(ARGV[at + 4]),
      -- The outcome is remembered at least as long as a repeat of this call is valid.
      keep_ms = math.max(tonumber(ARGV[at + 5]), not_after_ms - now_ms),
    }) }
    if delay_ms > 0 then
      delayed[#delayed + 1] = int(now_ms + delay_ms)
      delayed[#delayed + 1] = id
      -- A worker sleeps until the first due time that it knows of: tell it of an earlier one.
      rings = rings or now_ms + delay_ms < first_due
    else
      ready[#ready + 1] = id
      rings = rings or was_empty
    end
  end
end

-- ... then only writes that cannot fail. The sets first, then the job keys: the other way round a retry would find
-- "id known" for a job that is in no set (rule R2). Above maxmemory the first of these is refused, and nothing has happened (R4).
call_in_chunks('RPUSH', waiting, ready)
call_in_chunks('ZADD', scheduled, delayed)
for i = 1, #records do redis.call('SET', records[i][1], records[i][2]) end
if #records > 0 then redis.call('HINCRBY', stats, 'accepted', #records) end
if rings then ring(root, idle) end
return reply
