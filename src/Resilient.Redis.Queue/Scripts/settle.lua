-- settle: complete, fail, put off or hand back each job that this session still holds by token; then claim the next n.
--
-- KEYS        as in _worker.lua, _limit.lua and _claim.lua, then
-- KEYS[17..]  job keys     one for each settlement below, then one for each follow-up; then outbox where one is for another queue
-- ARGV        as in _worker.lua, _limit.lua and _claim.lua, then
-- ARGV[12..]  eight for each settlement: id, token, outcome, 1 if the handler was started, delay ms, error, result, and the number
--             of its follow-ups; which come next, with the fields of _arrive.lua and one more: the other queue, empty for this one
--             outcome: complete | fail (spends an attempt) | later (spends nothing) | unknown (spends a delivery) | dead | return
--             A job that somebody asked to cancel is cancelled by all of these but complete and dead.
--
-- reply       as claim; a code and a state (as in JobState) for each settlement:
--             ACCEPTED, LOST (somebody else holds it), ALREADY (a repeat), GONE (there is no such job)
-- cost        O((s + n) log m) for s settlements and n jobs, m = active jobs
if sequence < last[1] then return reply(STALE, {}, {}, false) end
if sequence == last[1] then return answer_again() end

local FIELDS = 8
local settlements, keep, ids = {}, {}, {}
local at = FIRST_OWN_ARGUMENT + 3
while at <= #ARGV do
  local s = {
    id = ARGV[at], token = tonumber(ARGV[at + 1]), outcome = ARGV[at + 2], started = ARGV[at + 3] == '1',
    delay_ms = tonumber(ARGV[at + 4]), error = ARGV[at + 5], result = ARGV[at + 6], follow_ups = {},
  }
  ids[#ids + 1] = s.id
  settlements[#settlements + 1] = s
  local follow_ups = tonumber(ARGV[at + 7])
  at = at + FIELDS
  for i = 1, follow_ups do
    s.follow_ups[i] = read_arrival(at)
    s.follow_ups[i].queue = ARGV[at + ARRIVAL_FIELDS]
    at = at + ARRIVAL_FIELDS + 1
  end
end
read(ids)
touch_unique(ids)
local completing = {}
local arriving = arrivals(root, waiting, scheduled, stats, now_ms, completing)
for _, s in ipairs(settlements) do
  -- Only the first of a lease is accepted, and only what is accepted has follow-ups.
  if not keep[s.id] and is_mine(s.id, s.token) then
    keep[s.id] = true
    completing[s.id] = s.outcome == 'complete' and job_of(s.id) and job_of(s.id).state == LIVE or nil
    for _, job in ipairs(s.outcome == 'complete' and job_of(s.id) and s.follow_ups or {}) do
      if job.queue == '' then arriving.examine(job) end
    end
  end
end
local seen = look(keep, 2 * #ids)
read_candidates(seen, #ids)

local function state_of(id, job)
  if not job or job.state ~= LIVE then return job and job.state or 0 end
  if held[id] then return ACTIVE end
  return redis.call('ZSCORE', scheduled, id) and SCHEDULED or WAITING
end

-- Decided for each job by (session, token), whatever the sequence (rule R13); and one after the other, since a batch may name
-- a lease twice: the second is a repeat, and must not put the job in a second place.
local function settle(s)
  local raw = raws[s.id]
  local job = job_of(s.id)
  if not is_mine(s.id, s.token) then
    if not raw then return GONE, 0 end
    local repeated = not held[s.id] and job and job.session == session and job.token == s.token
    return repeated and ALREADY or LOST, state_of(s.id, job)
  end
  local code, state = ACCEPTED, DEAD
  if not raw then
    lose(s.id)
    code, state = GONE, 0
  elseif not job then
    bury_unreadable(s.id, s.token)
  else
    job.session, job.token = session, s.token
    local cancelled = held[s.id].cancel ~= '' and s.outcome ~= 'complete' and s.outcome ~= 'dead'
    state = outcomes[cancelled and 'cancel' or s.outcome](s, job)
  end
  drop_lease(s.id)
  return code, state
end

tidy(seen)
local codes = {}
for _, s in ipairs(settlements) do
  codes[#codes + 1], codes[#codes + 2] = settle(s)
end
arriving.write() -- follow-ups: committed with the completion, in one atomic step (promise 6)
local answer = claim_and_reply(seen, codes)
tell_waiting(root, waited, ended)
return answer
