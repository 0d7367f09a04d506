-- The settlements of a call, as settle.lua says how they are sent.
local FIRST_JOB_KEY = 17
local settlements, keep, ids, has_follow_ups = {}, {}, {}, false

local function add(settlement)
  local at = #ids + 1
  ids[at] = part_of(KEYS[FIRST_JOB_KEY + at - 1], id_at)
  settlements[at] = settlement
end

local function read_follow_ups(at, count)
  local follow_ups = {}
  for i = 1, count do
    local how = read_how(ARGV[at + 1])
    how.id, how.body, how.queue = ARGV[at], ARGV[at + 2], ARGV[at + 3]
    follow_ups[i] = how
    at = at + 4
  end
  has_follow_ups = has_follow_ups or count > 0
  return follow_ups, at
end

local at = FIRST_OWN_ARGUMENT + 3
while at <= #ARGV do
  local s = { token = tonumber(ARGV[at]), outcome = ARGV[at + 1] }
  if s.outcome == 'done' then
    s.outcome, s.started, s.delay_ms, s.error, s.result, s.follow_ups = 'complete', true, 0, '', '', {}
    for _ = 1, tonumber(ARGV[at + 2]) do add(s) end
    at = at + 3
  else
    s.started, s.delay_ms, s.error, s.result = ARGV[at + 2] == '1', tonumber(ARGV[at + 3]), ARGV[at + 4], ARGV[at + 5]
    s.follow_ups, at = read_follow_ups(at + 7, tonumber(ARGV[at + 6]))
    add(s)
  end
end
