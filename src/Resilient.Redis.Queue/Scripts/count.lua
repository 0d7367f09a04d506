-- count: how many jobs there are in each state, in one atomic look.
--
-- KEYS        root, waiting, suspect, scheduled, active, dead, stats, settings
-- reply       waiting, scheduled, active, dead, then in total: accepted, completed, trimmed, lost, cancelled, removed;
--             1 if the queue is paused
-- cost        O(1)
local stats = redis.call('HMGET', KEYS[7], 'accepted', 'completed', 'trimmed', 'lost', 'cancelled', 'removed')
local reply = {
  redis.call('LLEN', KEYS[2]) + redis.call('LLEN', KEYS[3]), redis.call('ZCARD', KEYS[4]), redis.call('ZCARD', KEYS[5]),
  redis.call('ZCARD', KEYS[6]),
}
for i = 1, 6 do reply[4 + i] = int(stats[i] or 0) end
reply[11] = redis.call('HEXISTS', KEYS[8], 'paused')
return reply
