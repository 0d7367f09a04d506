-- How claim and settle answer, also a repeated call.
local function reply(code, jobs, codes, more, token_ms)
  return { code, int(now_ms), int(lease_ms), int(ms_until_next(token_ms)), more and 1 or 0, codes, jobs }
end

-- The same number again: nothing is settled or handed out a second time. The answer is made from the leases as they stand,
-- re-leased from now, so that no job is ever popped for a worker that does not know of it (rule R12).
local function answer_again()
  local handed, codes = unpack(unpack_array(last:sub(last:find(' ') + 1)))
  local ids, jobs = {}, {}
  for i = 1, #handed, 2 do ids[#ids + 1] = handed[i] end
  read(ids)
  save_clock()
  for i = 1, #handed, 2 do
    local id, token = handed[i], handed[i + 1]
    local job = is_mine(id, token) and job_of(id)
    if job then
      redis.call('ZADD', active, int(q + lease_ms), id)
      describe(jobs, #jobs, id, token, raws[id]:byte(1) ~= 1 and job or nil)
    end
  end
  return reply(ACCEPTED, jobs, codes, true)
end

local function claim_and_reply(seen, codes)
  local jobs, handed, taken = hand_out()
  redis.call('SET', lane, int(sequence) .. ' ' .. cmsgpack.pack({ handed, codes }), 'PX', LANE_MS)

  local left = redis.call('LLEN', waiting) > 0
  local count_of_jobs = math.floor(#handed / 2)
  local short = count_of_jobs < room -- in a paused queue too: whoever resumes it rings for who has room
  if short then
    redis.call('ZADD', idle, int(now_ms), session)
    redis.call('ZREMRANGEBYSCORE', idle, '-inf', int(now_ms - lease_ms)) -- who has not looked for a lease is gone
  else
    redis.call('ZREM', idle, session) -- without room it would waste a bell that another needs
  end
  -- What this worker leaves, another may take (rule R19); what it left although it had room, it takes itself, at once.
  -- Suspects only when they have moved: two workers that may not take one would ring for each other without end.
  if paused then return reply(ACCEPTED, jobs, codes, seen.more) end
  local held_back = want < room and count_of_jobs >= want -- by a limit: nobody gets it now, but who ends a job or has the next turn
  local token_ms, somebody = settle_rate(count_of_jobs, left and short)
  local rings = left and not short and (allowed(0) > 0 or not somebody)
  if rings or (suspects_moved and redis.call('EXISTS', suspect) == 1) then ring(root, idle, session) end
  return reply(ACCEPTED, jobs, codes, seen.more or (not held_back and ((left and short) or taken > count_of_jobs)), token_ms)
end
