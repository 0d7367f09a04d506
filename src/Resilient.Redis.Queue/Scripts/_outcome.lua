-- What becomes of a job by the outcome of its run: each stores it in its new place, and replies its state. For settle.
-- In line first: cut off in between, nothing has been counted against the job (rule R2).
local function schedule(id, s, job)
  job.ended_ms = now_ms + s.delay_ms
  if s.delay_ms > 0 then
    redis.call('ZADD', scheduled, int(now_ms + s.delay_ms), id)
  else
    line_moved = true
    redis.call('RPUSH', waiting, id)
  end
  store(id, job)
  return s.delay_ms > 0 and SCHEDULED or WAITING
end

local outcomes = {}

function outcomes.complete(id, s, job)
  job.attempt, job.result = job.attempt + 1, s.result
  finish(id, job, COMPLETED, '')
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
function outcomes.cancel(id, s, job)
  if s.started then job.attempt = job.attempt + 1 end
  finish(id, job, CANCELLED, held[id].cancel)
  return CANCELLED
end

function outcomes.fail(id, s, job)
  job.attempt, job.error = job.attempt + 1, s.error
  remember(job, job.attempt, now_ms, session, FAILED, s.error)
  if job.attempt < job.max_attempts then return schedule(id, s, job) end
  bury(id, job, s.error)
  return DEAD
end

-- Not in the history: what asks again and again would drive out what went wrong.
function outcomes.later(id, s, job)
  job.error = s.error
  return schedule(id, s, job)
end

function outcomes.unknown(id, s, job)
  job.lapses, job.error = job.lapses + 1, s.error
  remember(job, job.attempt + 1, now_ms, session, UNKNOWNTYPE, s.error)
  if job.lapses < max_deliveries then return schedule(id, s, job) end
  bury(id, job, s.error)
  return DEAD
end

function outcomes.dead(id, s, job)
  remember(job, job.attempt + 1, now_ms, session, HOPELESS, s.error)
  if s.started then job.attempt = job.attempt + 1 end
  bury(id, job, s.error)
  return DEAD
end

outcomes['return'] = function(id, s, job)
  job.ended_ms = now_ms
  push_back(id, job)
  store(id, job)
  return WAITING
end
