-- extend: keep the leases that this worker still holds, and look after a queue whose workers are all busy.
--
-- KEYS        as in _worker.lua and, unused here, _limit.lua
-- ARGV        as in _worker.lua and, unused here, _limit.lua, then
-- ARGV[9..]   four for each lease: id, token, 1 if the handler was started, progress to report (empty: none)
--             (rule R16: explicit, never "all that I hold")
--
-- reply       server time ms, the queue's lease ms, a code for each lease: ACCEPTED or LOST, and for each that somebody asked to
--             cancel: its place in the call (from 0) and the reason
-- cost        O(n log m), n = leases sent, m = active jobs
local FIELDS = 4
local ids, mine, keep = {}, {}, {}
for at = FIRST_OWN_ARGUMENT, #ARGV, FIELDS do ids[#ids + 1] = ARGV[at] end
read_leases(ids)
for i = 1, #ids do
  mine[i] = is_mine(ids[i], tonumber(ARGV[FIRST_OWN_ARGUMENT + (i - 1) * FIELDS + 1]))
  keep[ids[i]] = keep[ids[i]] or mine[i] -- a batch may name a job under an old token too
end
local seen = look(keep, 0)

tidy(seen)
local deadlines, changed, codes, cancelled = {}, {}, {}, {}
for i = 1, #ids do
  local id, at = ids[i], FIRST_OWN_ARGUMENT + (i - 1) * FIELDS
  codes[i] = mine[i] and ACCEPTED or LOST
  if mine[i] then
    local lease, progress = held[id], ARGV[at + 3]
    deadlines[#deadlines + 1], deadlines[#deadlines + 2] = int(q + lease_ms), id
    if (ARGV[at + 2] == '1' and lease.started == 0) or progress ~= '' then
      if ARGV[at + 2] == '1' then lease.started = 1 end
      if progress ~= '' then lease.progress = progress end
      changed[#changed + 1], changed[#changed + 2] = id, pack_lease(lease)
    end
    if lease.cancel ~= '' then cancelled[#cancelled + 1], cancelled[#cancelled + 2] = i - 1, lease.cancel end
  end
end
call_in_chunks('ZADD', active, deadlines)
call_in_chunks('HSET', leases, changed)
if #seen.due + #seen.expired > 0 and redis.call('EXISTS', waiting, suspect) > 0 then ring(root, idle, session) end
tell_waiting(root, waited, ended)
return { int(now_ms), int(lease_ms), codes, cancelled }
