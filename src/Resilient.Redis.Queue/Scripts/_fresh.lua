-- What a fresh record begins with (_record.lua), for jobs of this shape enqueued at this time; the body follows. Nil for a shape that is
-- too long, which a long name makes.
local function fresh_head(shape, now_ms)
  if #shape > 255 then return nil end
  local floor, high, low = math.floor, math.floor(now_ms / 16777216), now_ms % 16777216 -- Garnet's struct has no integers of 6 bytes
  return string.char(1, floor(high / 65536), floor(high / 256) % 256, high % 256, floor(low / 65536), floor(low / 256) % 256, low % 256, #shape) .. shape
end
