-- count: how many jobs there are in each state, and for how long the oldest has been ready, in one atomic look.
--
-- KEYS        root, waiting, suspect, scheduled, active, dead, stats, settings, skip; and read: the job keys of the heads of both lines
-- reply       waiting, scheduled, active, dead, then in total: accepted, completed, trimmed, lost, cancelled, removed;
--             1 if the queue is paused; ms for which the oldest ready job has been ready, -1 when none is; 1 if it is drained
-- cost        O(1), and O(log n) for n scheduled jobs
local root, waiting, suspect, scheduled = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local stats = redis.call('HMGET', KEYS[7], 'accepted', 'completed', 'trimmed', 'lost', 'cancelled', 'removed')
local reply = {
  line_length(waiting, suspect, KEYS[9]), redis.call('ZCARD', scheduled), redis.call('ZCARD', KEYS[5]),
  redis.call('ZCARD', KEYS[6]),
}
for i = 1, 6 do reply[4 + i] = int(stats[i] or 0) end
reply[11] = redis.call('HEXISTS', KEYS[8], 'paused')

local now_ms = math.floor(now_us() / 1000)
-- What is due has been ready since, although no worker has looked.
local oldest_ms = tonumber(redis.call('ZRANGE', scheduled, 0, 0, 'WITHSCORES')[2] or math.huge)
for _, line in ipairs({ waiting, suspect }) do
  local id = redis.call('LINDEX', line, 0)
  local raw = id and redis.call('GET', job_key_of(root, id))
  local job = raw and decode(raw)
  if job and job.state == LIVE then oldest_ms = math.min(oldest_ms, job.ended_ms > 0 and job.ended_ms or job.enqueued_ms) end
end
reply[12] = oldest_ms <= now_ms and int(now_ms - oldest_ms) or reply[1] > 0 and '0' or '-1'
reply[13] = redis.call('HEXISTS', KEYS[8], 'draining')
return reply
