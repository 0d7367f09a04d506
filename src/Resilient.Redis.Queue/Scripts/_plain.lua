-- The way of nearly all jobs, for enqueue: enqueued alike, to wait at once, with no unique key, in a queue without a limit, under ids that nobody
-- knows. It stands before the functions of all other ways, since to make those costs more than the work itself; and it does what they
-- would do. What is not plain goes on to them, with nothing written.
--
-- KEYS, ARGV  as in enqueue.lua
local MOST_PLAIN, FIRST_PLAIN_KEY, FIRST_BODY = 1000, 9, 13
local now_ms = math.floor(now_us() / 1000)
local was_plain = false

-- The ids and records of jobs that are plain as far as they are read here; nil where they are not.
local function read_plain()
  local root, jobs = KEYS[1], tonumber(ARGV[4])
  if now_ms > tonumber(ARGV[1]) or ARGV[3] ~= '0' or jobs > MOST_PLAIN or ARGV[5] ~= ARGV[4] or ARGV[7] ~= '0' or ARGV[11] ~= '' then return nil end
  -- Above maxmemory the script is refused by its first write, which these are not (rule R4).
  if redis.call('HEXISTS', KEYS[8], 'draining') == 1 or redis.call('EXISTS', unpack(KEYS, FIRST_PLAIN_KEY)) > 0 then return nil end
  -- The outcome is remembered at least as long as a repeat of this call is valid.
  local keep_ms = math.max(tonumber(ARGV[10]), tonumber(ARGV[2]) - now_ms)
  local head = fresh_head(ARGV[6], tonumber(ARGV[8]), keep_ms, tonumber(ARGV[9]), now_ms)
  if not head then return nil end

  local ids, records, met, id_at = {}, {}, {}, #root + 3
  for i = 1, jobs do
    local key = KEYS[FIRST_PLAIN_KEY + i - 1]
    if met[key] then return nil end
    met[key] = true
    ids[i], records[2 * i - 1], records[2 * i] = key:sub(id_at), key, head .. ARGV[FIRST_BODY + i - 1]
  end
  return ids, records
end

local plain_ids, plain_records = read_plain()
if plain_ids then
  -- The line first (rule R2).
  local jobs = #plain_ids
  was_plain = true
  local length = redis.call('RPUSH', KEYS[2], unpack(plain_ids))
  for from = 1, 2 * jobs, MOST_PLAIN do redis.call('MSET', unpack(plain_records, from, math.min(from + MOST_PLAIN - 1, 2 * jobs))) end
  redis.call('HINCRBY', KEYS[4], 'accepted', jobs)
  if length > jobs then return { string.format('%d', now_ms), 0 } end
  -- The line was empty: enqueue.lua rings.
end
