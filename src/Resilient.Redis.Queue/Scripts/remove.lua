-- remove: a dead job is given up for good. Its id is remembered for as long as its enqueue may be repeated (rule R15).
--
-- KEYS        root, dead, done, clock, stats, job key
-- ARGV[1]     id
--
-- reply       ACCEPTED, or GONE: no job of this id is dead
-- cost        O(log n) for n dead jobs
local root, dead, done, clock, stats, job_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local id = ARGV[1]
redis.call('DEL', root) -- above maxmemory it is allowed, too: it frees memory (rule R4)
if not redis.call('ZSCORE', dead, id) then return GONE end

local raw = redis.call('GET', job_key)
local job = raw and decode(raw)
local now_ms = math.floor(now_us() / 1000)
if job and now_ms - job.enqueued_ms < REPEATABLE_MS then
  local q = tonumber(redis.call('HGET', clock, 'q') or nil) or now_ms
  job.state, job.body, job.error = CANCELLED, '', 'It was removed.'
  redis.call('ZADD', done, int(q + REPEATABLE_MS), id)
  redis.call('SET', job_key, encode(job))
else
  redis.call('DEL', job_key)
end
redis.call('ZREM', dead, id)
redis.call('HINCRBY', stats, 'removed', 1)
return ACCEPTED
