-- How many jobs a queue may start, over all workers: a size of the active set, never a counter, and a bucket of tokens (rule R21).
--
-- KEYS[14]    rate         hash         level (parts of tokens), at (queue time of it), starts, period: of the bucket; and turn, until:
--                                       the session that looks when the next token is there, and when others may
-- ARGV[6]     most         integer      jobs active at once; 0 for no limit
-- ARGV[7..8]  starts       integers     per how many ms; 0 for no limit
local rate = KEYS[14]
local most_active, starts, period_ms = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local TURN_MS = 1000 -- how late who has the turn may be before another takes it

-- A token is period_ms parts, and starts parts flow in each ms: so all are integers, whatever the rate. Full when nothing is stored.
-- It refills on queue time: an outage saves nothing up.
local capacity = starts * period_ms
local level, turn, until_q = capacity, '', 0

-- Before the first write.
local function read_rate()
  if starts == 0 then return end
  local f = redis.call('HMGET', rate, 'level', 'at', 'period', 'turn', 'until')
  local before, at, period = tonumber(f[1] or nil), tonumber(f[2] or nil), tonumber(f[3] or nil)
  if is_number(before) and is_number(at) and is_number(period) and period > 0 then
    local elapsed_ms = math.max(0, q - at)
    if period ~= period_ms then before = before / period * period_ms end -- the option was changed: the same number of tokens
    if elapsed_ms < period_ms then level = math.min(capacity, math.floor(before) + elapsed_ms * starts) end
  end
  local ends = tonumber(f[5] or nil)
  if is_number(ends) and ends > q then turn, until_q = f[4] or '', ends end
end

-- How many more jobs may be started; leaving: how many may have left the active set by the time of the handing out.
local function allowed(leaving)
  local slots = most_active > 0 and math.max(0, most_active - redis.call('ZCARD', active) + leaving) or math.huge
  return math.min(slots, starts > 0 and math.floor(level / period_ms) or math.huge)
end

-- Pays for what was handed out. Only one of those that wait for the next token looks when it is there: the others would all look
-- for nothing. Replies ms until then for the one whose turn it is, nil for the others; and whether somebody's turn it is.
local function settle_rate(handed_out, waits)
  if starts == 0 then return nil, true end
  level = level - handed_out * period_ms
  local takes_turn = waits and level < period_ms and (turn == '' or turn == session)
  if handed_out == 0 and not takes_turn and turn ~= session then return nil, turn ~= '' end
  local wait_ms = takes_turn and math.ceil((period_ms - level) / starts) or nil
  if takes_turn then
    turn, until_q = session, q + wait_ms + TURN_MS
  elseif turn == session then
    turn = ''
  end
  redis.call('HSET', rate, 'level', int(level), 'at', int(q), 'period', int(period_ms), 'turn', turn, 'until', int(until_q))
  return wait_ms, turn ~= ''
end
