-- enqueue: accept each job unless its id is known, or another job holds its unique key; or none, when the queue is full or drained.
--
-- KEYS[1]     root         never stored: makes scripts atomic on Garnet too
-- KEYS[2]     waiting      list of ids
-- KEYS[3]     scheduled    sorted set   id -> due, ms of server time
-- KEYS[4]     stats        hash of counters
-- KEYS[5]     idle         sorted set   session -> last look, ms of server time
-- KEYS[6]     suspect      list of ids, which wait too
-- KEYS[7]     skip         set of ids in the line that do not wait any more
-- KEYS[8]     settings     hash
-- KEYS[9..]   job keys     one for each job below, then the keys of those that have a unique key
-- ARGV[1]     not after    integer      ms of server time; a call that arrives later is refused (rule R15)
-- ARGV[2]     most         integer      jobs waiting and scheduled; 0 for no limit
-- ARGV[3..]   the fields of each job: _arrive.lua
--
-- reply       server time in ms, how many jobs wait and are scheduled where there is a limit, then for each job: ACCEPTED, ALREADY
--             (the id is known), LATE (it is not, and is refused), FULL, DRAINING, or { DUPLICATE, id of the job that holds the key }
-- cost        O(n) for n jobs, O(log m) for each delayed one
local root, waiting, scheduled, stats, idle, suspect, skip, settings = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local FIRST_JOB = 3
local not_after_ms, most = tonumber(ARGV[1]), tonumber(ARGV[2])

local now_ms = math.floor(now_us() / 1000)
local length = most > 0 and line_length(waiting, suspect, skip) + redis.call('ZCARD', scheduled) or 0
local reply = { int(now_ms), length }
if now_ms > not_after_ms then
  -- An earlier attempt of this call may have been in time: LATE says that the job is not there.
  for at = FIRST_JOB, #ARGV, ARRIVAL_FIELDS do
    local raw = redis.call('GET', root .. 'job:' .. ARGV[at])
    local holder = raw and decode_refusal(raw)
    reply[#reply + 1] = holder and { DUPLICATE, holder } or raw and ALREADY or LATE
  end
  return reply
end

local arriving = arrivals(root, waiting, scheduled, stats, now_ms)
for at = FIRST_JOB, #ARGV, ARRIVAL_FIELDS do
  local job = read_arrival(at)
  -- The outcome is remembered at least as long as a repeat of this call is valid.
  job.keep_ms = math.max(job.keep_ms, not_after_ms - now_ms)
  local code, holder = arriving.examine(job)
  reply[#reply + 1] = holder and { code, holder } or code
end

-- All of this call's new jobs or none: half a batch would be for the caller to sort out.
local refusal = redis.call('HEXISTS', settings, 'draining') == 1 and DRAINING or most > 0 and length + arriving.count > most and FULL
if refusal and arriving.count > 0 then
  for i = 3, #reply do
    if reply[i] == ACCEPTED then reply[i] = refusal end
  end
  return reply
end

arriving.write()
if arriving.rings then ring(root, idle) end
return reply
