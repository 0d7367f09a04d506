-- advance: make the job of each tick that is due, under the id "name:due", and go on to the next tick; once, however many processes
-- call and however often (rule R20). Also how a process learns the next ticks, and says that it has the definition.
--
-- KEYS[1]     root         never stored: makes scripts atomic on Garnet too
-- KEYS[2]     waiting      list of ids
-- KEYS[3]     scheduled    sorted set   id -> due, ms of server time
-- KEYS[4]     stats        hash of counters
-- KEYS[5]     idle         sorted set   session -> last look, ms of server time
-- KEYS[6]     recurring    hash: _recurring.lua
-- KEYS[7]     ticks        hash: _recurring.lua
-- KEYS[8]     settings     hash
-- KEYS[9..]   job keys     one for each tick below that may be due, and the unique keys of those that have one
-- ARGV        six for each: name, cron, zone, the due tick as the caller knows it, the tick after it (0 to ask only),
--             1 to make the job or 0 to leave the tick out; times in ms of server time
--
-- reply       server time in ms, then three for each: ACCEPTED (the tick was due and is done) or ALREADY (it was not, or no longer) and
--             the next tick; LOST (another definition has the name) and when that was last seen; GONE (not registered) or ENDED (removed by
--             an operator) and 0; then what became of the job: ACCEPTED, ALREADY, DUPLICATE, DRAINING (an operator drains the queue: its
--             ticks pass without a job), or 0 for none
-- cost        O(n) for n names
local FIELDS = 6
local root, waiting, scheduled, stats, idle, recurring, ticks = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]

local now_ms = math.floor(now_us() / 1000)
local arriving = arrivals(root, waiting, scheduled, stats, now_ms)
local draining = redis.call('HEXISTS', KEYS[8], 'draining') == 1
local changed, reply = {}, { int(now_ms) }

local function look(at)
  local name, expected_ms, next_ms = ARGV[at], tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local known, tick = read_definition(recurring, name), read_tick(ticks, name)
  if tick and tick.removed then return ENDED, 0, 0 end
  if not known or not tick then return GONE, 0, 0 end
  if known.cron ~= ARGV[at + 1] or known.zone ~= ARGV[at + 2] then return LOST, tick.seen_ms, 0 end

  local code, made = ALREADY, 0
  if tick.due_ms == expected_ms and expected_ms <= now_ms and next_ms > expected_ms then
    code = ACCEPTED
    -- Not again a tick from before a step back of the clock, when the schedule was begun anew since.
    if ARGV[at + 5] == '1' and expected_ms > tick.last_ms then
      made = draining and DRAINING or arriving.examine(name .. ':' .. int(expected_ms), known.how, known.body)
    end
    tick.due_ms, tick.last_ms = next_ms, math.max(tick.last_ms, expected_ms)
  end
  if code == ACCEPTED or math.abs(now_ms - tick.seen_ms) >= SEEN_STEP_MS then
    tick.seen_ms = now_ms
    changed[#changed + 1] = { name, tick }
  end
  return code, tick.due_ms, made
end

for at = 1, #ARGV, FIELDS do
  local code, due_ms, made = look(at)
  reply[#reply + 1] = code
  reply[#reply + 1] = int(due_ms)
  reply[#reply + 1] = made
end

-- The jobs first: cut off in between, the next call finds their ids known.
arriving.write()
for _, change in ipairs(changed) do write_tick(ticks, change[1], change[2]) end
if arriving.rings then ring(root, idle) end
return reply
