-- What claim and settle lease, and how it is told.
--
-- KEYS[16]    lane         the last call of this lane of the session: its sequence in digits, a space, and packed
--                          { { id, token, ... }, what settle replies of settlements }, which only a repeat reads
-- ARGV[9]     sequence     integer      numbers the calls of a lane
-- ARGV[10]    want         integer      how many jobs: all the room that the session has
-- ARGV[11]    alone        1 when a job that has to be handed out alone may be among them
local lane = KEYS[16]
local sequence, want, alone = tonumber(ARGV[9]), tonumber(ARGV[10]), ARGV[11] == '1'
local room = want
if paused then want = 0 end
local MOST_BYTES = 16777216 -- of payloads in one reply, which has to arrive within the worker's time-out; one job in any case
local LANE_MS = 86400000 -- a lane is of no use a day after its last call

local last = redis.call('GET', lane) or '0 '
local last_sequence = tonumber(last:match('^%d+'))

local line = {} -- its head, as it was read before anything was written

-- The ids that this call may hand out, read before anything is written. ending: how many leases it may end.
local function read_candidates(seen, ending)
  read_rate()
  want = math.min(want, allowed(ending + #seen.expired))
  if want == 0 then return end
  line = redis.call('LRANGE', waiting, 0, want - 1)
  read(line)
  local due = {}
  for i = 1, math.min(want, #seen.due) do due[i] = seen.due[i] end
  read(due)
  if alone then read(redis.call('LRANGE', suspect, 0, 0)) end
end

-- A fresh job goes out as it is stored; of another one there is more to tell than is in its record's text.
local function describe(jobs, at, id, token, job)
  jobs[at + 1], jobs[at + 2] = id, token
  jobs[at + 3] = not job and raws[id] or { int(job.attempt + 1), int(job.lapses), job.expiries >= SUSPECT_AFTER and 1 or 0,
    int(job.timeout_ms), int(job.enqueued_ms), job.name, job.body }
end

local leased = {} -- token -> packed lease: those of one call are alike

local function lease_to_me(token)
  local packed = leased[token]
  if not packed then
    packed = pack_lease({ session = session, token = token, started = 0, claimed_ms = now_ms, progress = '', cancel = '' })
    leased[token] = packed
  end
  return packed
end

-- Leases what stands at the heads of the lists and is ready; drops and counts what is not (rule R2).
local function hand_out()
  want = math.min(want, allowed(0))
  local only = alone and want > 0 and redis.call('LINDEX', suspect, 0)
  local ids = only and { only } or {}
  local from_line = want - #ids
  if line_moved and from_line > 0 then line = redis.call('LRANGE', waiting, 0, from_line - 1) end
  local heads, before = math.min(from_line, #line), #ids
  for i = 1, heads do ids[before + i] = line[i] end

  local jobs, handed, deadlines, packed, suspects = {}, {}, {}, {}, {}
  local seen, bytes, skips, deadline, leased_here = 0, 0, heads > 0 and redis.call('SCARD', skip) > 0, int(q + lease_ms), 0

  -- job: nil for a fresh one.
  local function lease(id, token, job)
    held[id] = true -- a second time in line it is a copy
    bytes = bytes + #raws[id]
    describe(jobs, 3 * leased_here, id, token, job)
    leased_here = leased_here + 1
    local at = 2 * leased_here -- counted, since the length of a table is a search for its end
    handed[at - 1], handed[at] = id, token
    deadlines[at - 1], deadlines[at] = deadline, id
    packed[at - 1], packed[at] = id, lease_to_me(token)
  end
  for _, id in ipairs(ids) do
    if bytes >= MOST_BYTES then break end
    seen = seen + 1
    if raws[id] == nil then read({ id }) end
    local is_fresh = raws[id] and not held[id] and not skips and fresh_shape(raws[id])
    local job = not is_fresh and job_of(id)
    if is_fresh then lease(id, fresh_token)
    elseif skips and is_passed_over(id, job) then -- it was counted when it ended
    elseif not raws[id] or (not job and decode_trace(raws[id])) then
      lose(id)
    elseif held[id] or (job and job.state ~= LIVE) then
      count('dropped', 1)
    elseif not job then
      bury_unreadable(id, 0)
    elseif job.expiries >= SUSPECT_AFTER and id ~= only then
      -- It came by way of a retry: among others it could take them with it once more (rule R17).
      suspects[#suspects + 1] = id
    else
      -- It grows across a failover that lost writes, and across a clock that was set back (rule R14).
      lease(id, math.floor(math.max(job.token + 1, fresh_token)), job)
    end
  end
  call_in_chunks('ZADD', active, deadlines)
  call_in_chunks('HSET', leases, packed)
  call_in_chunks('RPUSH', suspect, suspects)
  redis.call('LTRIM', waiting, seen - (only and 1 or 0), -1)
  if only then redis.call('LPOP', suspect) end
  suspects_moved = suspects_moved or only or #suspects > 0
  return jobs, handed, seen
end
