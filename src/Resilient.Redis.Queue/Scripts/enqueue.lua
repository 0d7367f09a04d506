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
-- KEYS[9..]   job keys     one for each job below, in order: the id is what follows `root j:`; then the unique keys of those that have one
-- ARGV[1]     not after    integer      ms of server time; a call that arrives later is refused (rule R15)
-- ARGV[2]     until        integer      ms of server time; as long as it may be repeated, so that its outcome is remembered. Later than ARGV[1] where
--                                       the jobs of several callers are in one call
-- ARGV[3]     most         integer      jobs waiting and scheduled; 0 for no limit
-- ARGV[4]     jobs         integer      how many
-- ARGV[5..]   in groups of jobs that are enqueued alike: how many, how (_arrive.lua), and the body of each
--
-- reply       server time in ms, how many jobs wait and are scheduled where there is a limit, then nothing when all jobs are ACCEPTED; else
--             for each job: ACCEPTED, ALREADY (the id is known), LATE (it is not, and is refused), FULL, DRAINING, or { DUPLICATE, id of the
--             job that holds the key }
-- cost        O(n) for n jobs, O(log m) for each delayed one
local root, waiting, scheduled, stats, idle, suspect, skip, settings = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local FIRST_KEY, FIRST_GROUP = 9, 5
local not_after_ms, until_ms, most, jobs = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

if was_plain then
  ring(root, idle)
  return { int(now_ms), 0 }
end

local length = most > 0 and line_length(waiting, suspect, skip) + redis.call('ZCARD', scheduled) or 0
local reply = { int(now_ms), length }
local last_key = FIRST_KEY + jobs - 1
if now_ms > not_after_ms then
  -- An earlier attempt of this call may have been in time: LATE says that the job is not there.
  for at = FIRST_KEY, last_key do
    local raw = redis.call('GET', KEYS[at])
    local holder = raw and decode_refusal(raw)
    reply[#reply + 1] = holder and { DUPLICATE, holder } or raw and ALREADY or LATE
  end
  return reply
end

local known = 0
for from = FIRST_KEY, last_key, CHUNK do
  known = known + redis.call('EXISTS', unpack(KEYS, from, math.min(from + CHUNK - 1, last_key)))
end
local stored = nil -- not read
if known == 0 then stored = false end -- none

local arriving = arrivals(root, waiting, scheduled, stats, now_ms)
local id_at, key_at, at = #root + 3, FIRST_KEY, FIRST_GROUP
while key_at <= last_key do
  local group, how = tonumber(ARGV[at]), read_how(ARGV[at + 1])
  -- The outcome is remembered at least as long as a repeat of this call is valid.
  how.keep_ms = math.max(how.keep_ms, until_ms - now_ms)
  at = at + 1
  for i = 1, group do
    local code, holder = arriving.examine(KEYS[key_at]:sub(id_at), how, ARGV[at + i], stored)
    reply[#reply + 1] = holder and { code, holder } or code
    key_at = key_at + 1
  end
  at = at + group + 1
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
if arriving.count == jobs then return { reply[1], length } end
return reply
