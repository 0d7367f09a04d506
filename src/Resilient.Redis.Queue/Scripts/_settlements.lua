-- The settlements of a call, as settle.lua says how they are sent.
local FIRST_JOB_KEY = 17
local settlements, keep, ids, has_follow_ups = {}, {}, {}, false
local count_of_all, count_of_told = 0, 0 -- counted, since the length of a table is a search for its end
local unread = {} -- ids of jobs to read
local told, told_ids, told_keys = {}, {}, {} -- settlements, ids and keys of those whose holder tells what their records begin with

local function add(settlement)
  local at = count_of_all + 1
  local key = KEYS[FIRST_JOB_KEY + count_of_all]
  local id = part_of(key, id_at)
  ids[at], settlements[at], count_of_all = id, settlement, at
  if settlement.shape then
    at = count_of_told + 1
    told[at], told_ids[at], told_keys[at], count_of_told = settlement, id, key, at
  else
    unread[#unread + 1] = id
  end
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
    local shape, times, count = ARGV[at + 3], ARGV[at + 4], tonumber(ARGV[at + 2])
    s.shape = #shape > 0 and #shape < 256 and #times == count * TIME_BYTES and shape_of(shape)
    s.head, s.times, s.from = s.shape and string.char(#shape) .. shape, times, count_of_all + 1
    for _ = 1, count do add(s) end
    at = at + 5
  else
    s.started, s.delay_ms, s.error, s.result = ARGV[at + 2] == '1', tonumber(ARGV[at + 3]), ARGV[at + 4], ARGV[at + 5]
    s.follow_ups, at = read_follow_ups(at + 7, tonumber(ARGV[at + 6]))
    add(s)
  end
end

-- Whose lease stands has a job that nobody has changed since it was leased. So it need not be read, which is most of what settling it costs,
-- as long as it is there.
local function read_settled()
  local there = 0
  read_leases(told_ids)
  for from = 1, count_of_told, CHUNK do
    there = there + redis.call('EXISTS', unpack(told_keys, from, math.min(from + CHUNK - 1, count_of_told)))
  end
  for i = 1, count_of_told do
    if there < count_of_told or not is_mine(told_ids[i], told[i].token) then unread[#unread + 1] = told_ids[i] end
  end
  read(unread)
end

local function finish_told(at, id, s)
  local time_at = TIME_BYTES * (at - s.from) + 1
  finish_well(KEYS[FIRST_JOB_KEY + at - 1], id, part_of(s.times, time_at, time_at + TIME_BYTES - 1) .. s.head, s.shape, s.token, '')
end
