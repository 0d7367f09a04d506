-- count: how many jobs there are in each state, in one atomic look.
--
-- KEYS        root, waiting, suspect, scheduled, active, dead, stats
-- reply       waiting, scheduled, active, dead, then in total: accepted, completed, trimmed, lost
-- cost        O(1)
local stats = redis.call('HMGET', KEYS[7], 'accepted', 'completed', 'trimmed', 'lost')
local reply = {
  redis.call('LLEN', KEYS[2]) + redis.call('LLEN', KEYS[3]), redis.call('ZCARD', KEYS[4]), redis.call('ZCARD', KEYS[5]),
  redis.call('ZCARD', KEYS[6]),
}
for i = 1, 4 do reply[4 + i] = int(stats[i] or 0) end
return reply
