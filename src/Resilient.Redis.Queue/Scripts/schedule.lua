-- schedule: a process that has a recurring job registers it. The same schedule keeps its next tick and takes over the job;
-- another one begins anew. Who registers at the start of a process always wins; who comes later only when nobody else has the name.
--
-- KEYS        root, recurring, ticks
-- ARGV[1]     name
-- ARGV[2]     1 at the start of a process, else 0
-- ARGV[3..4]  cron, zone
-- ARGV[5]     its next tick from now, ms of server time
-- ARGV[6..7]  the job: how (_arrive.lua), and its body
--
-- reply       server time in ms; ACCEPTED and the next tick; or, changing nothing, LOST (another definition has the name) and when that
--             was last seen, or ENDED (an operator removed it) and 0
-- cost        O(1)
local recurring, ticks = KEYS[2], KEYS[3]
local name, starting, cron, zone, first_ms = ARGV[1], ARGV[2] == '1', ARGV[3], ARGV[4], tonumber(ARGV[5])

local now_ms = math.floor(now_us() / 1000)
local known, tick = read_definition(recurring, name), read_tick(ticks, name)
if not starting and tick then
  if tick.removed then return { int(now_ms), ENDED, 0 } end
  local same = known and known.cron == cron and known.zone == zone
  if known and not same and math.abs(now_ms - tick.seen_ms) <= ABANDONED_MS then return { int(now_ms), LOST, int(tick.seen_ms) } end
end

local goes_on = known and tick and not tick.removed and known.cron == cron and known.zone == zone
local due_ms = goes_on and tick.due_ms or first_ms
redis.call('HSET', recurring, name, encode_definition(cron, zone, read_how(ARGV[6]), ARGV[7]))
write_tick(ticks, name, { due_ms = due_ms, seen_ms = now_ms, last_ms = tick and tick.last_ms or 0, removed = false })
return { int(now_ms), ACCEPTED, int(due_ms) }
