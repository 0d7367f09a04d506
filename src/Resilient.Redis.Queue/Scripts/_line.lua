-- The line: how long it is, and how a job that has ended leaves it. And how a record is given up. For whoever counts or ends jobs that do not run.
-- How many jobs wait: what has ended while it stood in a long line is passed over when it is met.
local function line_length(waiting, suspect, skip)
  return math.max(0, redis.call('LLEN', waiting) + redis.call('LLEN', suspect) - redis.call('SCARD', skip))
end

local MOST_SEARCHED = 10000 -- a list is searched in about a third of a millisecond then; a million would block Redis for a tenth of a second

-- From a long line it is not taken out: claim passes it over when it gets there (rule R2). Called when the job is not live any more.
local function leave_line(waiting, suspect, skip, id)
  if redis.call('LREM', suspect, 1, id) == 1 then return end
  if redis.call('LLEN', waiting) > MOST_SEARCHED and redis.call('SADD', skip, id) == 1 then return end
  redis.call('LREM', waiting, 1, id) -- of two that stand there under one id, one is passed over already
end

local OUTBOX_MS = 86400000 -- how long what came from an outbox may be delivered again: such a job is kept as long (rule R22)

-- Its enqueue may still be repeated: then a trace is left, which ends by itself (rule R15). The limit is in server time, as that of the call is.
local function give_up_record(job_key, job, now_ms)
  local repeatable_ms = job and job.keep_ms >= OUTBOX_MS and OUTBOX_MS or REPEATABLE_MS
  local left_ms = job and math.min(repeatable_ms, job.enqueued_ms + repeatable_ms - now_ms) or repeatable_ms
  if left_ms > 0 then
    redis.call('SET', job_key, encode_removal(), 'PX', int(left_ms))
  else
    redis.call('DEL', job_key)
  end
end
