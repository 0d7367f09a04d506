-- What every call of a worker does for the queue, so that it needs no maintenance process: promote what is due, return
-- expired leases, forget what has been kept long enough. First all reads (look), then all writes (tidy): rule R1.
local LOOK = 100 -- the most of each that one call handles (rule R7)
local SUSPECT_AFTER = 2 -- expiries after which a job is handed out alone (rule R17)

-- Before the first write, for a cluster whose slot is moving (rule R5).
local function touch_unique(ids)
  for _, id in ipairs(ids) do
    local job = raws[id] and raws[id]:byte(1) ~= 1 and job_of(id) -- a fresh one has no key
    if job and job.unique ~= '' then redis.call('EXISTS', unique_key(root, job.unique)) end
  end
end

local function call_for_jobs(command, ids)
  for from = 1, #ids, CHUNK do
    local keys = {}
    for i = from, math.min(from + CHUNK - 1, #ids) do keys[#keys + 1] = job_key(ids[i]) end
    redis.call(command, unpack(keys))
  end
end

-- keep: ids that this very call settles or extends. They were not given away yet, so they are still their holder's.
-- forget: how many more ended jobs than LOOK to forget, so that forgetting keeps pace with what this call ends.
local function look(keep, forget)
  local seen = { due = redis.call('ZRANGEBYSCORE', scheduled, '-inf', int(now_ms), 'LIMIT', 0, LOOK), expired = {} }
  if expired_until then
    local expired = redis.call('ZRANGEBYSCORE', active, '-inf', int(expired_until), 'LIMIT', 0, LOOK)
    seen.more = #expired == LOOK
    for _, id in ipairs(expired) do
      if not keep[id] then seen.expired[#seen.expired + 1] = id end
    end
  end
  seen.more = seen.more or #seen.due == LOOK
  read(seen.expired)
  touch_unique(seen.expired)

  seen.forgotten = redis.call('ZRANGEBYSCORE', done, '-inf', int(q), 'LIMIT', 0, LOOK + forget)
  seen.trimmed = redis.call('ZRANGEBYSCORE', dead, '-inf', int(now_ms - dead_retention_ms), 'LIMIT', 0, LOOK + forget)
  local surplus = redis.call('ZCARD', dead) - dead_limit
  if #seen.trimmed == 0 and surplus > 0 then
    seen.trimmed = redis.call('ZRANGEBYSCORE', dead, '-inf', int(now_ms - REPEATABLE_MS), 'LIMIT', 0, math.min(surplus, LOOK + forget))
  end
  -- Touched before the first write, for a cluster whose slot is moving (rule R5).
  call_for_jobs('EXISTS', seen.forgotten)
  call_for_jobs('EXISTS', seen.trimmed)
  return seen
end

local suspects_moved = false -- whether this call has put a job among the suspects, or has taken one
local line_moved = false -- whether it has put one in line

-- At the head of its line; handed out alone from its second expiry on (rule R17). A suspect that has lost its worker goes to the
-- end: at the head, a job that kills its worker time after time would keep all other suspects waiting until it is dead.
local function push_back(id, job, has_expired)
  if job.expiries >= SUSPECT_AFTER then
    suspects_moved = true
    redis.call(has_expired and 'RPUSH' or 'LPUSH', suspect, id)
  else
    line_moved = true
    redis.call('LPUSH', waiting, id)
  end
end

-- The job goes back to the head of its line, or is dead once it has taken too many workers with it. Only expiries of started
-- handlers count against it (rule R17).
local function recover(id)
  local lease, raw = held[id], raws[id]
  local token = lease and lease.token or 0
  local job = job_of(id)
  if not raw then
    lose(id)
  elseif not job then
    bury_unreadable(id, token)
  elseif job.state ~= LIVE then
    count('dropped', 1)
  else
    -- No session: its last holder has lost it, and must not be taken for one that repeats an accepted settlement.
    job.token, job.session, job.expiries, job.ended_ms = math.max(job.token, token), '', job.expiries + 1, now_ms
    remember(job, job.attempt + 1, now_ms, lease and lease.session or '', WORKERLOST, '')
    if lease and lease.started == 1 then job.lapses = job.lapses + 1 end
    if lease and lease.cancel ~= '' then
      finish(id, job, CANCELLED, lease.cancel)
    elseif job.lapses >= max_deliveries then
      bury(id, job, 'Its lease was lost ' .. int(job.lapses) .. ' times while its handler ran: it may kill its worker (MaxDeliveries).')
    else
      push_back(id, job, true)
      store(id, job)
    end
  end
  drop_lease(id)
end

local function remove(ids, set)
  call_for_jobs('DEL', ids)
  call_in_chunks('ZREM', set, ids)
end

local function tidy(seen)
  save_clock()
  for i = #seen.expired, 1, -1 do recover(seen.expired[i]) end
  line_moved = line_moved or #seen.due > 0
  call_in_chunks('RPUSH', waiting, seen.due)
  call_in_chunks('ZREM', scheduled, seen.due)
  remove(seen.forgotten, done)
  remove(seen.trimmed, dead)
  if #seen.trimmed > 0 then count('trimmed', #seen.trimmed) end
end

-- How long a worker may sleep: ms until the next due time or lease deadline, -1 when there is neither.
-- sooner_ms: what else pays by then; nil for nothing.
local function ms_until_next(sooner_ms)
  local due = redis.call('ZRANGE', scheduled, 0, 0, 'WITHSCORES')[2]
  local deadline = redis.call('ZRANGE', active, 0, 0, 'WITHSCORES')[2]
  local wait = math.min(sooner_ms or math.huge, due and tonumber(due) - now_ms or math.huge, deadline and math.max(tonumber(deadline), hold) - q or math.huge)
  return wait == math.huge and -1 or math.max(0, wait)
end
