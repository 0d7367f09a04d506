-- reconcile: what audit finds beside the places of jobs: unique keys, the outbox, what is passed over, and whether all jobs are accounted for.
--
-- KEYS[1..15] as in _audit.lua
-- KEYS[16..]  outbox, outbox:unreadable; then the keys of the unique keys below
-- ARGV[1]     repair       1 to mend what is found
-- ARGV[2]     what         unique | outbox | skip | sum
-- ARGV[3..]   the unique keys, entries of the outbox, or ids passed over; for sum by how much jobs are counted too often that were found before
--
-- reply       those of them that are wrong; for sum one number: by how much more jobs there are than were accepted
-- cost        O(n) for n of them; for skip O(lines) each, at most 40,000 places
local outbox, unreadable = KEYS[16], KEYS[17]
local repair, what = ARGV[1] == '1', ARGV[2]
local FIRST = 3

local checks, mends = {}, {}

-- Its holder is no more, or does not know of it; one that is held for a time is nobody's.
function checks.unique(name)
  local key = unique_key(root, name)
  local holder = redis.call('GET', key)
  if not holder or redis.call('PTTL', key) > 0 then return false end
  local raw = redis.call('GET', job_key_of(root, holder))
  local job = raw and decode(raw)
  return not (job and job.state == LIVE and job.unique == name)
end

function mends.unique(name) redis.call('DEL', unique_key(root, name)) end

function checks.outbox(id)
  local packed = redis.call('HGET', outbox, id)
  return packed and not read_entry(packed)
end

-- Kept as it is, for a person to look at.
function mends.outbox(id)
  redis.call('HSET', unreadable, id, redis.call('HGET', outbox, id))
  redis.call('HDEL', outbox, id)
end

-- Passed over, but not there: it would hide a job that waits.
function checks.skip(id) return redis.call('SISMEMBER', skip, id) == 1 and places_in_line(id) < 0 end

function mends.skip(id) redis.call('SREM', skip, id) end

if what ~= 'sum' then
  local wrong = {}
  for at = FIRST, #ARGV do
    if checks[what](ARGV[at]) then wrong[#wrong + 1] = ARGV[at] end
  end
  for _, name in ipairs(repair and wrong or {}) do mends[what](name) end
  return wrong
end

local there = line_length(waiting, suspect, skip) + redis.call('ZCARD', scheduled) + redis.call('ZCARD', active) + redis.call('ZCARD', dead)
local counted = redis.call('HMGET', stats, 'accepted', 'completed', 'cancelled', 'removed', 'trimmed', 'lost')
for i = 2, #counted do there = there + tonumber(counted[i] or 0) end
local surplus = there - tonumber(ARGV[FIRST]) - tonumber(counted[1] or 0)
-- What is missing is lost, and is said to be; what is there must have been accepted.
if repair and surplus ~= 0 then redis.call('HINCRBY', stats, surplus > 0 and 'accepted' or 'lost', int(math.abs(surplus))) end
return { int(surplus) }
