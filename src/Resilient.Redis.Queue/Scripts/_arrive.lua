-- How jobs come in, by enqueue, as follow-ups of a settlement and as ticks: first all reads (examine), then all writes (write): rule R1.
--
-- How jobs are enqueued is one argument: packed { name, max attempts, keep ms, timeout ms }; or these and delay ms, unique key (empty: none)
-- and unique for ms (0: until the job has ended). JobShape.cs writes it.
local function read_how(packed)
  local f = cmsgpack.unpack(packed)
  return { name = f[1], max_attempts = f[2], keep_ms = f[3], timeout_ms = f[4], delay_ms = f[5] or 0, unique = f[6] or '', unique_ms = f[7] or 0 }
end

-- completing: ids of the jobs that this very call completes, which gives their unique keys back before anything is written here.
local function arrivals(root, waiting, scheduled, stats, now_ms, completing)
  local ready, delayed, records, claimed, refused, known, turned_away, taken = {}, {}, {}, {}, {}, {}, {}, {}
  local first_due
  local self = { count = 0, rings = false }

  -- Who holds the unique key; nil when it is free, or was left behind by a job that is no more (rule R21).
  local function holder_of(unique)
    if taken[unique] then return taken[unique] end
    local key = unique_key(root, unique)
    local holder = redis.call('GET', key)
    if not holder or redis.call('PTTL', key) > 0 then return holder or nil end
    if completing and completing[holder] then return nil end
    local raw = redis.call('GET', job_key_of(root, holder))
    local other = raw and decode(raw)
    return other and other.state == LIVE and holder or nil
  end

  -- Fresh, unless its end has to give a key back, or its age counts from when it is due.
  local function record_of(how, body)
    local holds_key = how.unique ~= '' and how.unique_ms == 0
    if how.delay_ms == 0 and not holds_key then
      -- Once for all that are enqueued alike.
      if how.head == nil then how.head = fresh_head(cmsgpack.pack({ how.name, how.max_attempts, how.keep_ms, how.timeout_ms }), now_ms) or false end
      if how.head then return how.head .. body end
    end
    return encode({
      state = LIVE, name = how.name, body = body, enqueued_ms = now_ms, max_attempts = how.max_attempts, timeout_ms = how.timeout_ms, keep_ms = how.keep_ms,
      ended_ms = how.delay_ms > 0 and now_ms + how.delay_ms or 0, unique = holds_key and how.unique or '',
    })
  end

  -- ACCEPTED, ALREADY (the id is known), or DUPLICATE and the job that holds the unique key. raw: what is stored under the id; nil: not read yet.
  function self.examine(id, how, body, raw)
    -- The id first, then the key: a repeat gets the answer of its first attempt, also within one call.
    if known[id] then return ALREADY end
    if turned_away[id] then return DUPLICATE, turned_away[id] end
    local key = job_key_of(root, id)
    if raw == nil then raw = redis.call('GET', key) end
    if raw then
      local holder = decode_refusal(raw)
      return holder and DUPLICATE or ALREADY, holder
    end
    if how.unique ~= '' then
      local holder = holder_of(how.unique)
      if holder then
        refused[#refused + 1] = { key, holder }
        turned_away[id] = holder
        return DUPLICATE, holder
      end
      taken[how.unique] = id
      claimed[#claimed + 1] = { how, id }
    end

    known[id] = true
    self.count = self.count + 1
    records[#records + 1] = key
    records[#records + 1] = record_of(how, body)
    if how.delay_ms > 0 then
      first_due = first_due or tonumber(redis.call('ZRANGE', scheduled, 0, 0, 'WITHSCORES')[2] or math.huge)
      delayed[#delayed + 1] = int(now_ms + how.delay_ms)
      delayed[#delayed + 1] = id
      -- A worker sleeps until the first due time that it knows of: tell it of an earlier one.
      self.rings = self.rings or now_ms + how.delay_ms < first_due
    else
      ready[#ready + 1] = id
    end
    return ACCEPTED
  end

  -- The sets first, then the job keys: the other way round a retry would find "id known" for a job that is in no set (rule R2).
  -- Above maxmemory the first of these is refused where nothing was written before, and nothing has happened (rule R4).
  function self.write()
    local length = call_in_chunks('RPUSH', waiting, ready)
    self.rings = self.rings or length == #ready -- the line was empty
    call_in_chunks('ZADD', scheduled, delayed)
    for _, claim in ipairs(claimed) do
      local how, id = claim[1], claim[2]
      if how.unique_ms > 0 then
        redis.call('SET', unique_key(root, how.unique), id, 'PX', int(how.unique_ms)) -- one from a recurring job has been packed (rule R6)
      else
        redis.call('SET', unique_key(root, how.unique), id)
      end
    end
    set_in_chunks(records)
    for _, refusal in ipairs(refused) do redis.call('SET', refusal[1], encode_refusal(refusal[2]), 'PX', REPEATABLE_MS) end
    if self.count > 0 then redis.call('HINCRBY', stats, 'accepted', self.count) end
  end

  return self
end
