-- list: a page of the jobs in one state, each as inspect tells of it.
--
-- KEYS        root, waiting, suspect, scheduled, active, leases, dead, done
-- ARGV[1]     state        as in JobState
-- ARGV[2]     from         integer      places of its set to leave out
-- ARGV[3]     most         integer      places to look at
-- ARGV[4]     count        1 to count them only
--
-- reply       how many places were looked at (0: the end), then for each job in that state: id, and as in _describe.lua;
--             or their number
--             The keys of its jobs follow from the root and the set: nothing is written here.
-- cost        O(n log m), n = places, m = scheduled jobs
local root, waiting, suspect, scheduled, active, leases, dead, done = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local wanted, from, most, count_only = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4] == '1'
local MOST_BYTES = 16777216 -- of stored jobs in one reply, which has to arrive in time; one job in any case

local function places()
  if wanted == SCHEDULED then return redis.call('ZRANGE', scheduled, from, from + most - 1) end
  if wanted == ACTIVE then return redis.call('ZRANGE', active, from, from + most - 1) end
  if wanted == DEAD then return redis.call('ZREVRANGE', dead, from, from + most - 1) end
  if wanted ~= WAITING then return redis.call('ZRANGE', done, from, from + most - 1) end
  -- The suspects first: they are handed out before the others, one at a time.
  local suspects = redis.call('LLEN', suspect)
  if from < suspects then return redis.call('LRANGE', suspect, from, from + most - 1) end
  return redis.call('LRANGE', waiting, from - suspects, from - suspects + most - 1)
end

local reply, bytes, count = { 0 }, 0, 0
for _, id in ipairs(places()) do
  if bytes >= MOST_BYTES then break end
  reply[1] = reply[1] + 1
  local raw = redis.call('GET', job_key_of(root, id))
  bytes = bytes + (raw and #raw or 0)
  local job = describe_job(id, raw, scheduled, leases)
  if job and job[1] == wanted then
    count = count + 1
    if not count_only then reply[#reply + 1] = { id, job } end
  end
end
if count_only then reply[2] = count end
return reply
