-- How a job is stored. The first byte is the kind:
--   fresh      1   nothing but enqueued: server time ms (6 bytes, the highest first), length of its shape (1 byte), shape, body (_fresh.lua)
--   run well   2   completed in its first run: time and shape as when it was fresh; then packed { token, session, ended ms, result }
--   whole      3   any other: a packed array of all that there is to tell
--   refused    4   no job, but an enqueue whose unique key another job holds: the id of that job; for its repeats (rule R15)
--   removed    5   no job any more: what is left for the repeats of its enqueue
-- The shape is packed: { name, max attempts, keep ms, timeout ms }. Jobs that are enqueued alike have the same, so that a call packs and reads
-- it once for all of them; and claim and completion of a fresh job only copy text. Most jobs never get any other record.
local FRESH, RUN_WELL, WHOLE, REFUSED, REMOVED = '\1', '\2', '\3', '\4', '\5'
local SHAPE_AT, TIME_BYTES = 9, 6 -- where the shape begins; and how long the time is

local shapes = {} -- packed -> shape (false: damaged), as far as this call has met them

local function shape_of(packed)
  local shape = shapes[packed]
  if shape ~= nil then return shape end
  local f = unpack_array(packed)
  shape = #f == 4 and type(f[1]) == 'string' and is_number(f[2]) and is_number(f[3]) and is_number(f[4])
    and { name = f[1], max_attempts = f[2], keep_ms = f[3], timeout_ms = f[4] }
  shapes[packed] = shape
  return shape
end

-- The shape of a job that was never claimed, or is for the first time, and where its body begins; nil or false for any other record.
local byte, part_of = string.byte, string.sub
local function fresh_shape(raw)
  local length = byte(raw, 8)
  if byte(raw, 1) ~= 1 or not length then return nil end
  local packed = part_of(raw, SHAPE_AT, SHAPE_AT + length - 1)
  return shapes[packed] or shape_of(packed), SHAPE_AT + length
end

-- Of a live job ended_ms is since when it is ready, 0 for since it was enqueued.
local function encode(job)
  return WHOLE .. cmsgpack.pack({ job.state, job.name, job.body, job.enqueued_ms, job.max_attempts, job.keep_ms, job.timeout_ms, job.attempt or 0,
    job.lapses or 0, job.expiries or 0, job.token or 0, job.session or '', job.ended_ms or 0, job.error or '', job.result or '', job.history or '',
    job.unique or '' })
end

local STATES = { [LIVE] = true, [COMPLETED] = true, [DEAD] = true, [CANCELLED] = true } -- the states that are stored
local TEXTS = { [2] = true, [3] = true, [12] = true, [14] = true, [15] = true, [16] = true, [17] = true } -- the fields of a whole record that are text

local function decode_whole(raw)
  local f = unpack_array(raw:sub(2))
  if #f ~= 17 or not STATES[f[1]] then return nil end
  for i = 2, 17 do
    if TEXTS[i] and type(f[i]) ~= 'string' or not TEXTS[i] and not is_number(f[i]) then return nil end
  end
  return {
    state = f[1], name = f[2], body = f[3], enqueued_ms = f[4], max_attempts = f[5], keep_ms = f[6], timeout_ms = f[7], attempt = f[8],
    lapses = f[9], expiries = f[10], token = f[11], session = f[12], ended_ms = f[13], error = f[14], result = f[15], history = f[16], unique = f[17],
  }
end

-- nil for what is no job: the caller decides what becomes of it, and the rest of the batch goes on. Every field is checked here,
-- since a wrong one would end the script between two writes (rule R1).
local function decode(raw)
  local kind = raw:sub(1, 1)
  if kind == WHOLE then return decode_whole(raw) end
  local length = raw:byte(8)
  local shape = (kind == FRESH or kind == RUN_WELL) and length and shape_of(raw:sub(SHAPE_AT, SHAPE_AT + length - 1))
  if not shape then return nil end
  local b = { raw:byte(2, 7) }
  local rest = raw:sub(SHAPE_AT + length)
  local job = {
    state = LIVE, name = shape.name, body = rest, enqueued_ms = ((((b[1] * 256 + b[2]) * 256 + b[3]) * 256 + b[4]) * 256 + b[5]) * 256 + b[6],
    max_attempts = shape.max_attempts, keep_ms = shape.keep_ms, timeout_ms = shape.timeout_ms, attempt = 0, lapses = 0, expiries = 0,
    token = 0, session = '', ended_ms = 0, error = '', result = '', history = '', unique = '',
  }
  if kind == FRESH then return job end
  local f = unpack_array(rest)
  if #f ~= 4 or not is_number(f[1]) or type(f[2]) ~= 'string' or not is_number(f[3]) or type(f[4]) ~= 'string' then return nil end
  job.state, job.body, job.attempt, job.token, job.session, job.ended_ms, job.result = COMPLETED, '', 1, f[1], f[2], f[3], f[4]
  return job
end

local function encode_refusal(holder) return REFUSED .. holder end

local function decode_refusal(raw) return raw:sub(1, 1) == REFUSED and #raw > 1 and raw:sub(2) or nil end

local function encode_removal() return REMOVED end

-- Whether it is one of these two: no job, and never in a set.
local function decode_trace(raw) return raw == REMOVED or decode_refusal(raw) ~= nil end
