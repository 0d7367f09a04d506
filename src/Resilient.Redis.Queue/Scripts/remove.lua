-- remove: a job that does not run is given up for good. Its id is remembered for as long as its enqueue may be repeated (rule R15).
--
-- KEYS        root, call, waiting, suspect, scheduled, active, leases, dead, done, stats, skip, job key, waited
-- ARGV[1]     id
--
-- reply       ACCEPTED, RUNNING (a worker has it: nothing was changed) or GONE (there is no such job)
-- cost        O(log n) for n jobs; O(n) for a job in a line of at most ten thousand
local root, waiting, suspect, scheduled, active, leases = KEYS[1], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local dead, done, stats, skip, job_key, waited = KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12], KEYS[13]
local id = ARGV[1]
redis.call('DEL', root) -- above maxmemory it is allowed, too: it frees memory (rule R4)

local raw = redis.call('GET', job_key)
if not raw or decode_trace(raw) then return GONE end
if redis.call('HEXISTS', leases, id) == 1 or redis.call('ZSCORE', active, id) then return RUNNING end

local job = decode(raw)
local now_ms = math.floor(now_us() / 1000)
if job then release_unique(root, id, job) end
-- The record first: cut off in between, claim and the look drop what has none (rule R2).
give_up_record(job_key, job, now_ms)
if redis.call('ZREM', done, id) == 0 then -- else it was counted when it completed or was cancelled
  if redis.call('ZREM', dead, id) + redis.call('ZREM', scheduled, id) == 0 then leave_line(waiting, suspect, skip, id) end
  redis.call('HINCRBY', stats, 'removed', 1)
end
local reply = answer(ACCEPTED)
tell_waiting(root, waited, { id })
return reply
