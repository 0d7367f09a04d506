-- How jobs end in a worker's call: as wanted, dead, or lost. For claim, settle and extend.
local skip = KEYS[15] -- set of ids in the line whose jobs have ended there
local ended = {} -- ids of jobs that this call has ended, or found to be no more

-- Ended as wanted; kept with its result. On queue time, not by TTL, which runs on while Redis is away and a repeat is still to
-- come (rules R13, R15).
local function finish(id, job, state, reason)
  ended[#ended + 1] = id
  job.state, job.ended_ms, job.body, job.error = state, now_ms, '', reason
  release_unique(root, id, job)
  store(id, job)
  redis.call('ZADD', done, int(q + math.max(job.keep_ms, 4 * lease_ms, state == CANCELLED and REPEATABLE_MS or 0)), id)
  count(state == CANCELLED and 'cancelled' or 'completed', 1)
end

local finished, records, until_q, well_rest = 0, {}, {}, {} -- of finish_well; counted, since the length of a table is a search for its end
local RETENTION = 'until' -- in a shape: until when its jobs are kept, as ZADD takes it

-- Completed in its first run, with no follow-up and no unique key: nothing is unpacked for it, and all of a call are written at once.
-- head: what its record had between its first byte and its body.
local function finish_well(key, id, head, shape, token, result)
  local rest = result == '' and well_rest[token] or cmsgpack.pack({ token, session, now_ms, result })
  if result == '' then well_rest[token] = rest end
  local record = RUN_WELL .. head .. rest
  if not shape[RETENTION] then shape[RETENTION] = int(q + math.max(shape.keep_ms, 4 * lease_ms)) end
  raws[id], decoded[id] = record, nil
  finished = finished + 1
  local at = 2 * finished
  records[at - 1], records[at] = key, record
  until_q[at - 1], until_q[at] = shape[RETENTION], id
end

local function write_finished()
  if finished == 0 then return end
  set_in_chunks(records)
  call_in_chunks('ZADD', done, until_q)
  count('completed', finished)
  local before = #ended
  for i = 1, finished do ended[before + i] = until_q[2 * i] end
end

local function lose(id)
  ended[#ended + 1] = id
  count('lost', 1)
end

local function bury(id, job, reason)
  ended[#ended + 1] = id
  job.state, job.error, job.ended_ms = DEAD, reason, now_ms
  release_unique(root, id, job)
  store(id, job)
  redis.call('ZADD', dead, int(now_ms), id)
  count('dead', 1)
end

-- What cannot be read is kept as it is, for a person to look at.
local function bury_unreadable(id, token)
  bury(id, { name = '', body = raws[id], enqueued_ms = now_ms, max_attempts = 0, keep_ms = 0, timeout_ms = 0, attempt = 0, lapses = 0,
    expiries = 0, token = token, session = '', result = '', history = '', unique = '' }, 'The stored job cannot be read: it is damaged, or of a newer version.')
end

-- Whether this place in line is that of a job that ended while it stood in a long line; then it is met, and forgotten.
local function is_passed_over(id, job)
  local waits = job and job.state == LIVE and not held[id] and not redis.call('ZSCORE', scheduled, id)
  return not waits and redis.call('SREM', skip, id) == 1
end
