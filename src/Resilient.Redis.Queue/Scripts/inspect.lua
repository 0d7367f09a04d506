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
-- reply       nothing for an unknown job, else as in _describe.lua
-- cost        O(log n), n = scheduled jobs
local root, scheduled, leases, job_key, waited = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local id, listener = ARGV[1], ARGV[2]
local MOST_LISTENERS = 16 -- processes for one job; the oldest may be gone
local described = describe_job(id, redis.call('GET', job_key), scheduled, leases)
if not described then return {} end

if listener ~= '' then
  redis.call('DEL', root) -- above maxmemory a caller may wait, too (rule R4)
  if described[1] == WAITING or described[1] == SCHEDULED or described[1] == ACTIVE then
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
return described
