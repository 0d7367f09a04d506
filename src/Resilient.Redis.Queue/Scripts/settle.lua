-- settle: complete, fail, put off or hand back each job that this session still holds by token; then claim the next n.
--
-- KEYS        as in _worker.lua and _claim.lua, then
-- KEYS[14..]  job keys     one for each settlement below
-- ARGV        as in _worker.lua and _claim.lua, then
-- ARGV[9..]   seven for each settlement: id, token, outcome, 1 if the handler was started, delay ms, error, result
--             outcome: complete | fail (spends an attempt) | later (spends nothing) | unknown (spends a delivery) | dead | return
--
-- reply       as claim; a code and a state (as in JobState) for each settlement:
--             ACCEPTED, LOST (somebody else holds it), ALREADY (a repeat), GONE (there is no such job)
-- cost        O((s + n) log m) for s settlements and n jobs, m = active jobs
if sequence < last[1] then return reply(STALE, {}, {}, false) end
if sequence == last[1] then return answer_again() end

local FIRST_SETTLEMENT, FIELDS = FIRST_OWN_ARGUMENT + 3, 7
local settlements, keep, ids = {}, {}, {}
for at = FIRST_SETTLEMENT, #ARGV, FIELDS do
  local id = ARGV[at]
  ids[#ids + 1] = id
  settlements[#settlements + 1] = {
    id = id, token = tonumber(ARGV[at + 1]), outcome = ARGV[at + 2], started = ARGV[at + 3] == '1',
    delay_ms = tonumber(ARGV[at + 4]), error = ARGV[at + 5], result = ARGV[at + 6],
  }
end
read(ids)
for _, s in ipairs(settlements) do
  keep[s.id] = keep[s.id] or is_mine(s.id, s.token)
end
local seen = look(keep, 2 * #ids)
read_candidates(seen)

-- In line first: cut off in between, nothing has been counted against the job (rule R2).
local function schedule(s, job)
  if s.delay_ms > 0 then
    redis.call('ZADD', scheduled, int(now_ms + s.delay_ms), s.id)
  else
    redis.call('RPUSH', waiting, s.id)
  end
  store(s.id, job)
  return s.delay_ms > 0 and SCHEDULED or WAITING
end

local outcomes = {}

function outcomes.complete(s, job)
  job.state, job.attempt, job.ended_ms, job.body, job.error, job.result = COMPLETED, job.attempt + 1, now_ms, '', '', s.result
  store(s.id, job)
  -- Kept on queue time, not by TTL, which runs on while Redis is away and a repeat is still to come (rule R13).
  redis.call('ZADD', done, int(q + math.max(job.keep_ms, 4 * lease_ms)), s.id)
  count('completed', 1)
  return COMPLETED
end

function outcomes.fail(s, job)
  job.attempt, job.error = job.attempt + 1, s.error
  if job.attempt < job.max_attempts then return schedule(s, job) end
  bury(s.id, job, s.error)
  return DEAD
end

function outcomes.later(s, job)
  job.error = s.error
  return schedule(s, job)
end

function outcomes.unknown(s, job)
  job.lapses, job.error = job.lapses + 1, s.error
  if job.lapses < max_deliveries then return schedule(s, job) end
  bury(s.id, job, s.error)
  return DEAD
end

function outcomes.dead(s, job)
  if s.started then job.attempt = job.attempt + 1 end
  bury(s.id, job, s.error)
  return DEAD
end

outcomes['return'] = function(s, job)
  push_back(s.id, job)
  store(s.id, job)
  return WAITING
end

local function state_of(id, job)
  if not job or job.state ~= LIVE then return job and job.state or 0 end
  if held[id] then return ACTIVE end
  return redis.call('ZSCORE', scheduled, id) and SCHEDULED or WAITING
end

-- Decided for each job by (session, token), whatever the sequence (rule R13); and one after the other, since a batch may name
-- a lease twice: the second is a repeat, and must not put the job in a second place.
local function settle(s)
  local raw = raws[s.id]
  local job = raw and decode(raw)
  if not is_mine(s.id, s.token) then
    if not raw then return GONE, 0 end
    local repeated = not held[s.id] and job and job.session == session and job.token == s.token
    return repeated and ALREADY or LOST, state_of(s.id, job)
  end
  local code, state = ACCEPTED, DEAD
  if not raw then
    count('lost', 1)
    code, state = GONE, 0
  elseif not job then
    bury_unreadable(s.id, s.token)
  else
    job.session, job.token = session, s.token
    state = outcomes[s.outcome](s, job)
  end
  drop_lease(s.id)
  return code, state
end

tidy(seen)
local codes = {}
for _, s in ipairs(settlements) do
  codes[#codes + 1], codes[#codes + 2] = settle(s)
end
return claim_and_reply(seen, codes)
