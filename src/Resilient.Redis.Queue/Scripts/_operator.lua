-- What the operator's verbs share. Their answers are remembered: a repeat after a lost reply is told what its first attempt did.
--
-- KEYS[2]     call         this call and its repeats; kept as long as a call may be repeated
local call = KEYS[2]

local answered = redis.call('GET', call)
if answered then return cmsgpack.unpack(answered) end

-- Last of all writes.
local function answer(reply)
  redis.call('SET', call, cmsgpack.pack(reply), 'PX', REPEATABLE_MS)
  return reply
end
