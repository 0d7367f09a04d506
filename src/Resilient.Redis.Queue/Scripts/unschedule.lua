-- unschedule: an operator removes a recurring job. The processes that have it do nothing more about it until one of them starts anew.
--
-- KEYS        root, recurring, ticks
-- ARGV[1]     name
--
-- reply       ACCEPTED, or GONE: there is no such name
-- cost        O(1)
local root, recurring, ticks = KEYS[1], KEYS[2], KEYS[3]
local name = ARGV[1]
redis.call('DEL', root) -- above maxmemory it is allowed, too: it frees memory (rule R4)
local known, tick = redis.call('HEXISTS', recurring, name) == 1, read_tick(ticks, name)
if not known then return GONE end

local now_ms = math.floor(now_us() / 1000)
if tick and math.abs(now_ms - tick.seen_ms) <= ABANDONED_MS then
  tick.removed = true
  write_tick(ticks, name, tick)
else
  redis.call('HDEL', ticks, name) -- nobody is left who could bring it back
end
redis.call('HDEL', recurring, name)
return ACCEPTED
