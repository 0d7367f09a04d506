-- How jobs come in, by enqueue and as follow-ups of a settlement: first all reads (examine), then all writes (write): rule R1.
--
-- ARGV        nine for each job: id, name, delay ms, max attempts, timeout ms, keep ms, body, unique key (empty: none),
--             unique for ms (0: until the job has ended)
local ARRIVAL_FIELDS = 9

local function read_arrival(at)
  return {
    id = ARGV[at], name = ARGV[at + 1], delay_ms = tonumber(ARGV[at + 2]), max_attempts = tonumber(ARGV[at + 3]),
    timeout_ms = tonumber(ARGV[at + 4]), keep_ms = tonumber(ARGV[at + 5]), body = ARGV[at + 6], unique = ARGV[at + 7],
    unique_ms = tonumber(ARGV[at + 8]),
  }
end

-- completing: ids of the jobs that this very call completes, which gives their unique keys back before anything is written here.
local function arrivals(root, waiting, scheduled, stats, now_ms, completing)
  local ready, delayed, records, claimed, refused, known, turned_away, taken = {}, {}, {}, {}, {}, {}, {}, {}
  local first_due, was_empty
  local self = { count = 0, rings = false }

  -- Who holds the unique key; nil when it is free, or was left behind by a job that is no more (rule R21).
  local function holder_of(job)
    if taken[job.unique] then return taken[job.unique] end
    local key = unique_key(root, job.unique)
    local holder = redis.call('GET', key)
    if not holder or redis.call('PTTL', key) > 0 then return holder or nil end
    if completing and completing[holder] then return nil end
    local raw = redis.call('GET', root .. 'job:' .. holder)
    local other = raw and decode(raw)
    return other and other.state == LIVE and holder or nil
  end

  -- ACCEPTED, ALREADY (the id is known), or DUPLICATE and the job that holds the unique key.
  function self.examine(job)
    -- The id first, then the key: a repeat gets the answer of its first attempt, also within one call.
    if known[job.id] then return ALREADY end
    if turned_away[job.id] then return DUPLICATE, turned_away[job.id] end
    local raw = redis.call('GET', root .. 'job:' .. job.id)
    local holder = raw and decode_refusal(raw)
    if raw then return holder and DUPLICATE or ALREADY, holder end
    if job.unique ~= '' then
      holder = holder_of(job)
      if holder then
        refused[#refused + 1] = { job.id, holder }
        turned_away[job.id] = holder
        return DUPLICATE, holder
      end
      taken[job.unique] = job.id
      claimed[#claimed + 1] = job
    end

    known[job.id] = true
    self.count = self.count + 1
    if was_empty == nil then
      was_empty = redis.call('EXISTS', waiting) == 0
      first_due = tonumber(redis.call('ZRANGE', scheduled, 0, 0, 'WITHSCORES')[2] or math.huge)
    end
    local record = {
      state = LIVE, name = job.name, body = job.body, enqueued_ms = now_ms, max_attempts = job.max_attempts,
      timeout_ms = job.timeout_ms, keep_ms = job.keep_ms,
    }
    local holds_key = job.unique ~= '' and job.unique_ms == 0
    if holds_key or job.delay_ms > 0 then
      -- Written in full, so that its end can give the key back, and its age can be told once it is ready.
      record.attempt, record.lapses, record.expiries, record.token, record.session = 0, 0, 0, 0, ''
      record.ended_ms = job.delay_ms > 0 and now_ms + job.delay_ms or 0
      record.error, record.result, record.history, record.unique = '', '', '', holds_key and job.unique or ''
    end
    records[#records + 1] = { root .. 'job:' .. job.id, encode(record) }
    if job.delay_ms > 0 then
      delayed[#delayed + 1] = int(now_ms + job.delay_ms)
      delayed[#delayed + 1] = job.id
      -- A worker sleeps until the first due time that it knows of: tell it of an earlier one.
      self.rings = self.rings or now_ms + job.delay_ms < first_due
    else
      ready[#ready + 1] = job.id
      self.rings = self.rings or was_empty
    end
    return ACCEPTED
  end

  -- The sets first, then the job keys: the other way round a retry would find "id known" for a job that is in no set (rule R2).
  -- Above maxmemory the first of these is refused where nothing was written before, and nothing has happened (rule R4).
  function self.write()
    call_in_chunks('RPUSH', waiting, ready)
    call_in_chunks('ZADD', scheduled, delayed)
    for _, job in ipairs(claimed) do
      if job.unique_ms > 0 then
        redis.call('SET', unique_key(root, job.unique), job.id, 'PX', int(job.unique_ms)) -- one from a recurring job has been packed (rule R6)
      else
        redis.call('SET', unique_key(root, job.unique), job.id)
      end
    end
    for _, record in ipairs(records) do redis.call('SET', record[1], record[2]) end
    for _, refusal in ipairs(refused) do
      redis.call('SET', root .. 'job:' .. refusal[1], encode_refusal(refusal[2]), 'PX', REPEATABLE_MS)
    end
    if #records > 0 then redis.call('HINCRBY', stats, 'accepted', #records) end
  end

  return self
end
