-- settle: complete, fail, put off or hand back each job that this session still holds by token; then claim the next n.
--
-- KEYS        as in _worker.lua, _limit.lua and _hand_out.lua, then
-- KEYS[17..]  job keys     one for each settlement below, in order: the id is what follows `root j:`; then one for each follow-up; then
--                          outbox where one is for another queue
-- ARGV        as in _worker.lua, _limit.lua and _hand_out.lua, then
-- ARGV[12..]  token, outcome, and for `done` how many, so many settlements of jobs that were leased together and have completed with no result
--             and no follow-up; and of those that were leased as they were enqueued the shape and the times that their records begin with
--             (_record.lua), so that these need not be read again; empty for others. For any other outcome, which is one settlement: 1 if the
--             handler was started, delay ms, error, result, and the number of its follow-ups; which come next: id, how (_arrive.lua), body, and
--             the other queue, empty for this one
--             outcome: done | complete | fail (spends an attempt) | later (spends nothing) | unknown (spends a delivery) | dead | return
--             A job that somebody asked to cancel is cancelled by all of these but done, complete and dead.
--
-- reply       as claim; and of settlements those that are not simply ACCEPTED and COMPLETED: its place in the call (from 0), a code and
--             a state (as in JobState). Codes: ACCEPTED, LOST (somebody else holds it), ALREADY (a repeat), GONE (there is no such job)
-- cost        O((s + n) log m) for s settlements and n jobs, m = active jobs
if sequence < last_sequence then return reply(STALE, {}, {}, false) end
if sequence == last_sequence then return answer_again() end

read_settled()
touch_unique(unread)
local completing = {}
local arriving = has_follow_ups and arrivals(root, waiting, scheduled, stats, now_ms, completing)
for i, s in ipairs(settlements) do
  local id = ids[i]
  -- Only the first of a lease is accepted, and only what is accepted has follow-ups.
  if not keep[id] and is_mine(id, s.token) then
    keep[id] = true
    if has_follow_ups and s.outcome == 'complete' and job_of(id) then
      completing[id] = job_of(id).state == LIVE or nil
      for _, job in ipairs(s.follow_ups) do
        if job.queue == '' then arriving.examine(job.id, job, job.body) end
      end
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

local leaving, leaves = {}, 0 -- ids whose leases end here

-- Decided for each job by (session, token), whatever the sequence (rule R13); and one after the other, since a batch may name
-- a lease twice: the second is a repeat, and must not put the job in a second place.
local function settle(at, id, s)
  local raw = raws[id]
  if not is_mine(id, s.token) then
    if not raw then return GONE, 0 end
    local job = job_of(id)
    local repeated = not held[id] and job and job.session == session and job.token == s.token
    return repeated and ALREADY or LOST, state_of(id, job)
  end
  local cancel = held[id].cancel
  local code, state = ACCEPTED, DEAD
  local shape, body_at
  if raw and s.outcome == 'complete' and #s.follow_ups == 0 then shape, body_at = fresh_shape(raw) end
  if raw == nil then
    finish_told(at, id, s)
    state = COMPLETED
  elseif shape then
    finish_well(job_key(id), id, part_of(raw, 2, body_at - 1), shape, s.token, s.result)
    state = COMPLETED
  elseif not raw then
    lose(id)
    code, state = GONE, 0
  elseif not job_of(id) then
    bury_unreadable(id, s.token)
  else
    local job = job_of(id)
    job.session, job.token = session, s.token
    state = outcomes[cancel ~= '' and s.outcome ~= 'complete' and s.outcome ~= 'dead' and 'cancel' or s.outcome](id, s, job)
  end
  held[id], leaves = false, leaves + 1
  leaving[leaves] = id
  return code, state
end

tidy(seen)
local unlike = {} -- what is to tell of settlements
for i, s in ipairs(settlements) do
  local code, state = settle(i, ids[i], s)
  if code ~= ACCEPTED or state ~= COMPLETED then
    unlike[#unlike + 1], unlike[#unlike + 2], unlike[#unlike + 3] = i - 1, code, state
  end
end
write_finished()
-- Each is in its new place: now out of the old one. A lease never stands without its deadline: it would never expire.
call_in_chunks('HDEL', leases, leaving)
call_in_chunks('ZREM', active, leaving)
line_moved = line_moved or arriving
if arriving then arriving.write() end -- follow-ups: committed with the completion, in one atomic step (promise 6)
local answer = claim_and_reply(seen, unlike)
tell_waiting(root, waited, ended)
return answer
