-- The way of nearly all jobs, for enqueue: enqueued alike, to wait at once, with no unique key, in a queue without a limit, under ids that nobody
-- knows. It stands before the functions of all other ways, since to make those costs more than the work itself; and it does what they
-- would do. What is not plain goes on to them, with nothing written.
--
-- KEYS, ARGV  as in enqueue.lua
local MOST_PLAIN, FIRST_PLAIN_KEY, FIRST_BODY = 1000, 9, 7
local PLAIN_HOW, PLAIN_KEEP_MS = 148, 120000 -- the first byte of a packed array of 4; and how long such a job is kept at least (JobShape.cs)
local now_ms = math.floor(now_us() / 1000)
local was_plain = false

-- The ids of the call, and { key, record, ... }; nil where an id is there twice.
local function read_plain(jobs, head)
  local ids, records, met, id_at = {}, {}, {}, #KEYS[1] + 3
  for i = 1, jobs do
    local key = KEYS[FIRST_PLAIN_KEY + i - 1]
    if met[key] then return nil end
    met[key] = true
    ids[i], records[2 * i - 1], records[2 * i] = key:sub(id_at), key, head .. ARGV[FIRST_BODY + i - 1]
  end
  return ids, records
end

local plain_jobs, how = tonumber(ARGV[4]), ARGV[6]
local head = how:byte() == PLAIN_HOW and ARGV[5] == ARGV[4] and ARGV[3] == '0' and plain_jobs <= MOST_PLAIN
  and now_ms <= tonumber(ARGV[1]) and tonumber(ARGV[2]) - now_ms <= PLAIN_KEEP_MS and fresh_head(how, now_ms)
-- Above maxmemory the script is refused by its first write, which these are not (rule R4).
if head and redis.call('HEXISTS', KEYS[8], 'draining') == 0 and redis.call('EXISTS', unpack(KEYS, FIRST_PLAIN_KEY)) == 0 then
  local ids, records = read_plain(plain_jobs, head)
  if ids then
    -- The line first (rule R2).
    was_plain = true
    local length = redis.call('RPUSH', KEYS[2], unpack(ids))
    for from = 1, 2 * plain_jobs, MOST_PLAIN do redis.call('MSET', unpack(records, from, math.min(from + MOST_PLAIN - 1, 2 * plain_jobs))) end
    redis.call('HINCRBY', KEYS[4], 'accepted', plain_jobs)
    if length > plain_jobs then return { string.format('%d', now_ms), 0 } end
    -- The line was empty: enqueue.lua rings.
  end
end
