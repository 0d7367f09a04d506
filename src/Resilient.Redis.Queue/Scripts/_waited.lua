-- How those who wait for a job are told that it has ended. For claim, settle, extend, cancel and inspect.
--
-- Tells who waits for one of the jobs that this call has ended; for the rest nothing is done but one look whether anybody waits.
-- The last act of a script, its PUBLISH under pcall (rule R3): a bell that is lost costs a caller no more than a later look.
local function tell_waiting(root, waited, ended)
  if #ended == 0 or redis.call('EXISTS', waited) == 0 then return end
  local told = {}
  for from = 1, #ended, CHUNK do
    local part = { unpack(ended, from, math.min(from + CHUNK - 1, #ended)) }
    local listeners = redis.call('HMGET', waited, unpack(part))
    for i = 1, #part do
      if listeners[i] then told[#told + 1] = { part[i], listeners[i] } end
    end
  end
  for _, one in ipairs(told) do redis.call('HDEL', waited, one[1]) end
  for _, one in ipairs(told) do
    for _, listener in ipairs(unpack_array(one[2])) do
      if type(listener) == 'string' then pcall(redis.call, 'PUBLISH', root .. 'heard:' .. listener, one[1]) end
    end
  end
end
