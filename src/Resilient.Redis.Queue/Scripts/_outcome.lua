-- What becomes of a job by the outcome of its run: each stores it in its new place, and replies its state. For settle.
-- In line first: cut off in between, nothing has been counted against the job (rule R2).
local function schedule(s, job)
  job.ended_ms = now_ms + s.delay_ms
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
  job.attempt, job.result = job.attempt + 1, s.result
  finish(s.id, job, COMPLETED, '')
  -- For another queue the intent is kept here, in this slot, and delivered by whoever works on this queue (rule R22).
  for _, follow_up in ipairs(s.follow_ups) do
    if follow_up.queue ~= '' then
      redis.call('HSET', KEYS[#KEYS], follow_up.id, cmsgpack.pack({ follow_up.queue, follow_up.name, now_ms + follow_up.delay_ms,
        follow_up.max_attempts, follow_up.timeout_ms, follow_up.keep_ms, follow_up.body, follow_up.unique, follow_up.unique_ms }))
    end
  end
  return COMPLETED
end

-- Somebody has asked for it while it ran: there is no further run, however this one has ended.
function outcomes.cancel(s, job)
  if s.started then job.attempt = job.attempt + 1 end
  finish(s.id, job, CANCELLED, held[s.id].cancel)
  return CANCELLED
end

function outcomes.fail(s, job)
  job.attempt, job.error = job.attempt + 1, s.error
  remember(job, job.attempt, now_ms, session, FAILED, s.error)
  if job.attempt < job.max_attempts then return schedule(s, job) end
  bury(s.id, job, s.error)
  return DEAD
end

-- Not in the history: what asks again and again would drive out what went wrong.
function outcomes.later(s, job)
  job.error = s.error
  return schedule(s, job)
end

function outcomes.unknown(s, job)
  job.lapses, job.error = job.lapses + 1, s.error
  remember(job, job.attempt + 1, now_ms, session, UNKNOWNTYPE, s.error)
  if job.lapses < max_deliveries then return schedule(s, job) end
  bury(s.id, job, s.error)
  return DEAD
end

function outcomes.dead(s, job)
  remember(job, job.attempt + 1, now_ms, session, HOPELESS, s.error)
  if s.started then job.attempt = job.attempt + 1 end
  bury(s.id, job, s.error)
  return DEAD
end

outcomes['return'] = function(s, job)
  job.ended_ms = now_ms
  push_back(s.id, job)
  store(s.id, job)
  return WAITING
end
