-- purge: a page of the jobs in one state is given up for good; nothing is, when their number is not what the operator has seen.
--
-- KEYS        root, call, waiting, suspect, scheduled, leases, dead, done, stats, skip, waited
-- ARGV[1]     state        as in JobState; not active
-- ARGV[2]     expected     integer      how many jobs the operator has seen; -1 when that has been looked at
-- ARGV[3]     from         integer      places of its set to leave out, which an earlier page has left
-- ARGV[4]     most         integer      places to look at
-- ARGV[5]     not after    integer      ms of server time: what came later is left; 0 for this moment, which the reply tells
--
-- reply       ACCEPTED or CHANGED (nothing was removed), how many there are, server time ms, removed, places left, places looked at
--             The keys of its jobs follow from the root and the set; all are read before the first write.
-- cost        O(n log m), n = places, m = jobs in the set
local root, waiting, suspect, scheduled, leases = KEYS[1], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local dead, done, stats, skip, waited = KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11]
local state, expected, from, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local MOST_BYTES = 16777216 -- of stored jobs that one call reads
redis.call('DEL', root) -- above maxmemory it is allowed, too: it frees memory (rule R4)

local now_ms = math.floor(now_us() / 1000)
local not_after_ms = ARGV[5] == '0' and now_ms or tonumber(ARGV[5])
local in_line, ended_before = state == WAITING, state == COMPLETED or state == CANCELLED
local set = state == SCHEDULED and scheduled or state == DEAD and dead or done
local line = redis.call('LLEN', suspect) > 0 and suspect or waiting
local length = in_line and line_length(waiting, suspect, skip) or redis.call('ZCARD', set)
if expected >= 0 and length ~= expected then return { CHANGED, length, int(now_ms), 0, 0, 0 } end

-- First all reads.
local ids = in_line and redis.call('LRANGE', line, 0, most - 1) or redis.call('ZRANGE', set, from, from + most - 1)
local jobs, gone, looked, bytes = {}, {}, 0, 0
for _, id in ipairs(ids) do
  if bytes >= MOST_BYTES then break end
  local raw = redis.call('GET', job_key_of(root, id))
  local job = raw and not decode_trace(raw) and decode(raw)
  -- What has ended in line, cancelled a moment ago, holds up nothing.
  local came_ms = job and (job.state == LIVE and job.enqueued_ms or not in_line and job.ended_ms) or 0
  -- A line is in the order of arrival: what stands behind a newer job is left too.
  if in_line and came_ms > not_after_ms then break end
  bytes = bytes + (raw and #raw or 0)
  looked = looked + 1
  if came_ms <= not_after_ms and (not ended_before or not job or job.state == state) then
    gone[#gone + 1] = id
    jobs[id] = { raw = raw, job = job, held = redis.call('HEXISTS', leases, id) == 1 }
    if job and job.unique ~= '' then redis.call('EXISTS', unique_key(root, job.unique)) end
  end
end

local counts = { removed = 0, lost = 0, dropped = 0 }
-- A job that has ended, or runs, is in this place by mistake: only the place is taken from it.
local function is_elsewhere(read)
  return read.job and (read.held or read.job.state ~= ((in_line or state == SCHEDULED) and LIVE or state))
end

for _, id in ipairs(gone) do
  local read = jobs[id]
  if in_line and redis.call('SREM', skip, id) == 1 then
    -- It had ended before, and was counted then; a second place in line may be that of a new job of this id.
  elseif is_elsewhere(read) then
    counts.dropped = counts.dropped + 1
  elseif not read.raw then
    counts.lost = counts.lost + (ended_before and 0 or 1)
  else
    if read.job then release_unique(root, id, read.job) end
    give_up_record(job_key_of(root, id), read.job, now_ms)
    counts.removed = counts.removed + 1
    jobs[id] = { held = true, job = {} } -- a second time in line it is a copy
  end
end
if in_line then
  redis.call('LTRIM', line, looked, -1)
else
  call_in_chunks('ZREM', set, gone)
end
-- What had completed or been cancelled was counted when it ended.
if counts.removed > 0 and not ended_before then redis.call('HINCRBY', stats, 'removed', counts.removed) end
if counts.lost > 0 then redis.call('HINCRBY', stats, 'lost', counts.lost) end
if counts.dropped > 0 then redis.call('HINCRBY', stats, 'dropped', counts.dropped) end
local reply = answer({ ACCEPTED, length, int(now_ms), counts.removed, looked - #gone, looked })
tell_waiting(root, waited, gone) -- those of them that are not gone look again
return reply
