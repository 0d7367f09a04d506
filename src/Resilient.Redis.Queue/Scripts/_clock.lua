-- Server time in microseconds, read once a script (rule R7). Tests put another function of this name in its place.
local function now_us()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end
