-- recurring: the recurring jobs that are registered.
--
-- KEYS        root, recurring, ticks
-- reply       an array for each: name, cron, zone, name of the job; next tick, last tick (0 for none), last seen: ms of server time
-- cost        O(n) for n of them, which are as many as the application has in its code
local recurring, ticks = KEYS[2], KEYS[3]
local reply = {}
for _, name in ipairs(redis.call('HKEYS', recurring)) do
  local known, tick = read_definition(recurring, name), read_tick(ticks, name)
  if known and tick then
    reply[#reply + 1] = { name, known.cron, known.zone, known.how.name, int(tick.due_ms), int(tick.last_ms), int(tick.seen_ms) }
  end
end
return reply
