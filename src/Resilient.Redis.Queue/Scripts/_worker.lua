-- What claim, settle and extend stand on: their keys, queue time, and the jobs and leases that a call has read.
--
-- KEYS[1..13]  root, waiting, suspect, scheduled, active, leases, dead, done, clock, settings, stats, idle, waited
-- ARGV[1..5]   session, lease ms, max deliveries, dead retention ms, dead limit
local root, waiting, suspect, scheduled, active, leases = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local dead, done, clock, settings, stats, idle, waited = KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12], KEYS[13]
local session, option_lease_ms, max_deliveries = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local dead_retention_ms, dead_limit = tonumber(ARGV[4]), tonumber(ARGV[5])
local FIRST_OWN_ARGUMENT = 9 -- after those of _limit.lua

-- A DEL of nothing: above maxmemory a script is refused at its first write if that may allocate, and goes on if it was harmless.
-- So workers can always finish work and free memory (rule R4).
redis.call('DEL', root)

local fresh_token = now_us()
local now_ms = math.floor(fresh_token / 1000)
local set = redis.call('HMGET', settings, 'lease', 'paused')
local lease_ms = tonumber(set[1] or nil) or option_lease_ms -- the queue's own (rule R9)
local paused = set[2] == '1'

-- Lease time is queue time: it moves only while workers look, so an outage stops it in O(1) (rule R8).
-- Replies queue time, the end of the grace, and the deadline up to which leases have expired (nil: none).
local function read_clock()
  local cap_ms = math.floor(lease_ms / 4)
  local stored = redis.call('HMGET', clock, 'q', 'last', 'hold')
  local before, last, hold = tonumber(stored[1] or nil), tonumber(stored[2] or nil), tonumber(stored[3] or nil) or 0
  if not (before and last) then
    -- No clock counts as a gap, with q above every deadline: all leases get their grace, and then they end.
    local latest = redis.call('ZRANGE', active, -1, -1, 'WITHSCORES')[2]
    local q = math.max(now_ms, tonumber(latest or 0) + 1)
    return q, q + lease_ms, nil
  end
  local gap_ms = now_ms - last
  local q = before + math.max(0, math.min(gap_ms, cap_ms))
  if q < hold then return q, hold, nil end
  if gap_ms <= cap_ms then return q, hold, q end
  -- A gap: a grace for all to come back. Where every look is late, grace would follow grace and nothing expire for ever:
  -- so what had expired before this look, while the grace that ends with it was running, has had its chance.
  return q, q + lease_ms, before < hold and before or nil
end

local q, hold, expired_until = read_clock()

local function save_clock()
  redis.call('HSET', clock, 'q', int(q), 'last', int(now_ms), 'hold', int(hold))
  redis.call('HSETNX', settings, 'lease', int(lease_ms))
end

local function job_key(id) return job_key_of(root, id) end
local id_at = #root + 3 -- where the id begins in the key of a job

-- What this call has read: id -> stored job (false: none), id -> lease (false: none). nil: not read.
local raws, held = {}, {}
local decoded = {} -- id -> job (false: damaged), as far as somebody has asked

local function read_leases(ids)
  for from = 1, #ids, CHUNK do
    local to = math.min(from + CHUNK - 1, #ids)
    local packed = redis.call('HMGET', leases, unpack(ids, from, to))
    for i = from, to do
      local text = packed[i - from + 1]
      held[ids[i]] = text and decode_lease(text)
    end
  end
end

-- Reads jobs and their leases before anything is written. On a cluster whose slot is moving, the call is refused here (rule R5).
local function read(ids)
  read_leases(ids)
  for from = 1, #ids, CHUNK do
    local keys, to = {}, math.min(from + CHUNK - 1, #ids)
    for i = from, to do keys[i - from + 1] = job_key(ids[i]) end
    local stored = redis.call('MGET', unpack(keys))
    for i = from, to do raws[ids[i]], decoded[ids[i]] = stored[i - from + 1], nil end
  end
end

-- The job, nil or false where there is none that can be read.
local function job_of(id)
  local raw = raws[id]
  if raw and decoded[id] == nil then decoded[id] = decode(raw) or false end
  return raw and decoded[id]
end

local function is_mine(id, token)
  local lease = held[id]
  return lease and lease.session == session and lease.token == token
end

-- A job is first put in its new place, then taken out of the old one: cut off in between, it is in two sets, which heals,
-- and never in none. A lease never stands without its deadline: it would never expire.
local function drop_lease(id)
  redis.call('HDEL', leases, id)
  redis.call('ZREM', active, id)
  held[id] = false
end

local function store(id, job)
  raws[id], decoded[id] = encode(job), job
  redis.call('SET', job_key(id), raws[id])
end

local function count(what, by) redis.call('HINCRBY', stats, what, by) end
