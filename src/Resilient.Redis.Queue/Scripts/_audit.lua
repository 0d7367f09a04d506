-- What is wrong with the place of a job, and what mends it: for audit. Kinds as in AuditFindingKind.
--
-- KEYS[1..15] as in _worker.lua, _limit.lua and _end.lua
local root, waiting, suspect, scheduled, active, leases = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local dead, done, clock, settings, stats, idle, waited, skip = KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12], KEYS[13], KEYS[15]
local SUSPICION, NO_RECORD, NO_PLACE, TWO_PLACES, WRONG_PLACE, NO_LEASE, NO_DEADLINE = 0, 1, 2, 3, 4, 5, 6
redis.call('DEL', root) -- above maxmemory it is allowed, too (rule R4)

local now_ms = math.floor(now_us() / 1000)
local q = tonumber(redis.call('HGET', clock, 'q') or nil) or now_ms
local lease_ms = tonumber(redis.call('HGET', settings, 'lease') or nil) or REPEATABLE_MS

-- How often an id is in line, as far as lists of this length may be searched; beyond that at both ends, where what comes anew is.
local function places_in_line(id)
  local found = {}
  for _, line in ipairs({ waiting, suspect }) do
    for _, rank in ipairs({ -1, 1 }) do
      for _, at in ipairs(redis.call('LPOS', line, id, 'RANK', rank, 'COUNT', 0, 'MAXLEN', MOST_SEARCHED)) do found[line .. int(at)] = true end
    end
  end
  local count = 0
  for _ in pairs(found) do count = count + 1 end
  return count - redis.call('SISMEMBER', skip, id)
end

local function look_at(id)
  local raw, packed = redis.call('GET', job_key_of(root, id)), redis.call('HGET', leases, id)
  local job = raw and decode(raw)
  local here = {
    id = id, job = job, exists = raw and (job or not decode_trace(raw)), lease = packed and decode_lease(packed), packed = packed,
    active = redis.call('ZSCORE', active, id), scheduled = redis.call('ZSCORE', scheduled, id), dead = redis.call('ZSCORE', dead, id),
    done = redis.call('ZSCORE', done, id),
  }
  if job and job.unique ~= '' then redis.call('EXISTS', unique_key(root, job.unique)) end -- rule R5
  return here
end

-- Where it belongs: as claim, settle and the look would decide.
local function place_of(here)
  if not here.exists then return nil end
  local state = here.job and here.job.state or here.dead and DEAD or here.done and COMPLETED or LIVE
  if state == DEAD then return 'dead' end
  if state ~= LIVE then return 'done' end
  return here.lease and 'active' or here.in_line > 0 and 'line' or here.scheduled and 'scheduled' or 'line'
end

-- in_line: how often it is in line; nil where nobody knows, and a search is too dear. Nil when all is well.
local function examine(id, in_line)
  local here = look_at(id)
  here.in_line = in_line or 0
  local place = place_of(here)
  local others = 0
  for _, set in ipairs({ 'active', 'scheduled', 'dead', 'done' }) do
    if here[set] and set ~= place then others = others + 1 end
  end
  others = others + math.max(0, here.in_line - (place == 'line' and 1 or 0))
  local stray_lease = here.packed and place ~= 'active'
  local there = place and (here[place] or (place == 'line' and here.in_line > 0))
  if there and others == 0 and not stray_lease then return nil end
  if not place and others == 0 and not stray_lease then return nil end

  local counted = here.in_line + (here.active and 1 or 0) + (here.scheduled and 1 or 0) + (here.dead and 1 or 0)
  here.place, here.there = place, there
  here.truth = place and (place == 'done' and 0 or 1) or (counted > 0 and not here.done and 1 or 0)
  here.excess = counted - here.truth
  if not place then here.kind = NO_RECORD
  elseif not in_line and place == 'line' and not there and others == 0 and not stray_lease then here.kind = SUSPICION
  elseif not there and place == 'active' and others == 0 then here.kind = NO_DEADLINE
  elseif place == 'line' and here.active and others == 1 and not there then here.kind = NO_LEASE
  elseif stray_lease and others == 0 and (there or place == 'line') then here.kind = NO_DEADLINE
  elseif others == 0 then here.kind = NO_PLACE
  elseif there then here.kind = TWO_PLACES
  else here.kind = WRONG_PLACE end
  return here
end

-- Its place first, then out of the others: cut off in between it is in two (rule R2). No job is lost by it.
local function mend(here)
  local id, place = here.id, here.place
  if place and not here.there then
    if place == 'active' then redis.call('ZADD', active, int(q + lease_ms), id) end
    if place == 'line' then redis.call('RPUSH', waiting, id) end
    if place == 'dead' then redis.call('ZADD', dead, int(now_ms), id) end
    if place == 'done' then redis.call('ZADD', done, int(q + math.max(here.job.keep_ms, 4 * lease_ms, REPEATABLE_MS)), id) end
  end
  if not place and here.truth == 1 then redis.call('HINCRBY', stats, 'lost', 1) end
  if place ~= 'active' then
    redis.call('HDEL', leases, id)
    redis.call('ZREM', active, id)
  end
  if place ~= 'scheduled' then redis.call('ZREM', scheduled, id) end
  if place ~= 'dead' then redis.call('ZREM', dead, id) end
  if place ~= 'done' then redis.call('ZREM', done, id) end
  for _ = 1, here.in_line - (place == 'line' and here.there and 1 or 0) do leave_line(waiting, suspect, skip, id) end
end
