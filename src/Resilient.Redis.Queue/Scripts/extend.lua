-- extend: keep the leases that this worker still holds, and look after a queue whose workers are all busy.
--
-- KEYS        as in _worker.lua and, unused here, _limit.lua
-- ARGV        as in _worker.lua and, unused here, _limit.lua, then
-- ARGV[9..]   in groups of leases of one token: the token, 1 if the handlers were started, progress to report (empty: none), how many, and
--             the id of each (rule R16: explicit, never "all that I hold")
--
-- reply       server time ms, the queue's lease ms, the places in the call (from 0) of the leases that are LOST, and for each that somebody
--             asked to cancel: its place and the reason
-- cost        O(n log m), n = leases sent, m = active jobs
local ids, sent, keep = {}, {}, {} -- sent: for each id its group
local at = FIRST_OWN_ARGUMENT
while at <= #ARGV do
  local group = { token = tonumber(ARGV[at]), started = ARGV[at + 1] == '1', progress = ARGV[at + 2], changed = {} }
  local last = at + 3 + tonumber(ARGV[at + 3])
  for i = at + 4, last do ids[#ids + 1], sent[#sent + 1] = ARGV[i], group end
  at = last + 1
end
read_leases(ids)
for i, id in ipairs(ids) do keep[id] = keep[id] or is_mine(id, sent[i].token) end -- a batch may name a job under an old token too
local seen = look(keep, 0)

-- What it has become; nil when that is what is stored. The leases of a group are mostly alike.
local function changed(lease, group)
  local starts = group.started and lease.started == 0
  if not starts and group.progress == '' then return nil end
  local new = group.changed[lease]
  if not new then
    new = {
      session = lease.session, token = lease.token, started = starts and 1 or lease.started, claimed_ms = lease.claimed_ms,
      progress = group.progress ~= '' and group.progress or lease.progress, cancel = lease.cancel,
    }
    new.packed = pack_lease(new)
    group.changed[lease] = new
  end
  return new
end

tidy(seen)
local deadlines, stored, lost, cancelled, deadline = {}, {}, {}, {}, int(q + lease_ms)
for i, id in ipairs(ids) do
  local lease = held[id]
  if is_mine(id, sent[i].token) then
    deadlines[#deadlines + 1], deadlines[#deadlines + 2] = deadline, id
    local new = changed(lease, sent[i])
    if new then held[id], stored[#stored + 1], stored[#stored + 2] = new, id, new.packed end
    if lease.cancel ~= '' then cancelled[#cancelled + 1], cancelled[#cancelled + 2] = i - 1, lease.cancel end
  else
    lost[#lost + 1] = i - 1
  end
end
call_in_chunks('ZADD', active, deadlines)
call_in_chunks('HSET', leases, stored)
if #seen.due + #seen.expired > 0 and redis.call('EXISTS', waiting, suspect) > 0 then ring(root, idle, session) end
tell_waiting(root, waited, ended)
return { int(now_ms), int(lease_ms), lost, cancelled }
