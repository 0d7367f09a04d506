-- pause: nothing more is handed out until the queue is resumed; what runs goes on, and producers do. Or drain: no new job is
-- accepted until the queue is resumed; what is there is worked off.
--
-- KEYS        root, settings, waiting, suspect, idle
-- ARGV[1]     pause | drain | resume
--
-- reply       ACCEPTED, or ALREADY
-- cost        O(1)
local root, settings, waiting, suspect, idle, wish = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], ARGV[1]
if wish ~= 'resume' then return redis.call('HSETNX', settings, wish == 'pause' and 'paused' or 'draining', '1') == 1 and ACCEPTED or ALREADY end

if redis.call('HDEL', settings, 'paused', 'draining') == 0 then return ALREADY end
if redis.call('EXISTS', waiting, suspect) > 0 then ring(root, idle) end
return ACCEPTED
