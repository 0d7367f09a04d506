-- extend: keep the leases that this worker still holds, and look after a queue whose workers are all busy.
--
-- KEYS        as in _worker.lua
-- ARGV        as in _worker.lua, then
-- ARGV[6..]   three for each lease: id, token, 1 if the handler was started (rule R16: explicit, never "all that I hold")
--
-- reply       server time ms, the queue's lease ms, then a code for each lease: ACCEPTED or LOST
-- cost        O(n log m), n = leases sent, m = active jobs
local FIELDS = 3
local ids, mine, keep = {}, {}, {}
for at = FIRST_OWN_ARGUMENT, #ARGV, FIELDS do ids[#ids + 1] = ARGV[at] end
read_leases(ids)
for i = 1, #ids do
  mine[i] = is_mine(ids[i], tonumber(ARGV[FIRST_OWN_ARGUMENT + (i - 1) * FIELDS + 1]))
  keep[ids[i]] = keep[ids[i]] or mine[i] -- a batch may name a job under an old token too
end
local seen = look(keep, 0)

tidy(seen)
local deadlines, started, codes = {}, {}, { int(now_ms), int(lease_ms) }
for i = 1, #ids do
  local id = ids[i]
  codes[#codes + 1] = mine[i] and ACCEPTED or LOST
  if mine[i] then
    deadlines[#deadlines + 1], deadlines[#deadlines + 2] = int(q + lease_ms), id
    if ARGV[FIRST_OWN_ARGUMENT + (i - 1) * FIELDS + 2] == '1' and held[id].started == 0 then
      held[id].started = 1
      started[#started + 1], started[#started + 2] = id, pack_lease(held[id])
    end
  end
end
call_in_chunks('ZADD', active, deadlines)
call_in_chunks('HSET', leases, started)
if #seen.due + #seen.expired > 0 and redis.call('EXISTS', waiting, suspect) > 0 then ring(root, idle, session) end
return codes
