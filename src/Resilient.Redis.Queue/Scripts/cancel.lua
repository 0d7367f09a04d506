-- cancel: what waits or is scheduled ends at once; what runs is told through its lease.
--
-- KEYS        root, waiting, suspect, scheduled, leases, done, clock, stats, job key, waited, skip
-- ARGV[1]     id
-- ARGV[2]     reason       not empty
--
-- reply       ACCEPTED (cancelled), ALREADY (it runs, and its worker is told), ENDED (it had ended before) or GONE (unknown)
-- cost        O(log n) for n jobs; O(n) for a job in a line of at most ten thousand
local root, waiting, suspect, scheduled, leases, done = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local clock, stats, job_key, waited, skip = KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11]
local id, reason = ARGV[1], ARGV[2]
redis.call('DEL', root) -- above maxmemory it is allowed, too: it frees memory (rule R4)

local raw = redis.call('GET', job_key)
if not raw or decode_trace(raw) then return GONE end
local job = decode(raw)
if not job or job.state ~= LIVE then return ENDED end

local packed = redis.call('HGET', leases, id)
local lease = packed and decode_lease(packed)
if lease then
  redis.call('HSET', leases, id, pack_lease({
    session = lease.session, token = lease.token, started = lease.started, claimed_ms = lease.claimed_ms, progress = lease.progress, cancel = reason,
  }))
  -- Its worker extends at once, and hears of it. A call that is lost costs no more than one heartbeat (rule R19).
  pcall(redis.call, 'PUBLISH', root .. 'wake:' .. lease.session, 'cancel')
  return ALREADY
end

local now_ms = math.floor(now_us() / 1000)
local q = tonumber(redis.call('HGET', clock, 'q') or nil) or now_ms
job.state, job.ended_ms, job.body, job.error = CANCELLED, now_ms, '', reason
release_unique(root, id, job)
-- Kept before it is taken out of its line: cut off in between, claim drops what is not live (rule R2).
redis.call('ZADD', done, int(q + math.max(job.keep_ms, REPEATABLE_MS)), id)
redis.call('SET', job_key, encode(job))
if redis.call('ZREM', scheduled, id) == 0 then leave_line(waiting, suspect, skip, id) end
redis.call('HINCRBY', stats, 'cancelled', 1)
tell_waiting(root, waited, { id })
return ACCEPTED
