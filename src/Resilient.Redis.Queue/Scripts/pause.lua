-- pause: nothing more is handed out until the queue is resumed. What runs goes on, and producers do.
--
-- KEYS        root, settings, waiting, suspect, idle
-- ARGV[1]     1 to pause, 0 to resume
--
-- reply       ACCEPTED, or ALREADY
-- cost        O(1)
local root, settings, waiting, suspect, idle = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
if ARGV[1] == '1' then return redis.call('HSETNX', settings, 'paused', '1') == 1 and ACCEPTED or ALREADY end

if redis.call('HDEL', settings, 'paused') == 0 then return ALREADY end
if redis.call('EXISTS', waiting, suspect) > 0 then ring(root, idle) end
return ACCEPTED
