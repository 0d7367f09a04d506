-- requeue: a dead job goes back to the end of the line, with all its attempts before it.
--
-- KEYS        root, call, waiting, dead, stats, idle, job key
-- ARGV[1]     id
--
-- reply       ACCEPTED, or GONE: no job of this id is dead, or its record cannot be read
-- cost        O(log n) for n dead jobs
local root, waiting, dead, stats, idle, job_key = KEYS[1], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local id = ARGV[1]
local raw = redis.call('GET', job_key)
local job = raw and decode(raw)
-- A record that could not be read was buried without a name: no handler would know it.
if not job or job.state ~= DEAD or job.name == '' then return GONE end

local was_empty = redis.call('EXISTS', waiting) == 0
local now_ms = math.floor(now_us() / 1000)
remember(job, job.attempt, now_ms, '', REQUEUED, '')
job.state, job.attempt, job.lapses, job.expiries, job.ended_ms = LIVE, 0, 0, 0, now_ms
-- In line first: cut off in between, claim drops what is not live, and the job is still among the dead (rule R2).
redis.call('RPUSH', waiting, id)
redis.call('SET', job_key, encode(job))
redis.call('ZREM', dead, id)
redis.call('HINCRBY', stats, 'requeued', 1)
local reply = answer(ACCEPTED)
if was_empty then ring(root, idle) end
return reply
