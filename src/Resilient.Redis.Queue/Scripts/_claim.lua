-- How claim and settle hand out jobs, and how they answer a repeated call.
--
-- KEYS[16]    lane         the last call of this lane of the session: packed { sequence, { id, token, ... }, { settlement codes } }
-- ARGV[9]     sequence     integer      numbers the calls of a lane
-- ARGV[10]    want         integer      how many jobs: all the room that the session has
-- ARGV[11]    alone        1 when a job that has to be handed out alone may be among them
local lane = KEYS[16]
local sequence, want, alone = tonumber(ARGV[9]), tonumber(ARGV[10]), ARGV[11] == '1'
local room = want
if paused then want = 0 end
local MOST_BYTES = 16777216 -- of payloads in one reply, which has to arrive within the worker's time-out; one job in any case
local LANE_MS = 86400000 -- a lane is of no use a day after its last call

local last = redis.call('GET', lane)
last = last and cmsgpack.unpack(last) or { 0, {}, {} }

-- The ids that this call may hand out, read before anything is written. ending: how many leases it may end.
local function read_candidates(seen, ending)
  read_rate()
  want = math.min(want, allowed(ending + #seen.expired))
  if want == 0 then return end
  read(redis.call('LRANGE', waiting, 0, want - 1))
  local due = {}
  for i = 1, math.min(want, #seen.due) do due[i] = seen.due[i] end
  read(due)
  if alone then read(redis.call('LRANGE', suspect, 0, 0)) end
end

local function describe(id, job, token)
  return { id, int(token), int(job.attempt + 1), int(job.lapses), job.expiries >= SUSPECT_AFTER and 1 or 0,
    int(job.timeout_ms), int(job.enqueued_ms), job.name, job.body }
end

-- Leases what stands at the heads of the lists and is ready; drops and counts what is not (rule R2).
local function hand_out()
  want = math.min(want, allowed(0))
  local only = alone and want > 0 and redis.call('LINDEX', suspect, 0)
  local ids = only and { only } or {}
  local heads = want > #ids and redis.call('LRANGE', waiting, 0, want - #ids - 1) or {}
  for _, id in ipairs(heads) do ids[#ids + 1] = id end

  local jobs, handed, deadlines, packed, suspects = {}, {}, {}, {}, {}
  local seen, bytes, skips = 0, 0, #heads > 0 and redis.call('SCARD', skip) > 0
  for _, id in ipairs(ids) do
    if bytes >= MOST_BYTES then break end
    seen = seen + 1
    if raws[id] == nil then read({ id }) end
    local job = job_of(id)
    if skips and is_passed_over(id, job) then -- it was counted when it ended
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
      local lease = { session = session, token = math.max(job.token + 1, fresh_token), started = 0, claimed_ms = now_ms, progress = '', cancel = '' }
      held[id] = lease
      jobs[#jobs + 1], bytes = describe(id, job, lease.token), bytes + #job.body
      handed[#handed + 1], handed[#handed + 2] = id, lease.token
      deadlines[#deadlines + 1], deadlines[#deadlines + 2] = int(q + lease_ms), id
      packed[#packed + 1], packed[#packed + 2] = id, pack_lease(lease)
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

local function reply(code, jobs, codes, more, token_ms)
  return { code, int(now_ms), int(lease_ms), int(ms_until_next(token_ms)), more and 1 or 0, codes, jobs }
end

-- The same number again: nothing is settled or handed out a second time. The answer is made from the leases as they stand,
-- re-leased from now, so that no job is ever popped for a worker that does not know of it (rule R12).
local function answer_again()
  local handed, ids, jobs = last[2], {}, {}
  for i = 1, #handed, 2 do ids[#ids + 1] = handed[i] end
  read(ids)
  save_clock()
  for i = 1, #handed, 2 do
    local id, token = handed[i], handed[i + 1]
    local job = is_mine(id, token) and job_of(id)
    if job then
      redis.call('ZADD', active, int(q + lease_ms), id)
      jobs[#jobs + 1] = describe(id, job, token)
    end
  end
  return reply(ACCEPTED, jobs, last[3], true)
end

local function claim_and_reply(seen, codes)
  local jobs, handed, taken = hand_out()
  redis.call('SET', lane, cmsgpack.pack({ sequence, handed, codes }), 'PX', LANE_MS)

  local left = redis.call('LLEN', waiting) > 0
  local short = #jobs < room -- in a paused queue too: whoever resumes it rings for who has room
  if short then
    redis.call('ZADD', idle, int(now_ms), session)
    redis.call('ZREMRANGEBYSCORE', idle, '-inf', int(now_ms - lease_ms)) -- who has not looked for a lease is gone
  else
    redis.call('ZREM', idle, session) -- without room it would waste a bell that another needs
  end
  -- What this worker leaves, another may take (rule R19); what it left although it had room, it takes itself, at once.
  -- Suspects only when they have moved: two workers that may not take one would ring for each other without end.
  if paused then return reply(ACCEPTED, jobs, codes, seen.more) end
  local held_back = want < room and #jobs >= want -- by a limit: nobody gets it now, but who ends a job or has the next turn
  local token_ms, somebody = settle_rate(#jobs, left and short)
  local rings = left and not short and (allowed(0) > 0 or not somebody)
  if rings or (suspects_moved and redis.call('EXISTS', suspect) == 1) then ring(root, idle, session) end
  return reply(ACCEPTED, jobs, codes, seen.more or (not held_back and ((left and short) or taken > #jobs)), token_ms)
end
