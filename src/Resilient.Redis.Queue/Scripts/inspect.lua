-- inspect: all that is known of one job but its payload; and whom to tell when it has ended.
--
-- KEYS[1]     root         never stored: makes scripts atomic on Garnet too
-- KEYS[2]     scheduled    sorted set   id -> due, ms of server time
-- KEYS[3]     leases       hash         id -> packed lease
-- KEYS[4]     job key
-- KEYS[5]     waited       hash         id -> packed listeners
-- ARGV[1]     id
-- ARGV[2]     listener     who waits for the end of this job; empty: nobody, and nothing is written
--
-- reply       nothing for an unknown job, else: state, name, attempt, max attempts, lapses, enqueued ms, due ms, claimed ms,
--             ended ms (0: does not apply), error, result, progress, reason to cancel, and how deliveries ended badly:
--             { attempt, server time ms, worker's label, what, error }
-- cost        O(log n), n = scheduled jobs
local root, waited, id, listener = KEYS[1], KEYS[5], ARGV[1], ARGV[2]
local MOST_LISTENERS = 16 -- processes for one job; the oldest may be gone
local raw = redis.call('GET', KEYS[4])
if not raw or decode_refusal(raw) then return {} end

local job = decode(raw)
if not job then return { DEAD, '', 0, 0, 0, '0', '0', '0', '0', 'The stored job cannot be read: it is damaged, or of a newer version.', '', '', '', {} } end

local state, attempt, due_ms, claimed_ms, progress, cancel = job.state, job.attempt, 0, 0, '', ''
local ended_ms, history = job.ended_ms, {}
if listener ~= '' then
  redis.call('DEL', root) -- above maxmemory a caller may wait, too (rule R4)
  if state == LIVE then
    local packed = redis.call('HGET', waited, id)
    local listeners, known = packed and unpack_array(packed) or {}, false
    for _, other in ipairs(listeners) do known = known or other == listener end
    if not known then
      if #listeners >= MOST_LISTENERS then table.remove(listeners, 1) end
      listeners[#listeners + 1] = listener
      redis.call('HSET', waited, id, cmsgpack.pack(listeners))
    end
  else
    tell_waiting(root, waited, { id }) -- left behind by a script that was cut off
  end
end
if state == LIVE then
  ended_ms = 0
  local packed, due = redis.call('HGET', KEYS[3], id), redis.call('ZSCORE', KEYS[2], id)
  local lease = packed and decode_lease(packed)
  if lease then
    state, attempt, claimed_ms, progress, cancel = ACTIVE, attempt + 1, lease.claimed_ms, lease.progress, lease.cancel
  elseif due then
    state, due_ms = SCHEDULED, tonumber(due)
  else
    state = WAITING
  end
end
for i, e in ipairs(history_of(job)) do history[i] = { int(e[1]), int(e[2]), e[3], int(e[4]), e[5] } end
return { state, job.name, int(attempt), int(job.max_attempts), int(job.lapses), int(job.enqueued_ms), int(due_ms), int(claimed_ms),
  int(ended_ms), job.error, job.result, progress, cancel, history }
